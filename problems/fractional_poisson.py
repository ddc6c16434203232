"""Screened diffusion by long jumps: a fractional Poisson equation, with a series of Jacobi polynomials as reference."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import deepxde as dde
import numpy as np
import torch
from scipy.special import eval_jacobi, gamma, poch, roots_jacobi
from torch import Tensor

import pacpinn as pp


class FractionalPoisson(pp.GivenEquation):
    """(-Δ)^(order / 2) u + screening u = 1 on x in [-1, 1], u = 0 outside, 1 < order < 2.

    u is the mean time in the interval of particles that jump by a stable law of that order and die at a rate
    `screening` (Getoor, Trans. AMS 101, 1961). The fractional Laplacian is DeepXDE's: Grünwald-Letnikov's formula on a
    fixed mesh (Pang, Lu & Karniadakis, SIAM J. Sci. Comput. 41, 2019). Near the ends u rises like a root of the
    distance, where the formula has a low order. It is therefore applied to what u differs from a multiple of
    ``(1 - x²)^(order / 2)``, whose fractional Laplacian is known: a constant (Getoor). The formula, of first order,
    leaves an error of 2e-4 of u's variation at order 1.8, 2e-3 at 1.5, 5e-3 at 1.3. The unit of length is half the
    interval.
    """

    order = pp.Coefficient(1.6, low=1.2, high=1.9, doc="order of the derivative")
    screening = pp.Coefficient(2.0, low=0.1, high=20.0, scale="log", doc="death rate")
    targets = pp.grid(order=[1.5, 1.8], screening=[0.5, 2.0, 8.0])
    inputs = ("x",)
    hidden = (16, 16)
    tolerance = 4e-3  # twice the formula's own error at the targets

    def data(self, c: pp.Coefficients) -> Any:
        def equation(x: Tensor, u: Tensor, weights: np.ndarray) -> Tensor:
            rise = (1 - x.detach() ** 2).clamp(min=0) ** (c.order / 2)
            multiple = u[0] / rise[0]  # next to an end
            both = torch.as_tensor(weights, dtype=u.dtype) @ (u - multiple * rise)  # derivatives from both sides
            laplacian = both / (2 * np.cos(np.pi * c.order / 2)) + multiple * gamma(c.order + 1)
            return laplacian + c.screening * u[: len(both)] - 1

        return dde.data.FPDE(dde.geometry.Interval(-1, 1), equation, c.order, [], [401], meshtype="static")

    def features(self, x: Tensor, c: pp.Coefficients) -> Tensor:
        return 2 * x**2 - 1  # even, as u is

    def transform(self, x: Tensor, y: Tensor, c: pp.Coefficients) -> Tensor:
        return (1 - x**2).clamp(min=0) ** (c.order / 2) * y  # rises from the ends as u does

    def reference(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        s, amplitudes = c.order / 2, spectral(c.order, c.screening)
        modes = eval_jacobi(2 * np.arange(len(amplitudes)), s, s, x)
        return (np.maximum(1 - x**2, 0) ** s) * (modes @ amplitudes)[:, None]


@lru_cache
def spectral(order: float, screening: float, count: int = 40) -> np.ndarray:
    """Amplitudes of (1 - x²)^s P_2n(x) in u, by Galerkin's method: the fractional Laplacian of (1 - x²)^s P_n is
    Γ(n + 1 + order) / n! P_n for Jacobi polynomials P_n of index s = order / 2 (Dyda, Kuznetsov & Kwaśnicki 2017)."""
    s, n = order / 2, 2 * np.arange(count)
    x, weights = roots_jacobi(4 * count, s, s)  # with (1 - x²)^s in the weights
    modes = eval_jacobi(n, s, s, x[:, None])
    stiffness = (modes.T * weights) @ modes * poch(n + 1, order)
    mass = (modes.T * weights * (1 - x**2) ** s) @ modes
    return np.linalg.solve(stiffness + screening * mass, modes.T @ weights)
