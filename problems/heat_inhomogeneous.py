"""Heat conduction in a layered material over its contrast and its layers, with a Galerkin solution as reference."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import deepxde as dde
import numpy as np
import torch
from torch import Tensor

import pacpinn as pp


class HeatInhomogeneous(pp.Equation):
    """u_t = (k(x) u_x)_x on x in [-1, 1], t in [0, 1]; u(x, 0) = cos(pi x / 2), u(±1, t) = 0.

    The diffusivity k = 1 + amplitude sin(wave_number sin(pi x / 2)) varies in layers, with slope 0 at the ends, so that
    initial and boundary values are compatible to any order. Heat stays longest where it is conducted worst. Units: half
    the rod's length, and that squared over the mean of k as time (Carslaw & Jaeger 1959, section 1.6).
    """

    amplitude = pp.Coefficient(0.8, low=0.0, high=0.8, doc="relative variation of the diffusivity about its mean")
    wave_number = pp.Coefficient(4.0, low=0.5, high=8.0, scale="log", doc="wave number of the layers")
    targets = pp.grid(amplitude=[0.8, 0.5, 0.2], wave_number=[4.0, 2.0, 1.0])[1:]
    points = pp.Points(domain=1280)
    tolerance = 1e-4
    hidden = (20, 20, 20)

    def geometry(self, c: pp.Coefficients) -> Any:
        return dde.geometry.GeometryXTime(dde.geometry.Interval(-1, 1), dde.geometry.TimeDomain(0, 1))

    def residual(self, x: Tensor, u: Tensor, c: pp.Coefficients) -> Tensor:
        flux = (1 + c.amplitude * layers(x, c)) * dde.grad.jacobian(u, x, j=0)
        return dde.grad.jacobian(u, x, j=1) - dde.grad.jacobian(flux, x, j=0)

    def features(self, x: Tensor, c: pp.Coefficients) -> Tensor:
        place, time = x[:, 0:1], x[:, 1:2]
        return torch.cat([place, 2 * time - 1, layers(x, c)], dim=1)

    def transform(self, x: Tensor, y: Tensor, c: pp.Coefficients) -> Tensor:
        place, time = x[:, 0:1], x[:, 1:2]
        elapsed = torch.pi**2 / 4 * time  # in decay times
        return torch.cos(torch.pi * place / 2) + elapsed / (1 + elapsed) * (1 - place**2) * y

    def place(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        place, time = x[:, 0:1], x[:, 1:2]
        return np.hstack([place, time * (1 + 2 * time**2) / 3])  # denser at early times, when the layers matter

    def exact_conditions(self, geometry: Any, c: pp.Coefficients) -> list[Any]:
        return [
            dde.icbc.DirichletBC(geometry, lambda x: 0, lambda _, on_boundary: on_boundary),
            dde.icbc.IC(geometry, lambda x: np.cos(np.pi * x[:, 0:1] / 2), lambda _, on_initial: on_initial),
        ]

    def reference(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        return evaluate(*modes(c.amplitude, c.wave_number), x[:, 0], x[:, 1])[:, None]


def layers(x: Tensor, c: pp.Coefficients) -> Tensor:
    """1 where the rod conducts well, -1 where it conducts badly."""
    return torch.sin(c.wave_number * torch.sin(torch.pi / 2 * x[:, 0:1]))


@lru_cache
def modes(amplitude: float, wave_number: float, accuracy: float = 1e-9) -> tuple[np.ndarray, np.ndarray]:
    """The modes for :func:`evaluate`: the number of sines is doubled until two solutions agree to `accuracy`.

    Raises:
        ArithmeticError: if they do not with 512 sines, which happens only outside the range of the problem.
    """
    x, t = np.random.default_rng(0).uniform([[-1], [0]], 1, (2, 2000))
    before = np.full(len(x), np.nan)
    for count in (64, 128, 256, 512):
        solution = galerkin(amplitude, wave_number, count)
        u = evaluate(*solution, x, t)
        if np.allclose(u, before, rtol=0, atol=accuracy):
            return solution
        before = u
    raise ArithmeticError(f"no solution at amplitude={amplitude:g}, wave_number={wave_number:g} settles with 512 sines")


def galerkin(amplitude: float, wave_number: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rates of decay, and the amplitudes of sines that decay at each of them ``(sines, rates)``."""
    x = (2 * np.arange(2 * count) + 1) / (2 * count) - 1
    n = np.arange(1, count)
    slopes = n * np.pi / 2 * np.cos(np.outer(x + 1, n * np.pi / 2))
    k = 1 + amplitude * np.sin(wave_number * np.sin(np.pi / 2 * x))
    rates, vectors = np.linalg.eigh(slopes.T * k @ slopes / count)
    return rates, vectors * vectors[0]  # u starts as the first sine


def evaluate(rates: np.ndarray, decaying: np.ndarray, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """u ``(rows,)`` at `x` and `t` ``(rows,)``."""
    sines = np.sin(np.outer(x + 1, np.arange(1, len(rates) + 1) * np.pi / 2))
    return np.sum(sines @ decaying * np.exp(-np.outer(t, rates)), axis=1)
