"""DeepXDE's own data objects with known solutions: every kind of condition, geometry and equation."""

from __future__ import annotations

from typing import NamedTuple

import deepxde as dde
import numpy as np
import torch

import pacpinn as pp

LINE = dde.geometry.Interval(0, 1)
RATE = {"rate": pp.Coefficient(1.5, low=0.5, high=4.0, scale="log", doc="rate")}


def everywhere(x, on_boundary):
    return on_boundary


def left(x, on_boundary):
    return on_boundary and np.isclose(x[0], 0)


def right(x, on_boundary):
    return on_boundary and np.isclose(x[0], 1)


def network(inputs=1, outputs=1):
    return lambda: dde.nn.FNN([inputs, 10, 10, outputs], "tanh", "Glorot normal")


def growth(x, u, rate):
    """u'' = rate² u, which e^(rate x) solves."""
    return dde.grad.hessian(u, x) - rate**2 * u


class Known(NamedTuple):
    """A set-up for DeepXDE, the exact solution, and how many conditions there are."""

    make_data: object
    exact: object
    conditions: int = 1
    inputs: int = 1
    outputs: int = 1


def exponential(x, rate):
    return torch.exp(rate * x[:, 0:1])


def on_a_line(*conditions, **options):
    """u'' = rate² u on [0, 1] with these conditions, each made of the geometry and the rate."""

    def make_data(c):
        made = [each(c.rate) for each in conditions]
        return dde.data.PDE(
            LINE, lambda x, u: growth(x, u, c.rate), made, **{"num_domain": 9, "num_boundary": 2} | options
        )

    return make_data


def dirichlet(rate):
    return dde.icbc.DirichletBC(LINE, lambda x: np.exp(rate * x), everywhere)


def neumann(rate):
    return dde.icbc.NeumannBC(LINE, lambda x: rate * np.exp(rate * x), right)


def robin(rate):
    return dde.icbc.RobinBC(LINE, lambda x, u: rate * u, right)


def operator(rate):
    return dde.icbc.OperatorBC(LINE, lambda x, u, _: dde.grad.jacobian(u, x) - rate * u, left)


def point_set(rate):
    points = np.array([[0.2], [0.7]])
    return dde.icbc.PointSetBC(points, np.exp(rate * points))


def point_set_operator(rate):
    points = np.array([[0.3], [0.9]])
    return dde.icbc.PointSetOperatorBC(points, rate * np.exp(rate * points), lambda x, u, _: dde.grad.jacobian(u, x))


def travelling(c):
    """u_t + rate u_x = 0, periodic, in space and time."""
    geometry = dde.geometry.GeometryXTime(LINE, dde.geometry.TimeDomain(0, 1))
    conditions = [
        dde.icbc.PeriodicBC(geometry, 0, left),
        dde.icbc.PeriodicBC(geometry, 0, left, derivative_order=1),
        dde.icbc.IC(geometry, lambda x: np.sin(2 * np.pi * x[:, 0:1]), lambda _, on_initial: on_initial),
    ]

    def equation(x, u):
        return dde.grad.jacobian(u, x, j=1) + c.rate * dde.grad.jacobian(u, x, j=0)

    return dde.data.TimePDE(geometry, equation, conditions, num_domain=20, num_boundary=10, num_initial=10)


def wave(x, rate):
    return torch.sin(2 * torch.pi * (x[:, 0:1] - rate * x[:, 1:2]))


def turning(c):
    """u' = rate v, v' = -rate u, with values of both outputs at once."""
    time = dde.geometry.TimeDomain(0, 1)
    points = np.array([[0.0], [0.5]])
    values = np.hstack([np.sin(c.rate * points), np.cos(c.rate * points)])

    def equations(t, y):
        u, v = y[:, 0:1], y[:, 1:2]
        return [dde.grad.jacobian(y, t, i=0) - c.rate * v, dde.grad.jacobian(y, t, i=1) + c.rate * u]

    start = dde.icbc.IC(time, lambda t: np.ones_like(t), lambda _, on_initial: on_initial, component=1)
    return dde.data.PDE(time, equations, [start, dde.icbc.PointSetBC(points, values, component=[0, 1])], 9, 2)


def circle(t, rate):
    return torch.cat([torch.sin(rate * t), torch.cos(rate * t)], dim=1)


def forced(c):
    """u' = rate cos(x), the cosine as an auxiliary variable."""
    start = dde.icbc.DirichletBC(LINE, lambda x: np.zeros_like(x), left)

    def equation(x, u, force):
        return dde.grad.jacobian(u, x) - c.rate * force

    return dde.data.PDE(LINE, equation, start, 9, 2, auxiliary_var_function=np.cos)


def on_a_ring(c):
    """Δu = 0 on a disk with a hole, rate log r on both circles."""
    hole = dde.geometry.Disk([0, 0], 0.5)
    ring = dde.geometry.CSGDifference(dde.geometry.Disk([0, 0], 1), hole)

    def laplace(x, u):
        return dde.grad.hessian(u, x, i=0, j=0) + dde.grad.hessian(u, x, i=1, j=1)

    def edge(x):
        return c.rate * np.log(np.linalg.norm(x, axis=1, keepdims=True))

    return dde.data.PDE(ring, laplace, dde.icbc.DirichletBC(ring, edge, everywhere), num_domain=20, num_boundary=12)


def logarithm(x, rate):
    return rate * torch.log(x.norm(dim=1, keepdim=True))


def volterra(c):
    """u' + u = ∫_0^x e^(t - x) u dt with u(0) = 1: u = e^-x cosh x (DeepXDE's example), times the rate."""

    def equation(x, u, integral):
        found = torch.as_tensor(integral, dtype=u.dtype) @ u
        return (dde.grad.jacobian(u, x) + u)[: len(found)] - found

    time = dde.geometry.TimeDomain(0, 2)
    start = dde.icbc.IC(time, lambda t: np.full_like(t, c.rate), lambda _, on_initial: on_initial)
    return dde.data.IDE(time, equation, start, 20, kernel=lambda x, t: np.exp(t - x), num_domain=8, num_boundary=2)


def fading(x, rate):
    return rate * torch.exp(-x) * torch.cosh(x)


def fractional(c):
    """Fractional Laplacian of x³ (1 - x)³ (DeepXDE's example), times the rate."""
    alpha = 1.8

    def equation(x, u, integral):
        if isinstance(integral, list | tuple):
            indices, values, shape = integral
            integral = torch.sparse_coo_tensor(np.transpose(indices), values, shape, dtype=u.dtype)
        found = torch.as_tensor(integral, dtype=u.dtype) @ u
        gamma = lambda z: torch.exp(torch.lgamma(torch.as_tensor(z, dtype=u.dtype)))  # noqa: E731
        x = x[: len(found)]
        terms = [
            weight * gamma(n + 1) / gamma(n + 1 - alpha) * (x ** (n - alpha) + (1 - x) ** (n - alpha))
            for n, weight in [(3, 1), (4, -3), (5, 3), (6, -1)]
        ]
        return found - c.rate * sum(terms)

    edge = dde.icbc.DirichletBC(LINE, lambda x: np.zeros_like(x), everywhere)
    return dde.data.FPDE(LINE, equation, alpha, edge, [201], meshtype="static")


def bump(x, rate):
    return rate * x**3 * (1 - x) ** 3


KNOWN = {
    "DirichletBC": Known(on_a_line(dirichlet), exponential),
    "NeumannBC": Known(on_a_line(dirichlet, neumann), exponential, 2),
    "RobinBC": Known(on_a_line(dirichlet, robin), exponential, 2),
    "OperatorBC": Known(on_a_line(dirichlet, operator), exponential, 2),
    "PointSetBC": Known(on_a_line(point_set), exponential),
    "PointSetOperatorBC": Known(on_a_line(dirichlet, point_set_operator), exponential, 2),
    "anchors": Known(on_a_line(dirichlet, anchors=np.array([[0.11], [0.77]])), exponential),
    "anchors alone": Known(
        on_a_line(point_set, num_domain=0, num_boundary=0, anchors=np.linspace(0, 1, 9)[:, None]), exponential
    ),
    "PeriodicBC": Known(travelling, wave, 3, inputs=2),
    "components": Known(turning, circle, 2, outputs=2),
    "auxiliary variables": Known(forced, lambda x, rate: rate * torch.sin(x)),
    "constructive geometry": Known(on_a_ring, logarithm, inputs=2),
    "IDE": Known(volterra, fading),
    "FPDE": Known(fractional, bump),
}
