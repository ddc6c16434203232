"""The error of answers in the members' span: the linearised error equation in a richer space than the span.

The richer space has the modes and random smooth functions in each output. Solved there at sample coefficients, the
error equation gives each output's error per unit of residual, which depends on the coefficients. The error of an answer
is its residual, on points that its solve does not see, times the largest such ratio among the samples next to it. It is
relative to the answer's own variation, which may be much smaller than that of the samples next to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
import torch
from scipy.spatial import KDTree
from torch import Tensor

from pacpinn.reduced_basis.derivative_tables import DerivativeTable
from pacpinn.reduced_basis.pod import PODBasis
from pacpinn.reduced_basis.reduced_residual import ReducedResidual
from pacpinn.reduced_basis.snapshots import Snapshots
from pacpinn.runtime.isolation import untouched
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.parameter_space import ParameterSpace

_DAMPING = 1e-10  # of the trace of the normal matrix
_AT_ONCE = 8  # samples: their Jacobians in the richer space are large


class ErrorRatios(NamedTuple):
    """Errors of the outputs per unit of residual at sample coefficients of a box, in the outputs' units.

    Attributes:
        box: its normalised places are those of `tree`.
        tree: of the samples' places.
        estimates: of the error, per unit of residual ``(samples, outputs)``.
        bounds: of what the error may be at most, per unit of residual ``(samples, outputs)``.
    """

    box: ParameterSpace
    tree: KDTree
    estimates: np.ndarray
    bounds: np.ndarray

    @classmethod
    def measured(
        cls, snapshots: Snapshots, basis: PODBasis, box: ParameterSpace, cs: Sequence[Coefficients], b: Tensor
    ) -> Self:
        """Ratios at the samples `cs`, whose answers have the coordinates `b` ``(samples, modes)``."""
        space = RicherSpace(snapshots, basis)
        parts = [space.errors(cs[i : i + _AT_ONCE], b[i : i + _AT_ONCE]) for i in range(0, len(cs), _AT_ONCE)]
        estimates, bounds, residuals = map(np.concatenate, zip(*parts, strict=True))
        residuals = np.maximum(residuals, np.finfo(float).tiny)[:, None]
        return cls(box, KDTree(box.places(cs)), estimates / residuals, bounds / residuals)

    def at(self, cs: Sequence[Coefficients]) -> tuple[np.ndarray, np.ndarray]:
        """Estimates and bounds ``(k, outputs)`` per unit of residual at `cs`: the largest among the nearest samples."""
        count = min(2 ** len(self.box.within) + 1, len(self.estimates))
        _, near = self.tree.query(self.box.places(cs), k=[*range(1, count + 1)])
        return self.estimates[near].max(axis=1), self.bounds[near].max(axis=1)


class RicherSpace:
    """The equation on the check points, in the span of the modes and of random functions."""

    def __init__(self, snapshots: Snapshots, basis: PODBasis) -> None:
        self.snapshots, self.basis = snapshots, basis
        modes = snapshots.check_table.combined(basis.modes)
        self.table = DerivativeTable.joined([modes, snapshots.random])
        self.residual = ReducedResidual(snapshots.equation, snapshots.check, self.table)

    def errors(self, cs: Sequence[Coefficients], b: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Estimated errors and bounds ``(k, outputs)``, and residuals ``(k,)``, of answers `b` ``(k, modes)``."""
        extended = torch.cat([b, b.new_zeros(len(b), self.table.values.shape[-1] - 1 - b.shape[1])], dim=1)
        with untouched():
            residuals, jacobian = self.residual.linearise(cs, extended)
        normal = jacobian.mT @ jacobian
        trace = normal.diagonal(dim1=1, dim2=2).sum(1)
        normal.diagonal(dim1=1, dim2=2).add_(_DAMPING * trace[:, None])
        d = -torch.linalg.solve(normal, (jacobian.mT @ residuals[..., None]))
        changes = (jacobian @ d)[..., 0]
        left, explained = (residuals + changes).norm(dim=1), changes.norm(dim=1).clamp(min=1e-300)
        errors = torch.stack([self._sizes(c, *each) for c, *each in zip(cs, b, d[..., 0], strict=True)])
        of_one = torch.stack(
            [self.snapshots.yardstick(c, own) for c, own in zip(cs, self.basis.weights(b), strict=True)]
        )
        bounds = errors + torch.maximum(errors / explained[:, None], of_one) * left[:, None]
        return errors.numpy(force=True), bounds.numpy(force=True), residuals.norm(dim=1).numpy(force=True)

    def _sizes(self, c: Coefficients, b: Tensor, d: Tensor) -> Tensor:
        """The root mean square ``(outputs,)`` of what a change `d` of the answer `b` changes in the solution."""
        values, x = self.table.values, self.snapshots.check.x
        inside = slice(sum(self.snapshots.check.counts), None)
        outputs = values[..., : 1 + len(b)] @ torch.cat([b.new_ones(1), b])
        u, moved = (self.snapshots.solution(c, y[inside], x[inside]) for y in (outputs, outputs + values[..., 1:] @ d))
        return (moved - u).square().mean(0).sqrt()
