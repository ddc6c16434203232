"""Differential equations, stated with DeepXDE's geometries, residuals and conditions, as problems."""

from __future__ import annotations

import copy
import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from pacpinn.equations.collocation import Points
from pacpinn.equations.equation_task import EquationTask
from pacpinn.equations.rungs import rungs_of
from pacpinn.equations.size_rule import SizeRule
from pacpinn.equations.sizes import Sizes, StatedSizes
from pacpinn.equations.statement.contradictions import contradictions
from pacpinn.errors import PacpinnError, SizeError
from pacpinn.runtime.deepxde_backend import dde, deepxde_defaults
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem, Rung


class Equation(Problem):
    """A family of ordinary or partial differential equations, set up with DeepXDE's geometries and conditions.

    Class attributes that a subclass may set:
        points: the collocation points to draw.
        tolerance: the largest estimated error at which a task counts as solved, relative to the variation of each
            output: its root mean square about its mean over the domain.
        horizons: shares of the time interval on which a cold start solves the equation first, such as (0.25, 0.5).
        windows: number of windows of the time interval. In a cold start later windows weigh little until earlier ones
            are solved (causal training: Wang et al. 2022, arXiv:2203.07404).
        conditions_first: whether a cold start solves the equation first with a hundredth, then a tenth of the weight of
            its residuals, so that soft conditions are met first.
        easy: coefficients at which the equation is easy, such as {"nu": 0.1}. A cold start solves it there first, then
            moves to the source in steps of an eighth of the coefficients' ranges at most. All easier tasks (horizons,
            windows, weights, easy coefficients) are solved to ten times the tolerance.
        adaptive: how often a solve that rests above its tolerance may choose its points anew, half of them where the
            residual is large (Wu et al. 2023, doi:10.1016/j.cma.2022.115671).
        warm_up: steps of Adam with which a cold start begins, if Levenberg-Marquardt fails from the initial network.
        sizes: sizes in place of those that are found by themselves, by name: of an input ``(low, high)``, of an output
            its size or ``(offset, size)``, of a residual block, such as "residual 1" or "condition 2", its size.
        weights: one loss weight for each equation, then for each condition, as DeepXDE's ``loss_weights``, of blocks
            in the equation's own units: no sizes of blocks are then found.
        soft_points: points for :func:`pacpinn.soft`; by default `points`, with some on the boundary and at the start.
        hidden: widths of the default network's hidden layers.

    Example:
        >>> class Decay(Equation):
        ...     "u' = -k u on [0, 1], u(0) = 1."
        ...     k = Coefficient(1.0, low=0.1, high=10.0)
        ...     inputs, outputs, points = ("t",), ("u",), Points(domain=32)
        ...     def geometry(self, c):
        ...         return dde.geometry.TimeDomain(0, 1)
        ...     def residual(self, t, u, c):
        ...         return dde.grad.jacobian(u, t) + c.k * u
        ...     def transform(self, t, u, c):
        ...         return 1 + t * u
    """

    inputs: ClassVar[Sequence[str]] = ("x", "t")
    outputs: ClassVar[Sequence[str]] = ("u",)
    points: ClassVar[Points] = Points()
    soft_points: ClassVar[Points | None] = None
    tolerance: ClassVar[float] = 1e-3
    horizons: ClassVar[Sequence[float]] = ()
    windows: ClassVar[int] = 1
    conditions_first: ClassVar[bool] = False
    easy: ClassVar[Mapping[str, float]] = {}
    adaptive: ClassVar[int] = 8
    warm_up: ClassVar[int] = 0
    sizes: ClassVar[StatedSizes] = {}
    weights: ClassVar[Sequence[float] | None] = None
    hidden: ClassVar[Sequence[int]] = (32, 32, 32)

    @abstractmethod
    def geometry(self, c: Coefficients) -> Any:
        """The domain: a DeepXDE geometry, ``TimeDomain`` or ``GeometryXTime``."""

    @abstractmethod
    def residual(self, x: Tensor, y: Tensor, c: Coefficients) -> Tensor | Sequence[Tensor]:
        """DeepXDE's pde function with coefficients: one residual ``(rows, 1)``, or one for each equation."""

    def conditions(self, geometry: Any, c: Coefficients) -> Sequence[Any]:
        """DeepXDE's initial and boundary conditions, newly made at each call. None by default.

        ``NeumannBC``, ``RobinBC`` and ``OperatorBC`` leave out vertices, where the boundary has no unique normal (in
        space, edges too). What is to hold at a corner itself is stated there, with a direction of your own:
        ``dde.icbc.PointSetOperatorBC(corner, 0, lambda x, u, _: dde.grad.jacobian(u, x, j=0))`` with `corner` ``(1,
        inputs)``, or ``dde.icbc.PointSetBC`` for a value.
        """
        return []

    def new_conditions(self, c: Coefficients) -> Sequence[Any]:
        """The :meth:`conditions` at `c`, on the equation's own geometry."""
        return self.conditions(self.geometry(c), c)

    def exact_conditions(self, geometry: Any, c: Coefficients) -> Sequence[Any]:
        """The conditions that :meth:`transform` satisfies exactly, as DeepXDE's objects: for :func:`pacpinn.soft`."""
        return []

    def features(self, x: Tensor, c: Coefficients) -> Tensor:
        """The network's inputs ``(rows, any)`` as a function of the points `x` ``(rows, inputs)``.

        By default each input is mapped so that the box of the domain becomes [-1, 1].
        Override it for periodic or Fourier features (:func:`pacpinn.periodic`, :func:`pacpinn.fourier`), or for any map
        that makes the solution a smoother function, as in
        ``torch.cat([torch.sin(x[:, 0:1]), torch.cos(x[:, 0:1]), x[:, 1:2]], dim=1)`` for a period of 2 pi.
        """
        return self.sizes_at(c).scaled_inputs(x)

    def transform(self, x: Tensor, y: Tensor, c: Coefficients) -> Tensor:
        """The solution from the network's outputs `y`. By default `y`; override it for exact (hard) conditions."""
        return y

    def scale(self, c: Coefficients) -> float:
        """Size of the equations' residuals at `c`, in place of the one that is found by itself."""
        raise NotImplementedError

    def place(self, x: np.ndarray, c: Coefficients) -> np.ndarray:
        """Training points ``(rows, inputs)`` made from points `x` drawn evenly over the domain. By default `x`.

        Override it to have more points where the solution is steep. With growing `horizons` the points `x` reach as far
        as the present horizon: use ``x.max()`` for its end.
        """
        return x

    def reference(self, x: np.ndarray, c: Coefficients) -> np.ndarray | None:
        """An independent solution ``(rows, outputs)`` at `x`, for reporting errors only. None by default."""
        return None

    def network(self, seed: int) -> nn.Module:
        """A fully connected tanh network with Glorot-normal weights."""
        count = len(self.inputs)
        if self.has_features:
            count = self.features(torch.zeros(1, count), self.source).shape[1]
        return dde.nn.FNN([count, *self.hidden, len(self.outputs)], "tanh", "Glorot normal")

    def rungs(self) -> Iterator[Rung]:
        return rungs_of(self)

    def limits_accuracy(self, c: Coefficients) -> bool:
        """Whether initial and boundary values contradict each other at `c`: the error at the jump does not fall."""
        return any(True for _ in contradictions(self, c))

    def initial_network(self, seed: int) -> nn.Module:
        with deepxde_defaults(torch.float64, torch.device("cpu")):
            return super().initial_network(seed)

    def sizes_at(self, c: Coefficients) -> Sizes:
        """The sizes of inputs, outputs and residual blocks at `c`, by the family's :class:`SizeRule`."""
        each = [self.size_rule.at(self, own) for own in c.each()]
        return Sizes.stacked(each) if c.several else each[0]

    @cached_property
    def size_rule(self) -> SizeRule:
        """The sizes as a function of the coefficients, measured when they are first needed."""
        return SizeRule.measured(self)

    def without_sizes(self) -> Self:
        """A copy that leaves all inputs, outputs and residuals as they are, as version 0.1 did."""
        other = copy.copy(self)
        vars(other)["size_rule"] = SizeRule.unit(self)
        return other

    def stated_scale(self, c: Coefficients) -> float | None:
        """The :meth:`scale` at `c`, checked; None if the equation states none."""
        if type(self).scale is Equation.scale:
            return None
        scale = self.scale(c)
        if not 0 < scale < math.inf:
            raise SizeError(f"the scale of {self.name} at {c} is {scale}; expected a size above 0")
        return scale

    @property
    def has_features(self) -> bool:
        """Whether the equation states features of its own."""
        return type(self).features is not Equation.features

    @property
    def has_transform(self) -> bool:
        """Whether the equation states a transform of its own."""
        return type(self).transform is not Equation.transform

    @property
    def has_default_network(self) -> bool:
        """Whether the network is the default one, of the widths :attr:`hidden`."""
        return type(self).network is Equation.network

    @property
    def draws_points(self) -> bool:
        """Whether the points are drawn as :attr:`points` says."""
        return True

    @property
    def keeps_units(self) -> bool:
        """Whether the network takes points and gives the solution in the problem's own units."""
        return False

    def stated(self, part: str) -> Any:
        """The user's function that states ``"residual"``, ``"conditions"`` or another part, for messages."""
        return getattr(self, part)

    @property
    def pointwise(self) -> bool:
        """Whether each residual depends on the solution and its derivatives at one point; False with integrals."""
        return True

    def build(self, c: Coefficients) -> EquationTask:
        return EquationTask(self, c)


def as_variant(problem: Equation, kind: Any) -> Any:
    """A copy of the problem, with its name, as an instance of `kind`: a subclass of its class, made on the spot."""
    kind.__module__ = type(problem).__module__
    kind.name = problem.name
    variant = copy.copy(problem)
    variant.__class__ = kind
    vars(variant).pop("size_rule", None)  # other residuals may have other sizes
    return variant


def require_equation(problem: object) -> Equation:
    """The problem; raises a :class:`PacpinnError` if it is no equation, or its residuals contain integrals."""
    if isinstance(problem, Equation) and problem.pointwise:
        return problem
    kind = "has integrals in it" if isinstance(problem, Equation) else "is no equation"
    raise PacpinnError(
        f"{getattr(problem, 'name', problem)} {kind}: coefficients between its members have no reduced basis; "
        "calibrate those you need with solve_family(targets=...) or family.extend([...])"
    )
