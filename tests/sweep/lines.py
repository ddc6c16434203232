"""A family whose errors no residual tells: what a made-up solver says of its solves is taken."""

from __future__ import annotations

import numpy as np

import pacpinn as pp
from tests.toys import CurveFit, small_network


class Lines(pp.Problem):
    """Lines y = k x to a tolerance."""

    k = pp.Coefficient(1.0, low=0.1, high=10.0, scale="log")
    inputs, outputs = ("x",), ("y",)

    def build(self, c):
        x = np.linspace(-1, 1, 8)[:, None]
        task = CurveFit(x, c.k * x)
        task.tolerance = 1e-3
        return task

    def network(self, seed):
        return small_network(seed)
