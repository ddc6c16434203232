"""x' = a x - w y - x (x^2 + y^2), y' = a y + w x - y (x^2 + y^2) for many a and w without training again; a passes
through 0, a Hopf bifurcation (NeuroDiffGym/neurodiffeq#201).

Right values: r^2 = a / (1 + (a / r0^2 - 1) exp(-2 a t)), angle w t. 21 values of x with noise 0.02, truth
a = 0.22, w = 2.2.
"""

import deepxde as dde
import numpy as np
import torch

import pacpinn as pp

targets = [{"a": -0.3, "w": 1.0}, {"a": 0.0, "w": 2.0}, {"a": 0.2, "w": 2.2}, {"a": 1.0, "w": 3.0}]
within = {"a": (-0.5, 1.0), "w": (0.5, 3.0)}
goal = 1e-2
truth = {"a": 0.22, "w": 2.2}
T, R0 = 5.0, 1.5


class Hopf(pp.Equation):
    a = pp.Coefficient(0.5, low=-0.5, high=1.0)
    w = pp.Coefficient(1.0, low=0.5, high=3.0)
    inputs, outputs = ("t",), ("x", "y")
    points = pp.Points(domain=100)

    def geometry(self, c):
        return dde.geometry.TimeDomain(0, T)

    def residual(self, t, u, c):
        x, y = u[:, :1], u[:, 1:]
        r2, d = x**2 + y**2, dde.grad.jacobian
        return [d(u, t, i=0) - c.a * x + c.w * y + x * r2, d(u, t, i=1) - c.a * y - c.w * x + y * r2]

    def transform(self, t, u, c):
        return torch.cat([R0 + t * u[:, :1], t * u[:, 1:]], 1)


def problem():
    return Hopf()


def exact(t, c):
    t, a = np.ravel(t), c.a if abs(c.a) > 1e-9 else 1e-9
    r = np.sqrt(a / (1 + (a / R0**2 - 1) * np.exp(-2 * a * t)))
    return np.column_stack([r * np.cos(c.w * t), r * np.sin(c.w * t)])


def points(c, n):
    return np.random.default_rng(0).uniform(0, T, (n, 1))


def inverse(family, rng):
    t = np.linspace(0, T, 21)[:, None]
    x = exact(t, pp.Coefficients(**truth))[:, :1] + 0.02 * rng.normal(size=t.shape)
    return family.infer(t, x, unknown=["a", "w"], of="x")
