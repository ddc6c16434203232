"""Problems as the results here were measured, where the installed ones have changed since."""

from __future__ import annotations

import pacpinn as pp
from pacpinn.problems import burgers


class Burgers(burgers.Burgers):
    """At nearly twice the tolerance that is installed."""

    tolerance = 1.2e-4


def get_problem(name: str) -> pp.Problem:
    return Burgers() if name == "burgers" else pp.get_problem(name)
