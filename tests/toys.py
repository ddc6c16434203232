"""Tiny tasks, problems and networks that are solved in a fraction of a second, shared by all tests."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path
from typing import Any

import deepxde as dde
import numpy as np
import torch
from torch import Tensor, nn

import pacpinn as pp

# Equations ------------------------------------------------------------------------------------------------------------


class Decay(pp.Equation):
    """u' = -k u on [0, 1], u(0) = 1, the condition made exact; u = exp(-k t)."""

    k = pp.Coefficient(1.0, low=0.1, high=10.0, scale="log", doc="rate")
    targets = pp.grid(k=[1.3, 1.6])
    inputs, outputs = ("t",), ("u",)
    points = pp.Points(domain=24)
    hidden = (8, 8)
    tolerance = 1e-3

    def geometry(self, c):
        return dde.geometry.TimeDomain(0, 1)

    def residual(self, t, u, c):
        return dde.grad.jacobian(u, t) + c.k * u

    def transform(self, t, u, c):
        return 1 + t * u

    def exact_conditions(self, geometry, c):
        return [dde.icbc.IC(geometry, lambda t: 1, lambda _, on_initial: on_initial)]

    def reference(self, t, c):
        return np.exp(-c.k * t)


class SoftDecay(pp.Equation):
    """u' = -k u on [0, 1], u(0) = 1 as one of DeepXDE's soft conditions."""

    k = pp.Coefficient(1.0, low=0.1, high=10.0, scale="log", doc="rate")
    targets = pp.grid(k=[1.3, 1.6])
    inputs, outputs = ("t",), ("u",)
    points = pp.Points(domain=24, boundary=2)
    hidden = (8, 8)
    tolerance = 1e-3

    def geometry(self, c):
        return dde.geometry.TimeDomain(0, 1)

    def residual(self, t, u, c):
        return dde.grad.jacobian(u, t) + c.k * u

    def conditions(self, geometry, c):
        return [dde.icbc.IC(geometry, lambda t: 1, lambda _, on_initial: on_initial)]

    def reference(self, t, c):
        return np.exp(-c.k * t)


class Rotation(pp.Equation):
    """u' = w v, v' = -w u on [0, 1], u(0) = 0, v(0) = 1: two equations, u = sin(w t), v = cos(w t)."""

    w = pp.Coefficient(1.0, low=0.5, high=2.0, doc="angular speed")
    targets = pp.grid(w=[1.2])
    inputs, outputs = ("t",), ("u", "v")
    points = pp.Points(domain=24)
    hidden = (8, 8)
    tolerance = 1e-3

    def geometry(self, c):
        return dde.geometry.TimeDomain(0, 1)

    def residual(self, t, y, c):
        u_t, v_t = dde.grad.jacobian(y, t, i=0), dde.grad.jacobian(y, t, i=1)
        return [u_t - c.w * y[:, 1:2], v_t + c.w * y[:, 0:1]]

    def transform(self, t, y, c):
        return torch.cat([t * y[:, 0:1], 1 + t * y[:, 1:2]], dim=1)

    def reference(self, t, c):
        return np.hstack([np.sin(c.w * t), np.cos(c.w * t)])


class Advection(pp.Equation):
    """u_t + speed u_x = 0, periodic on [0, 1], u(x, 0) = sin(2 pi x): with soft conditions."""

    speed = pp.Coefficient(1.0, low=0.1, high=4.0, doc="speed")
    targets = pp.grid(speed=[1.1])
    points = pp.Points(domain=160, boundary=32, initial=24)
    hidden = (8, 8)
    tolerance = 3e-3

    def geometry(self, c):
        return dde.geometry.GeometryXTime(dde.geometry.Interval(0, 1), dde.geometry.TimeDomain(0, 0.5))

    def residual(self, x, u, c):
        return dde.grad.jacobian(u, x, j=1) + c.speed * dde.grad.jacobian(u, x, j=0)

    def conditions(self, geometry, c):
        on_left = lambda x, on_boundary: on_boundary and dde.utils.isclose(x[0], 0)  # noqa: E731
        return [
            dde.icbc.PeriodicBC(geometry, 0, on_left),
            dde.icbc.PeriodicBC(geometry, 0, on_left, derivative_order=1),
            dde.icbc.IC(geometry, lambda x: np.sin(2 * np.pi * x[:, 0:1]), lambda _, on_initial: on_initial),
        ]

    def reference(self, x, c):
        return np.sin(2 * np.pi * (x[:, 0:1] - c.speed * x[:, 1:2]))


class LevelBC(dde.icbc.BC):
    """All points of a boundary are at one level, whichever: a condition that mixes rows."""

    def error(self, X, inputs, outputs, beg, end, aux_var=None):  # noqa: N803
        return outputs[beg:end] - outputs[beg:end].mean()


class Level(Advection):
    """Advection between walls at one level."""

    def conditions(self, geometry, c):
        return [LevelBC(geometry, lambda x, on_boundary: on_boundary, 0)]


EQUATIONS = [Decay, SoftDecay, Rotation, Advection, Level]


def problem_file(folder: Path, problem: type[pp.Problem] = Decay, name: str = "mine.py") -> Path:
    """A user's own file that defines `problem`."""
    head = "import deepxde as dde\nimport numpy as np\nimport torch\n\nimport pacpinn as pp\n\n\n"
    path = folder / name
    path.write_text(head + inspect.getsource(problem))
    return path


# Tasks that are no equations ------------------------------------------------------------------------------------------


class CurveFit(pp.LeastSquaresTask):
    """Values y at x in the mean square, in batches of `batch_size`."""

    def __init__(self, x: Any, y: Any, batch_size: int = 1000) -> None:
        self.x, self.y, self.batch_size = np.asarray(x, dtype=float), np.asarray(y, dtype=float), batch_size

    def everything(self):
        return self.tensor(self.x), self.tensor(self.y)

    def batches(self, seed):
        order = np.random.default_rng(seed).permutation(len(self.x))
        for begin in range(0, len(order), self.batch_size):
            rows = order[begin : begin + self.batch_size]
            yield self.tensor(self.x[rows]), self.tensor(self.y[rows])

    def inputs(self, batch):
        return batch[0]

    def residuals(self, forward, batch):
        x, y = batch
        return [pp.Block("misfit", (forward(x) - y)[:, 0], torch.arange(len(x))[:, None])]

    def score(self, forward):
        return None


class Rosenbrock(pp.LeastSquaresTask):
    """(1 - a)^2 + 100 (b - a^2)^2 in the two weights of `point()`; zero at a = b = 1."""

    dtype = torch.float64

    def everything(self):
        return torch.ones(1, 1, dtype=self.dtype)

    def inputs(self, batch):
        return batch

    def residuals(self, forward, batch):
        a, b = forward(batch)[0]
        row = torch.zeros(1, 1, dtype=torch.long)
        return [pp.Block("slope", (1 - a)[None], row), pp.Block("valley", 10 * (b - a**2)[None], row)]

    def score(self, forward):
        return None


class AbsoluteError(pp.Task):
    """A task with a loss and no residuals: |network(x) - y| on average."""

    dtype = torch.float64

    def __init__(self, x: Any, y: Any) -> None:
        self.x, self.y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)

    def everything(self):
        return self.tensor(self.x), self.tensor(self.y)

    def loss(self, forward, batch):
        return (forward(batch[0]) - batch[1]).abs().mean()

    def score(self, forward):
        return pp.Score("mean absolute error", self.loss(forward, self.everything()).item())


def wave(shift: float = 0.0, rows: int = 40) -> CurveFit:
    """Fit sin(3 x + shift) on [-1, 1]."""
    x = np.linspace(-1, 1, rows)[:, None]
    return CurveFit(x, np.sin(3 * x + shift), batch_size=16)


class Waves(pp.Problem):
    """Curve fits to sin(3 x + shift): a family that is no equation, with a network that has buffers."""

    shift = pp.Coefficient(0.0, low=-1.0, high=1.0, doc="phase")
    rows = pp.Count(40, low=4, high=400, scale="log", doc="samples")
    targets = pp.grid(shift=[0.3])
    inputs, outputs = ("x",), ("y",)

    def build(self, c):
        return wave(c.shift, int(c.rows))

    def network(self, seed):
        return batchnorm_network(seed)


# Networks -------------------------------------------------------------------------------------------------------------


def point(a: float = -1.2, b: float = 1.0) -> nn.Module:
    """A network whose two weights are its two outputs at input 1."""
    layer = nn.Linear(1, 2, bias=False, dtype=torch.float64)
    layer.weight.data = torch.tensor([[a], [b]], dtype=torch.float64)
    return layer


def small_network(seed: int = 0, inputs: int = 1, outputs: int = 1, dtype: torch.dtype = torch.float64) -> nn.Module:
    """One hidden layer of eight tanh units."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(inputs, 8), nn.Tanh(), nn.Linear(8, outputs)).to(dtype)


def batchnorm_network(seed: int = 0) -> nn.Module:
    """A small network with batch normalisation and dropout."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(1, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.1), nn.Linear(8, 1))


def convolutional_network() -> nn.Module:
    """Two outputs from images of four by four points."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        convolution = (nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2))
        return nn.Sequential(*convolution, nn.Flatten(), nn.Linear(12, 2))


class TiedNetwork(nn.Module):
    """Two layers that share one weight matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.second(torch.tanh(self.first(x)))


class Centred(nn.Module):
    """A network that mixes rows: it takes the mean over all of them away."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = small_network()

    def forward(self, x: Tensor) -> Tensor:
        y = self.inner(x)
        return y - y.mean(dim=0)


# Solutions as networks ------------------------------------------------------------------------------------------------


def network_of(task: pp.EquationTask, function: Any) -> Any:
    """The network whose sized outputs, before any transform, are a `function` of the points ``(rows, inputs)``.

    Of an equation without features of its own, whose network sees the points in units of their box.
    """
    sizes = task.equation.sizes_at(task.coefficients)

    def forward(seen: Tensor) -> Tensor:
        centre, half, offset, size = (each.to(seen) for each in (sizes.centre, sizes.half, sizes.offset, sizes.size))
        return (function(centre + half * seen) - offset) / size

    return forward


def blocks_of(task: pp.EquationTask, function: Any, batch: Any = None) -> list[pp.Block]:
    """The task's residual blocks at a `function` of the points, before any transform, in the equation's own units."""
    sizes = task.equation.sizes_at(task.coefficients)
    blocks = task.residuals(network_of(task, function), task.everything() if batch is None else batch)
    stated, measured = blocks[: len(sizes.blocks)], blocks[len(sizes.blocks) :]
    return [
        replace(each, values=each.values * sizes.block_size(i, each.values)) for i, each in enumerate(stated)
    ] + measured


# Comparing ------------------------------------------------------------------------------------------------------------


def same_bits(a: nn.Module | Tensor, b: nn.Module | Tensor) -> bool:
    """Whether two tensors, or all parameters and buffers of two modules, are bit for bit the same."""
    if isinstance(a, nn.Module):
        mine, its = a.state_dict(), b.state_dict()
        return mine.keys() == its.keys() and all(same_bits(mine[name], its[name]) for name in mine)
    return a.dtype == b.dtype and a.shape == b.shape and a.numpy(force=True).tobytes() == b.numpy(force=True).tobytes()


def same_family(a: pp.Family, b: pp.Family) -> bool:
    """Whether two families are the same to the last bit, but for seconds."""
    return _without_seconds(a) == _without_seconds(b)


def _without_seconds(family: pp.Family) -> Any:
    bases = [
        (each.masked.weights.numpy().tobytes(), each.masked.free.tolist(), each.coefficients) for each in family.bases
    ]
    members = [
        {**vars(each), "seconds": None, "z": each.z.numpy().tobytes(), "history": str(each.history)}
        for each in family.values()
    ]
    return bases, members, family.refinement, [each.what for each in family.requests], family.finished
