"""Ground state and energy of -psi'' / 2 + V0 x psi = E psi on [0, 1], psi = 0 at both ends, E unknown, integral of
psi^2 = 1 (NVIDIA/physicsnemo-sym#174, lululxvi/deepxde#356). E is a constant output; N' = psi^2, N(0) = 0,
N(1) = 1.

Right values: eigenvalues of finite differences. Judged by |psi| and by E relative to itself; V0 from E, truth 23.4.
"""

import deepxde as dde
import numpy as np
import torch
from scipy.linalg import eigh_tridiagonal

import pacpinn as pp

targets = [{"V0": 10.0}, {"V0": 30.0}, {"V0": 60.0}]
within = {"V0": (0, 60)}
goal = 1e-2
truth = {"V0": 23.4}


class Well(pp.Equation):
    V0 = pp.Coefficient(0.0, low=0, high=60)
    inputs, outputs = ("x",), ("psi", "N", "E")
    points = pp.Points(domain=100)

    def geometry(self, c):
        return dde.geometry.Interval(0, 1)

    def transform(self, x, y, c):
        return torch.cat([x * (1 - x) * y[:, 0:1], x + x * (1 - x) * y[:, 1:2], y[:, 2:3]], 1)

    def residual(self, x, y, c):
        psi, E = y[:, 0:1], y[:, 2:3]
        schroedinger = (c.V0 * x - E) * psi - dde.grad.hessian(y, x, component=0) / 2
        return [schroedinger, dde.grad.jacobian(y, x, i=1) - psi**2, dde.grad.jacobian(y, x, i=2)]


def problem():
    return Well()


def judged(x, u):
    return np.hstack([np.abs(u[:, :1]), u[:, 2:3]])


def exact(x, c, n=2000):
    s = np.linspace(0, 1, n + 1)
    E, v = eigh_tridiagonal(n**2 + c.V0 * s[1:-1], np.full(n - 2, -(n**2) / 2), select="i", select_range=(0, 0))
    psi = np.interp(np.ravel(x), s, np.r_[0, np.abs(v[:, 0]) * np.sqrt(n), 0])
    return np.column_stack([psi, np.full(len(x), E[0])])


def size(x, c):
    return [np.std(exact(x, c)[:, 0]), exact(x, c)[0, 1]]


def points(c, n):
    return np.random.default_rng(0).uniform(0, 1, (n, 1))


def inverse(family, rng):
    x = np.array([[0.5]])
    energy = exact(x, pp.Coefficients(**truth))[:, 1:] + 0.01 * rng.normal(size=(1, 1))
    return family.infer(x, energy, unknown=["V0"], of="E", deviation=0.01)
