"""The nonlinear Schrodinger equation from dispersion to a breather, with a spectral solution as reference."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import deepxde as dde
import numpy as np
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

import pacpinn as pp


class Schrodinger(pp.Equation):
    """i h_t + h_xx / 2 + g |h|² h = 0 for h = u + i v on x in [-5, 5], t in [0, pi/2], periodic in x.

    h(x, 0) = 2 Σ sech(x + 10 n) over all n: 2 sech x made periodic without a kink at the ends. Dispersion dominates
    for small g; at g = 1/4 there is a soliton at rest; at g = 1 (Raissi et al., J. Comput. Phys. 378, 2019) a breather
    peaks, at 4, when t = pi/4 (Satsuma & Yajima, Prog. Theor. Phys. Suppl. 55, 1974). Dimensionless.
    """

    g = pp.Coefficient(0.5, low=0.05, high=1.0, scale="log", doc="strength of the nonlinearity")
    targets = pp.grid(g=[0.1, 0.2, 0.35, 0.7, 0.85, 1.0])
    outputs = ("u", "v")
    points = pp.Points(domain=1536)
    tolerance = 5e-4
    hidden = (28, 28, 28)

    def geometry(self, c: pp.Coefficients) -> Any:
        return dde.geometry.GeometryXTime(dde.geometry.Interval(-5, 5), dde.geometry.TimeDomain(0, np.pi / 2))

    def residual(self, x: Tensor, h: Tensor, c: pp.Coefficients) -> Sequence[Tensor]:
        u_t, v_t = (dde.grad.jacobian(h, x, i=i, j=1) for i in (0, 1))
        u_xx, v_xx = (dde.grad.hessian(h, x, component=i, i=0, j=0) for i in (0, 1))
        u, v = h[:, 0:1], h[:, 1:2]
        strength = c.g * (u**2 + v**2)
        return [u_t + v_xx / 2 + strength * v, -v_t + u_xx / 2 + strength * u]

    def features(self, x: Tensor, c: pp.Coefficients) -> Tensor:
        """Even and periodic in x, as h is; and h at the start, which is steeper than the waves of this period."""
        place, time = x[:, 0:1], x[:, 1:2]
        return torch.cat([pp.periodic(place, 10.0, 2)[:, :2], start(place) - 1, time], dim=1)

    def transform(self, x: Tensor, y: Tensor, c: pp.Coefficients) -> Tensor:
        place, time = x[:, 0:1], x[:, 1:2]
        return start(place) * torch.tensor([1.0, 0.0]).to(y) + time * y

    def exact_conditions(self, geometry: Any, c: pp.Coefficients) -> Sequence[Any]:
        def ends(component: int, order: int) -> Any:
            return dde.icbc.PeriodicBC(geometry, 0, lambda x, on: on, derivative_order=order, component=component)

        return [
            *(ends(component, order) for component in (0, 1) for order in (0, 1)),
            dde.icbc.IC(geometry, lambda x: start(torch.as_tensor(x[:, 0:1])).numpy(), lambda x, on: on, component=0),
            dde.icbc.IC(geometry, lambda x: 0, lambda x, on: on, component=1),
        ]

    def place(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        place, time = np.abs(x[:, 0:1]) / 5, x[:, 1:2]
        return np.hstack([5 * place * (1 + 3 * place**2) / 4, time])  # denser towards the middle, where h is steep

    def reference(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        modes, times = spectral(c.g), np.unique(x[:, 1])
        row = np.searchsorted(times, x[:, 1])
        h = np.sum(np.exp(1j * np.outer(x[:, 0], WAVES)) * modes(times).T[row], axis=1)
        return np.stack([h.real, h.imag], axis=1)


def start(place: Tensor) -> Tensor:
    """h at the start; the omitted terms of the sum are less than 1e-12."""
    return sum(2 / torch.cosh(place + 10 * n) for n in range(-3, 4))


NODES = 256
WAVES = 2 * np.pi / 10 * np.fft.fftfreq(NODES, 1 / NODES)


@lru_cache
def spectral(g: float) -> Any:
    """Fourier coefficients ``(waves, times)`` as a function of times: collocation in x, an eighth-order method in t
    (Trefethen, Spectral Methods in MATLAB, 2000, chapters 3 and 10).

    Raises:
        ArithmeticError: if the solution's energy is not conserved, or the finest waves contain a part of it.
    """

    def slope(t: float, h: np.ndarray) -> np.ndarray:
        return 1j * (np.fft.ifft(-(WAVES**2) / 2 * np.fft.fft(h)) + g * np.abs(h) ** 2 * h)

    def energy(h: np.ndarray) -> float:
        return np.mean(np.abs(np.fft.ifft(1j * WAVES * np.fft.fft(h))) ** 2 - g * np.abs(h) ** 4)

    begin = start(torch.as_tensor(10 / NODES * np.arange(NODES))).numpy() + 0j
    tight = {"rtol": 1e-11, "atol": 1e-12, "max_step": 1 / 1000}
    solution = solve_ivp(slope, (0, np.pi / 2), begin, method="DOP853", dense_output=True, **tight)
    finest = np.abs(np.fft.fft(solution.y, axis=0)[NODES // 2 - 8 : NODES // 2 + 8]).max() / NODES
    drift = max(abs(energy(h) - energy(begin)) for h in solution.y.T[::100])
    if finest > 1e-10 or drift > 1e-8:
        raise ArithmeticError(f"the spectral solution at g={g:g} is not resolved: {drift:.1e} of energy lost")

    return lambda times: np.fft.fft(solution.sol(times), axis=0) / NODES
