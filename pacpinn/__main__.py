"""``python -m pacpinn`` is the command ``pacpinn``."""

import sys

from pacpinn.cli.app import main

sys.exit(main())
