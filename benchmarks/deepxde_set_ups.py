"""Forward examples from DeepXDE's documentation, set up as there, each with one coefficient that varies.

Two things are added: the coefficient, which is 1 in the example (or the value in brackets), and the exact solution for
other values of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import deepxde as dde
import numpy as np
import torch
from torch import Tensor

import pacpinn as pp

TOLERANCE = 3e-4
Exact = Callable[[np.ndarray, float], np.ndarray]
jacobian, hessian = dde.grad.jacobian, dde.grad.hessian


@dataclass(frozen=True)
class Example:
    """One set-up: its data object and exact solution as functions of the coefficient, its network, its targets."""

    make_data: Callable[[float], Any]
    exact: Exact
    layers: Sequence[int]
    targets: Sequence[float]
    source: float = 1.0
    features: Callable[[Tensor], Tensor] | None = None
    output: Callable[[Tensor, Tensor], Tensor] | None = None

    def problem(self, name: str) -> pp.GivenEquation:
        values = [self.source, *self.targets]
        coefficient = pp.Coefficient(self.source, low=min(values), high=max(values), scale="log")

        def network() -> torch.nn.Module:
            made = dde.nn.FNN(list(self.layers), "tanh", "Glorot uniform")
            if self.features is not None:
                made.apply_feature_transform(self.features)
            if self.output is not None:
                made.apply_output_transform(self.output)
            return made

        return pp.from_deepxde(
            lambda c: self.make_data(c.a),
            network,
            {"a": coefficient},
            name=name,
            targets=pp.grid(a=self.targets),
            reference=lambda x, c: self.exact(x, c.a),
            tolerance=TOLERANCE,
        )


def everywhere(_: np.ndarray, on_boundary: bool) -> bool:
    return on_boundary


def at(value: float, axis: int = 0) -> Callable[[np.ndarray, bool], bool]:
    return lambda x, on_boundary: bool(on_boundary and dde.utils.isclose(x[axis], value))


def at_start(_: np.ndarray, on_initial: bool) -> bool:
    return on_initial


def constant(value: float) -> Callable[[np.ndarray], float]:
    return lambda x: value


LINE = dde.geometry.Interval(-1, 1)


def poisson(*conditions: Callable[[float], Any], domain: int = 32) -> Callable[[float], Any]:
    """u'' = 2 a on [-1, 1] by its conditions, u = a (x + 1)²."""

    def make_data(a: float) -> Any:
        return dde.data.PDE(LINE, lambda x, u: hessian(u, x) - 2 * a, [each(a) for each in conditions], domain, 2)

    return make_data


def square(x: np.ndarray, a: float) -> np.ndarray:
    return a * (x + 1) ** 2


def left_end(a: float) -> Any:
    return dde.icbc.DirichletBC(LINE, lambda x: 0, at(-1))


def neumann(a: float) -> Any:
    return dde.icbc.NeumannBC(LINE, lambda x: 2 * a * (x + 1), at(1))


def robin(a: float) -> Any:
    return dde.icbc.RobinBC(LINE, lambda x, u: u, at(1))


def slope_at_points(a: float) -> Any:
    points = np.array([[1.0]])
    return dde.icbc.PointSetOperatorBC(points, 2 * a * (points + 1), lambda x, u, _: jacobian(u, x))


def slope_operator(a: float) -> Any:
    return dde.icbc.OperatorBC(LINE, lambda x, u, _: jacobian(u, x) - 4 * a, at(1))


def poisson_sine(a: float) -> Any:
    """-u'' = pi² a sin(pi x), u(±1) = 0."""

    def equation(x: Tensor, u: Tensor) -> Tensor:
        return -hessian(u, x) - a * torch.pi**2 * torch.sin(torch.pi * x)

    return dde.data.PDE(LINE, equation, dde.icbc.DirichletBC(LINE, lambda x: 0, everywhere), 32, 2)


def poisson_periodic(a: float) -> Any:
    """-u'' = pi² a sin(pi x), u(-1) = 0, periodic."""

    def equation(x: Tensor, u: Tensor) -> Tensor:
        return -hessian(u, x) - a * torch.pi**2 * torch.sin(torch.pi * x)

    conditions = [dde.icbc.DirichletBC(LINE, lambda x: 0, at(-1)), dde.icbc.PeriodicBC(LINE, 0, at(1))]
    return dde.data.PDE(LINE, equation, conditions, 32, 2)


def ode_system(a: float) -> Any:
    """u' = a v, v' = -a u on [0, 5] (the example goes to 10), u(0) = 0, v(0) = 1."""
    time = dde.geometry.TimeDomain(0, 5)

    def equations(t: Tensor, y: Tensor) -> list[Tensor]:
        u, v = y[:, 0:1], y[:, 1:2]
        return [jacobian(y, t, i=0) - a * v, jacobian(y, t, i=1) + a * u]

    starts = [dde.icbc.IC(time, constant(value), at_start, component=value) for value in (0, 1)]
    return dde.data.PDE(time, equations, starts, 64, 2)


def ode_second_order(a: float) -> Any:
    """y'' + a y' + 9 y = 5 t on [0, 2] (in the example a = -10 on [0, 0.25]), y(0) = -1, y'(0) = 2."""
    time = dde.geometry.TimeDomain(0, 2)

    def equation(t: Tensor, y: Tensor) -> Tensor:
        return hessian(y, t) + a * jacobian(y, t) + 9 * y - 5 * t

    def slope(t: Tensor, y: Tensor, _: Any) -> Tensor:
        return jacobian(y, t) - 2

    conditions = [
        dde.icbc.IC(time, lambda t: -1, at_start),
        dde.icbc.OperatorBC(time, slope, lambda t, _: dde.utils.isclose(t[0], 0)),
    ]
    return dde.data.PDE(time, equation, conditions, 64, 2)


def ode_second_order_exact(t: np.ndarray, a: float) -> np.ndarray:
    particular, slope = 5 / 9 * t - 5 * a / 81, 5 / 9
    root = np.emath.sqrt(a**2 / 4 - 9)
    begin, velocity = -1 + 5 * a / 81, 2 - slope
    wave = begin * np.cosh(root * t) + (velocity + a / 2 * begin) * np.sinh(root * t) / root
    return (particular + np.exp(-a / 2 * t) * wave).real


def diffusion(a: float) -> Any:
    """u_t = a u_xx - e^(-t) (sin(pi x) - a pi² sin(pi x)), whose solution is e^(-t) sin(pi x)."""
    geometry = dde.geometry.GeometryXTime(LINE, dde.geometry.TimeDomain(0, 1))

    def equation(x: Tensor, u: Tensor) -> Tensor:
        sine = torch.exp(-x[:, 1:2]) * torch.sin(torch.pi * x[:, 0:1])
        return jacobian(u, x, j=1) - a * hessian(u, x, i=0, j=0) + sine - a * torch.pi**2 * sine

    def value(x: np.ndarray) -> np.ndarray:
        return diffusion_exact(x, a)

    conditions = [dde.icbc.DirichletBC(geometry, value, everywhere), dde.icbc.IC(geometry, value, at_start)]
    return dde.data.TimePDE(geometry, equation, conditions, num_domain=160, num_boundary=40, num_initial=40)


def diffusion_exact(x: np.ndarray, a: float) -> np.ndarray:
    return np.exp(-x[:, 1:2]) * np.sin(np.pi * x[:, 0:1])


def heat(a: float) -> Any:
    """u_t = 0.4 a u_xx on [0, 1], u = 0 at the ends, u(x, 0) = sin(pi x)."""
    geometry = dde.geometry.GeometryXTime(dde.geometry.Interval(0, 1), dde.geometry.TimeDomain(0, 1))

    def equation(x: Tensor, u: Tensor) -> Tensor:
        return jacobian(u, x, j=1) - 0.4 * a * hessian(u, x, i=0, j=0)

    conditions = [
        dde.icbc.DirichletBC(geometry, lambda x: 0, everywhere),
        dde.icbc.IC(geometry, lambda x: np.sin(np.pi * x[:, 0:1]), at_start),
    ]
    return dde.data.TimePDE(geometry, equation, conditions, num_domain=512, num_boundary=80, num_initial=80)


def heat_exact(x: np.ndarray, a: float) -> np.ndarray:
    return np.exp(-0.4 * a * np.pi**2 * x[:, 1:2]) * np.sin(np.pi * x[:, 0:1])


def helmholtz(a: float) -> Any:
    """-Δu - k² u = f on the unit square, u = 0 on its edges, k = 2 pi a, u = sin(2 pi x) sin(2 pi y)."""
    square_, k = dde.geometry.Rectangle([0, 0], [1, 1]), 2 * np.pi * a

    def equation(x: Tensor, u: Tensor) -> Tensor:
        sines = torch.sin(2 * torch.pi * x[:, 0:1]) * torch.sin(2 * torch.pi * x[:, 1:2])
        laplacian = hessian(u, x, i=0, j=0) + hessian(u, x, i=1, j=1)
        return (-laplacian - k**2 * u - (8 * torch.pi**2 - k**2) * sines) / (8 * torch.pi**2)

    edge = dde.icbc.DirichletBC(square_, lambda x: 0, everywhere)
    return dde.data.PDE(square_, equation, edge, num_domain=512, num_boundary=80)


def helmholtz_exact(x: np.ndarray, a: float) -> np.ndarray:
    return np.sin(2 * np.pi * x[:, 0:1]) * np.sin(2 * np.pi * x[:, 1:2])


def laplace_disk(a: float) -> Any:
    """Laplace's equation on the unit disk in polar coordinates, u = a cos θ on the rim, periodic in θ."""
    polar = dde.geometry.Rectangle([0, 0], [1, 2 * np.pi])

    def equation(x: Tensor, u: Tensor) -> Tensor:
        r, u_r = x[:, 0:1], jacobian(u, x, j=0)
        return r * u_r + r**2 * hessian(u, x, i=0, j=0) + hessian(u, x, i=1, j=1)

    rim = dde.icbc.DirichletBC(polar, lambda x: a * np.cos(x[:, 1:2]), at(1))
    return dde.data.PDE(polar, equation, rim, num_domain=512, num_boundary=80)


def laplace_disk_exact(x: np.ndarray, a: float) -> np.ndarray:
    return a * x[:, 0:1] * np.cos(x[:, 1:2])


def euler_beam(a: float) -> Any:
    """u'''' + a = 0 on [0, 1]: a beam clamped on the left, free on the right."""
    beam = dde.geometry.Interval(0, 1)

    def equation(x: Tensor, u: Tensor) -> Tensor:
        return hessian(hessian(u, x), x) + a

    conditions = [
        dde.icbc.DirichletBC(beam, lambda x: 0, at(0)),
        dde.icbc.NeumannBC(beam, lambda x: 0, at(0)),
        dde.icbc.OperatorBC(beam, lambda x, u, _: hessian(u, x), at(1)),
        dde.icbc.OperatorBC(beam, lambda x, u, _: jacobian(hessian(u, x), x), at(1)),
    ]
    return dde.data.PDE(beam, equation, conditions, num_domain=32, num_boundary=2)


def euler_beam_exact(x: np.ndarray, a: float) -> np.ndarray:
    return -a * (x**4 / 24 - x**3 / 6 + x**2 / 4)


def volterra(a: float) -> Any:
    """u' + u = a ∫_0^x e^(t - x) u dt, u(0) = 1."""

    def equation(x: Tensor, u: Tensor, weights: np.ndarray) -> Tensor:
        found = torch.as_tensor(weights, dtype=u.dtype) @ u
        return (jacobian(u, x) + u)[: len(found)] - a * found

    time = dde.geometry.TimeDomain(0, 5)
    start = dde.icbc.IC(time, lambda x: 1, at_start)
    return dde.data.IDE(time, equation, start, 20, kernel=lambda x, t: np.exp(t - x), num_domain=48, num_boundary=2)


def volterra_exact(x: np.ndarray, a: float) -> np.ndarray:
    return np.exp(-x) * np.cosh(a**0.5 * x)


def fractional_poisson(a: float) -> Any:
    """D^1.8 u = a f on [0, 1], u = 0 at the ends, u = a x³ (1 - x)³."""
    alpha, line = 1.8, dde.geometry.Interval(0, 1)
    weights = ((3, 1.0), (4, -3.0), (5, 3.0), (6, -1.0))

    def equation(x: Tensor, u: Tensor, matrix: np.ndarray) -> Tensor:
        found = torch.as_tensor(matrix, dtype=u.dtype) @ u
        x = x[: len(found)]
        terms = [
            weight
            * np.exp(float(torch.lgamma(torch.tensor(n + 1.0)) - torch.lgamma(torch.tensor(n + 1.0 - alpha))))
            * (x ** (n - alpha) + (1 - x) ** (n - alpha))
            for n, weight in weights
        ]
        return found - a * sum(terms)

    return dde.data.FPDE(line, equation, alpha, [], [201], meshtype="static")


def fractional_exact(x: np.ndarray, a: float) -> np.ndarray:
    return a * x**3 * (1 - x) ** 3


def klein_gordon(a: float) -> Any:
    """u_tt - a u_xx + u² = f with u = x cos t."""
    geometry = dde.geometry.GeometryXTime(LINE, dde.geometry.TimeDomain(0, 5))

    def equation(x: Tensor, u: Tensor) -> Tensor:
        place, time = x[:, 0:1], x[:, 1:2]
        force = -place * torch.cos(time) + place**2 * torch.cos(time) ** 2
        return hessian(u, x, i=1, j=1) - a * hessian(u, x, i=0, j=0) + u**2 - force

    def value(x: np.ndarray) -> np.ndarray:
        return klein_gordon_exact(x, a)

    def at_rest(x: Tensor, u: Tensor, _: Any) -> Tensor:
        return jacobian(u, x, j=1)

    conditions = [
        dde.icbc.DirichletBC(geometry, value, everywhere),
        dde.icbc.IC(geometry, value, at_start),
        dde.icbc.OperatorBC(geometry, at_rest, lambda x, _: dde.utils.isclose(x[1], 0)),
    ]
    return dde.data.TimePDE(geometry, equation, conditions, num_domain=512, num_boundary=100, num_initial=50)


def klein_gordon_exact(x: np.ndarray, a: float) -> np.ndarray:
    return x[:, 0:1] * np.cos(x[:, 1:2])


def sine(x: np.ndarray, a: float) -> np.ndarray:
    return a * np.sin(np.pi * x)


def rotation(t: np.ndarray, a: float) -> np.ndarray:
    return np.hstack([np.sin(a * t), np.cos(a * t)])


def periodic_angle(x: Tensor) -> Tensor:
    return torch.cat([x[:, 0:1] * torch.sin(x[:, 1:2]), x[:, 0:1] * torch.cos(x[:, 1:2])], dim=1)


LINEAR = (1.5, 2.0, 3.0)
EXAMPLES = {
    "Poisson, Dirichlet": Example(poisson_sine, sine, (1, 24, 24, 1), LINEAR),
    "Poisson, Neumann": Example(poisson(left_end, neumann), square, (1, 24, 24, 1), LINEAR),
    "Poisson, Robin": Example(poisson(left_end, robin), square, (1, 24, 24, 1), LINEAR),
    "Poisson, PointSetOperatorBC": Example(poisson(left_end, slope_at_points), square, (1, 24, 24, 1), LINEAR),
    "Poisson, OperatorBC": Example(poisson(left_end, slope_operator), square, (1, 24, 24, 1), LINEAR),
    "Poisson, periodic": Example(poisson_periodic, sine, (1, 24, 24, 1), LINEAR),
    "ODE system": Example(ode_system, rotation, (1, 24, 24, 2), (0.6, 1.2, 1.4)),
    "second-order ODE": Example(ode_second_order, ode_second_order_exact, (1, 24, 24, 1), (0.5, 2.0, 4.0)),
    "Euler beam": Example(euler_beam, euler_beam_exact, (1, 16, 16, 1), LINEAR),
    "diffusion": Example(diffusion, diffusion_exact, (2, 24, 24, 1), (0.5, 1.5, 2.0)),
    "heat": Example(heat, heat_exact, (2, 20, 20, 20, 1), (0.5, 0.7, 1.4)),
    "Helmholtz": Example(helmholtz, helmholtz_exact, (2, 28, 28, 1), (0.8, 0.9, 1.05)),
    "Laplace on a disk": Example(laplace_disk, laplace_disk_exact, (2, 20, 20, 1), LINEAR, features=periodic_angle),
    "Klein-Gordon": Example(klein_gordon, klein_gordon_exact, (2, 28, 28, 1), (0.8, 1.3, 1.6)),
    "Volterra (IDE)": Example(volterra, volterra_exact, (1, 20, 20, 1), (0.5, 1.2, 1.5)),
    "fractional Poisson (FPDE)": Example(
        fractional_poisson, fractional_exact, (1, 20, 20, 1), LINEAR, output=lambda x, y: x * (1 - x) * y
    ),
}
