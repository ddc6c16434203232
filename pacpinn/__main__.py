"""``python -m pacpinn`` is the command ``pacpinn``."""

import sys

from pacpinn.cli import main

sys.exit(main())
