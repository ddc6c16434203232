"""Problems with the settings with which the results here were measured; the installed problems have changed since."""

from __future__ import annotations

import numpy as np

import pacpinn as pp
from pacpinn.problems import burgers, steep_burgers


class Burgers(burgers.Burgers):
    """With nearly twice the tolerance of the installed problem."""

    tolerance = 1.2e-4


class SteepBurgers(steep_burgers.SteepBurgers):
    """With a narrower network, a larger tolerance, and every second point near the front."""

    tolerance = 8e-6
    hidden = (32, 32, 32)

    def place(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        place, time = np.abs(x[:, 0:1]), x[:, 1:2]
        crowded = np.sinh(4.5 * place) / np.sinh(4.5)
        return np.hstack([np.where(np.arange(len(x))[:, None] % 2, place, crowded), time])


def get_problem(name: str) -> pp.Problem:
    earlier = {"burgers": Burgers, "steep_burgers": SteepBurgers}
    return earlier[name]() if name in earlier else pp.get_problem(name)
