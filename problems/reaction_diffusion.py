"""Growth and spreading of a population, with a spectral solution as reference."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import deepxde as dde
import numpy as np
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

import pacpinn as pp


class ReactionDiffusion(pp.Equation):
    """u_t = nu u_xx + rho u (1 - u) on x in [0, 2 pi], t in [0, 1], periodic in x; u(x, 0) = e^(-2 (1 + cos x)).

    Fisher's equation (Annals of Eugenics 7, 1937), which is hard to learn for networks where both terms are large
     (Krishnapriyan et al., NeurIPS 2021).
    """

    nu = pp.Coefficient(0.5, low=0.05, high=5.0, scale="log", doc="diffusivity")
    rho = pp.Coefficient(2.0, low=0.1, high=10.0, scale="log", doc="rate of growth")
    targets = pp.grid(nu=[0.25, 1.0], rho=[1.0, 2.0, 4.0])
    points = pp.Points(domain=1024)
    hidden = (20, 20, 20)

    def geometry(self, c: pp.Coefficients) -> Any:
        return dde.geometry.GeometryXTime(dde.geometry.Interval(0, 2 * np.pi), dde.geometry.TimeDomain(0, 1))

    def residual(self, x: Tensor, u: Tensor, c: pp.Coefficients) -> Tensor:
        u_t = dde.grad.jacobian(u, x, j=1)
        u_xx = dde.grad.hessian(u, x, i=0, j=0)
        return u_t - c.nu * u_xx - c.rho * u * (1 - u)

    def features(self, x: Tensor, c: pp.Coefficients) -> Tensor:
        place, time = x[:, 0:1], x[:, 1:2]
        return torch.cat([pp.periodic(place, 2 * np.pi), time], dim=1)

    def transform(self, x: Tensor, y: Tensor, c: pp.Coefficients) -> Tensor:
        place, time = x[:, 0:1], x[:, 1:2]
        return torch.exp(-2 * (1 + torch.cos(place))) + time * y

    def exact_conditions(self, geometry: Any, c: pp.Coefficients) -> list[Any]:
        return [dde.icbc.IC(geometry, lambda x: np.exp(-2 * (1 + np.cos(x[:, 0:1]))), lambda _, on_initial: on_initial)]

    def reference(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        modes, times = spectral(c.nu, c.rho), np.unique(x[:, 1])
        row = np.searchsorted(times, x[:, 1])
        waves = np.exp(1j * np.outer(x[:, 0], np.arange(NODES // 2)))
        return np.sum(waves * modes(times).T[row], axis=1).real[:, None]


NODES = 96  # half of them are Fourier modes: far more than this smooth solution needs


@lru_cache
def spectral(nu: float, rho: float) -> Any:
    """Fourier coefficients ``(modes, times)`` as a function of times: collocation in x, an eighth-order method in t
    (Trefethen, Spectral Methods in MATLAB, 2000, chapters 3 and 10)."""
    x = 2 * np.pi * np.arange(NODES) / NODES
    squares = np.arange(NODES // 2 + 1) ** 2

    def slope(t: float, u: np.ndarray) -> np.ndarray:
        return nu * np.fft.irfft(-squares * np.fft.rfft(u)) + rho * u * (1 - u)

    begin = np.exp(-2 * (1 + np.cos(x)))
    tight = {"rtol": 1e-12, "atol": 1e-13, "max_step": 1 / 500}  # interpolation between long steps is less accurate
    solution = solve_ivp(slope, (0, 1), begin, method="DOP853", dense_output=True, **tight)
    once_or_twice = np.where(np.arange(NODES // 2) == 0, 1, 2)[:, None]  # modes k and -k are each other's conjugates

    def modes(times: np.ndarray) -> np.ndarray:
        return once_or_twice * np.fft.rfft(solution.sol(times), axis=0)[: NODES // 2] / NODES

    return modes
