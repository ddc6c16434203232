"""Snapshots: a family's members as functions, tabulated at the points where the reduced equation is evaluated.

With tangents, each member brings further functions: its network moved a little along the derivative of its weights by
a coefficient. The span then meets the solutions over a range to first order at every member, so that fewer are needed
(Hermite spaces: Ito & Ravindran 1998, doi:10.1006/jcph.1998.5943).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from pacpinn.continuation.sensitivity import Calibrated
from pacpinn.continuation.settings import Settings
from pacpinn.continuation.solution import Base, Solution
from pacpinn.equations.collocation import Collocation, bounding_box
from pacpinn.equations.equation import Equation
from pacpinn.equations.equation_task import EquationTask
from pacpinn.equations.residuals import Residuals
from pacpinn.errors import PacpinnError
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.reduced_basis.derivative_tables import DerivativeTable, Function
from pacpinn.reduced_basis.random_table import random_table
from pacpinn.reduced_basis.reduced_residual import ReducedResidual
from pacpinn.runtime.deepxde_backend import deepxde_defaults
from pacpinn.solvers.base import Status
from pacpinn.tasks.coefficient import Coefficients

_POOLED = 8  # coefficients at most whose training points are pooled
_TRAINING_POINTS, _TRAINING_SEED = 256, 2  # inside the domain, if the equation has fewer
_CHECK_POINTS = 512  # inside the domain: more than the error indicator has unknowns
_CHECK_SEED = 1
_ALONG = 1e-3  # of the length of all weights: how far a network is moved along a tangent
_NEARLY = 2  # times the tolerance: the largest error of a member that counts as nearly solved


def spanning(solutions: Iterable[Solution]) -> list[Solution]:
    """The solutions that are solved, or nearly: a member that stalled at twice its tolerance spans as well."""
    return [each for each in solutions if each.tolerance is not None and each.excess <= _NEARLY]


@dataclass(frozen=True)
class Snapshot:
    """A member: the outputs of its network as a function, and of the same moved along tangents, tabulated.

    Attributes:
        solved: whether its error met its tolerance.
        error: its estimated error; None if there is no estimate, as in files of version 0.1.
        functions: its own, then one for each tangent.
    """

    coefficients: Coefficients
    solved: bool
    error: float | None
    functions: Sequence[Function]
    training: DerivativeTable
    check: DerivativeTable


@dataclass(frozen=True, eq=False)
class Snapshots:
    """Points on which an equation is solved, others on which answers are checked, and the members tabulated there.

    The `tangents` are the coefficients by which members are differentiated; each member has as many functions more.
    """

    equation: Equation
    settings: Settings
    tangents: Sequence[str]
    training: Collocation
    check: Collocation
    random: DerivativeTable  # random functions on the check points
    members: Sequence[Snapshot] = ()

    @classmethod
    def over(
        cls, equation: Equation, cs: Sequence[Coefficients], settings: Settings, tangents: Iterable[str] = ()
    ) -> Snapshots:
        """The points for coefficients `cs` of a range, always in double precision, and no members yet.

        Training points of several coefficients are pooled: at other coefficients they may crowd in other places.

        Raises:
            PacpinnError: if the domain or its conditions' points change with the coefficients.
        """
        settings = replace(settings, dtype=torch.float64)  # differences between members are small
        chosen = np.unique(np.linspace(0, len(cs) - 1, min(_POOLED, len(cs))).round().astype(int))
        tasks = [task for task in (settings.task(equation, cs[i]) for i in chosen) if isinstance(task, EquationTask)]
        _require_one_domain(equation, tasks)
        training = _pooled([_solved_on(task) for task in tasks])
        check = tasks[0].fresh(_CHECK_SEED, least=_CHECK_POINTS)
        rows = min(check.rows, sum(check.counts) + _CHECK_POINTS)
        check = replace(check, x=check.x[:rows], points=check.points[:rows])
        return cls(equation, settings, tuple(tangents), training, check, random_table(equation, check.x))

    def extended(self, solutions: Iterable[Solution], bases: Sequence[Base]) -> Snapshots:
        """With further members."""
        return replace(self, members=[*self.members, *(self._snapshot(each, bases[each.base]) for each in solutions)])

    def _snapshot(self, member: Solution, base: Base) -> Snapshot:
        c, masked = member.coefficients, base.masked.to(torch.float64, self.training.x.device)
        z = member.z.to(masked.weights)
        networks = [z, *self._along_tangents(c, masked, z)]
        functions = [Residuals(self.equation, c).outputs_of(masked.forward(each)) for each in networks]
        training, check = (
            DerivativeTable.joined([DerivativeTable.of(each, points.x) for each in functions])
            for points in (self.training, self.check)
        )
        return Snapshot(c, member.status is Status.CONVERGED, member.error_estimate, functions, training, check)

    def _along_tangents(self, c: Coefficients, masked: MaskedNetwork, z: Tensor) -> list[Tensor]:
        """The member's free weights moved along each of the tangents; not moved where there is no finite one."""
        if not self.tangents:
            return []
        task = self.settings.task(self.equation, c)
        assert isinstance(task, EquationTask)
        by_names = Calibrated(task, masked, z).tangent(self.tangents).weights.T.nan_to_num(0, 0, 0)
        length = _ALONG * masked.weights.norm()
        return [z + length * torch.nn.functional.normalize(each, dim=0) for each in by_names]

    @property
    def coefficients(self) -> list[Coefficients]:
        """The members' coefficients."""
        return [each.coefficients for each in self.members]

    @property
    def own(self) -> slice:
        """Where the members' own functions are, among all functions."""
        return slice(None, None, 1 + len(self.tangents))

    @cached_property
    def training_table(self) -> DerivativeTable:
        """All functions on the training points."""
        return DerivativeTable.joined([each.training for each in self.members])

    @cached_property
    def check_table(self) -> DerivativeTable:
        """All functions on the check points."""
        return DerivativeTable.joined([each.check for each in self.members])

    def on_training(self, modes: Tensor) -> ReducedResidual:
        """The equation on the training points, in a basis with these `modes` (as of :class:`PODBasis`)."""
        return ReducedResidual(self.equation, self.training, self.training_table.combined(modes))

    def on_check(self, modes: Tensor) -> ReducedResidual:
        """The same on the check points."""
        return ReducedResidual(self.equation, self.check, self.check_table.combined(modes))

    def outputs(self, x: Tensor) -> Tensor:
        """Values of all functions at points `x` ``(rows, inputs)``: ``(rows, outputs, functions)``."""
        with torch.no_grad(), deepxde_defaults(x.dtype, x.device):
            return torch.stack([function(x) for each in self.members for function in each.functions], dim=-1)

    def yardstick(self, c: Coefficients, weights: Tensor) -> Tensor:
        """What errors ``(outputs,)`` of the combination of all functions with these `weights` are relative to."""
        values = self.solution(c, self._inside.values @ weights, self.check.x[sum(self.check.counts) :])
        return weights.new_tensor(self.equation.sizes_at(c).yardstick(values.numpy(force=True)))

    @cached_property
    def _inside(self) -> DerivativeTable:
        """All functions on the check points inside the domain."""
        ends = sum(self.check.counts)
        return self.check_table.restricted(torch.arange(ends, self.check.rows, device=self.check.x.device))

    def solution(self, c: Coefficients, outputs: Tensor, x: Tensor) -> Tensor:
        """The solution ``(rows, outputs)`` at points `x`, where a network's outputs would be `outputs`."""
        with torch.no_grad(), deepxde_defaults(x.dtype, x.device):
            return Residuals(self.equation, c).solution(lambda _: outputs, x)


def _solved_on(task: EquationTask) -> Collocation:
    """The task's points; more, if these are so few that many modes would fit the residual at each of them."""
    own = task.everything()
    if own.rows - sum(own.counts) >= _TRAINING_POINTS:
        return own
    more = task.fresh(_TRAINING_SEED, least=_TRAINING_POINTS)
    return more if more.rows > own.rows else own  # integral equations keep their number of points


def _require_one_domain(equation: Equation, tasks: Sequence[EquationTask]) -> None:
    first, *others = map(_outline, tasks)
    if any(len(first) != len(other) or not all(map(np.array_equal, first, other)) for other in others):
        raise PacpinnError(
            f"the domain of {equation.name}, or the points of its conditions, changes with its coefficients; a reduced "
            "basis needs one domain for all: state the equation on a fixed domain, with the coefficient in its formulas"
        )


def _outline(task: EquationTask) -> list[np.ndarray]:
    """Corners of the domain, and the points of its conditions."""
    batch = task.everything()
    corners = bounding_box(task.equation.geometry(task.coefficients))
    return [*corners, np.array([batch.rows, *batch.counts]), batch.points[: sum(batch.counts)]]


def _pooled(batches: Sequence[Collocation]) -> Collocation:
    """As many points as one batch has: its conditions' points, and inside the domain a part of every batch's points."""
    first = batches[0]
    ends = sum(first.counts)
    inside = ends + np.random.default_rng(0).permutation(first.rows - ends)  # low-discrepancy points come in patterns
    x, points = first.x.clone(), first.points.copy()
    for own, batch in zip(np.array_split(inside, len(batches)), batches, strict=True):
        x[own], points[own] = batch.x[own], batch.points[own]
    return replace(first, x=x, points=points)
