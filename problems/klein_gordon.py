"""A nonlinear string on springs over their stiffness, with a spectral solution as reference."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import deepxde as dde
import numpy as np
import torch
from numpy.polynomial import chebyshev
from scipy.integrate import solve_ivp
from torch import Tensor

import pacpinn as pp

END = 2.0  # of the time interval


class KleinGordon(pp.Equation):
    """u_tt = u_xx - u - gamma u³ on x in [-1, 1], t in [0, 2]; u(x, 0) = cos(pi x / 2), u_t(x, 0) = 0, u(±1, t) = 0.

    Every point of the string is held by a spring that becomes stiffer as it is stretched. In the units of length, speed
    and stiffness all other coefficients are 1. The larger gamma, the higher the frequency and the stronger the
    harmonics (the phi⁴ equation; Ablowitz, Nonlinear Dispersive Waves, 2011).
    """

    gamma = pp.Coefficient(1.0, low=0.1, high=30.0, scale="log", doc="stiffening of the springs")
    targets = pp.grid(gamma=np.geomspace(1.0, 16.0, 9)[1:])
    points = pp.Points(domain=1024)
    tolerance = 2e-4
    hidden = (20, 20, 20)

    def geometry(self, c: pp.Coefficients) -> Any:
        return dde.geometry.GeometryXTime(dde.geometry.Interval(-1, 1), dde.geometry.TimeDomain(0, END))

    def residual(self, x: Tensor, u: Tensor, c: pp.Coefficients) -> Tensor:
        u_xx = dde.grad.hessian(u, x, i=0, j=0)
        u_tt = dde.grad.hessian(u, x, i=1, j=1)
        return u_tt - u_xx + u + c.gamma * u**3

    def features(self, x: Tensor, c: pp.Coefficients) -> Tensor:
        place, time = x[:, 0:1], x[:, 1:2]
        return torch.cat([2 * place**2 - 1, time - 1], dim=1)  # even in x, as u is

    def transform(self, x: Tensor, y: Tensor, c: pp.Coefficients) -> Tensor:
        place, time = x[:, 0:1], x[:, 1:2]
        grown = (4 + c.gamma) * time**2
        return torch.cos(torch.pi * place / 2) + grown / (1 + grown) * (1 - place**2) * y

    def exact_conditions(self, geometry: Any, c: pp.Coefficients) -> list[Any]:
        def at_start(x: np.ndarray, _: Any) -> bool:
            return bool(dde.utils.isclose(x[1], 0))

        return [
            dde.icbc.DirichletBC(geometry, lambda x: 0, lambda _, on_boundary: on_boundary),
            dde.icbc.IC(geometry, lambda x: np.cos(np.pi * x[:, 0:1] / 2), lambda _, on_initial: on_initial),
            dde.icbc.OperatorBC(geometry, lambda x, u, _: dde.grad.jacobian(u, x, j=1), at_start),
        ]

    def reference(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        return evaluate(spectral(c.gamma), x[:, 0], x[:, 1])[:, None]


@lru_cache
def spectral(gamma: float, accuracy: float = 1e-9) -> np.ndarray:
    """Amplitudes of the odd harmonics, as Chebyshev coefficients in t - 1 ``(time degree + 1, harmonics)``.

    Raises:
        ArithmeticError: if those of two resolutions do not agree to `accuracy`.
    """
    coarse, fine = collocated(gamma, 32), collocated(gamma, 64)
    difference = np.abs(fine[: len(coarse), : coarse.shape[1]] - coarse).max()
    if not difference < accuracy:
        raise ArithmeticError(f"the spectral solution at gamma={gamma:g} is uncertain by {difference:.1e}")
    return fine


def collocated(gamma: float, harmonics: int) -> np.ndarray:
    """By collocation in x, DOP853 in t (Trefethen, Spectral Methods in MATLAB, 2000, chapters 3 and 10)."""
    numbers = np.arange(1, 2 * harmonics, 2) * np.pi / 2
    x = (2 * np.arange(harmonics) + 1) / (2 * harmonics)  # between 0 and 1: u is even
    waves = np.cos(np.outer(x, numbers))
    to_amplitudes = np.linalg.inv(waves)

    def slope(t: float, state: np.ndarray) -> np.ndarray:
        a, velocity = state.reshape(2, -1)
        u = waves @ a
        return np.concatenate([velocity, -(numbers**2 + 1) * a - gamma * to_amplitudes @ u**3])

    degree = 2 * harmonics
    times = END / 2 * (1 + chebyshev.chebpts2(degree + 1))
    begin = np.eye(2 * harmonics)[0]
    a = solve_ivp(slope, (0, END), begin, "DOP853", t_eval=times, rtol=1e-13, atol=1e-14, max_step=0.01).y[:harmonics]
    return np.linalg.solve(chebyshev.chebvander(2 * times / END - 1, degree), a.T)


def evaluate(amplitudes: np.ndarray, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """u ``(rows,)`` at `x` and `t` ``(rows,)``."""
    degree, harmonics = len(amplitudes) - 1, amplitudes.shape[1]
    waves = np.cos(np.outer(x, np.arange(1, 2 * harmonics, 2) * np.pi / 2))
    return np.sum(chebyshev.chebvander(2 * t / END - 1, degree) @ amplitudes * waves, axis=1)
