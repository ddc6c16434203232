"""Subsampled Gauss-Newton for large networks: the dual system of residuals drawn at random, as many as a step needs.

Far from the solution a step needs a few hundred residuals (Roosta-Khorasani & Mahoney 2019,
doi:10.1007/s10107-018-1346-5), near it more. Every step draws a new sample, and all residuals decide whether the step
is accepted. A sample of more residuals than there are weights would cost more than the primal matrix of all residuals,
which is taken from there on.

Measured on a 4 x 128 network, 50,049 weights, Burgers' equation from scratch with 1,536 points, in processor seconds of
one thread: 32 to the tolerance, with 0.9 GiB. The dual system of all residuals takes 200. With the Jacobian formed a
step takes as long, and twice the memory: above 4 GiB with 4,096 points (samples: 1.2). Conjugate gradients, at most 120
products a step, are at a hundred times the tolerance after 115.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pacpinn.networks.factored_jacobian import FactoredJacobian
from pacpinn.networks.objective import Linearisation
from pacpinn.runtime.blas import cholesky
from pacpinn.solvers.normal_equations import NormalEquations, damping_scale

LARGEST_SAMPLE = 4096
_FEWEST = 256
_ENOUGH = 0.5  # share of its gain on the sample that the linear model must gain on all residuals
_LARGE = 2**21  # entries of one target's Jacobian above which it is not formed: 16 megabytes
_MANY_ROWS = 4  # times as many residuals as weights: then the primal matrix is small, however large the Jacobian


def takes_samples(rows: int, weights: int) -> bool:
    """Whether steps come from samples, if the Jacobian ``(rows, weights)`` can be kept in factors."""
    return rows * weights > _LARGE and rows < _MANY_ROWS * weights


@dataclass
class Sample:
    """Draws `size` residuals for a step: twice as many, up to 4,096, once a sample no longer represents all of them."""

    size: int = _FEWEST
    seed: int = 0

    def __post_init__(self) -> None:
        self._random = torch.Generator().manual_seed(self.seed)

    def draw(self, count: int) -> Tensor:
        """Ascending indices of residuals, out of `count`."""
        return torch.randperm(count, generator=self._random)[: self.size].sort()[0]

    def judge(self, on_all: Tensor, on_sample: Tensor) -> None:
        """Double the size if the model, which leaves these shares of the sums of squares, gains too little on all."""
        if 1 - on_all < _ENOUGH * (1 - on_sample):
            self.size = min(2 * self.size, LARGEST_SAMPLE)


@dataclass(frozen=True)
class SampledNormalEquations:
    """:class:`NormalEquations` of one target, with the Jacobian in factors; a step comes from a sample of residuals."""

    jacobian: FactoredJacobian  # (m, p)
    residuals: Tensor  # (1, m)
    delta: Tensor  # (1, p)
    penalty: float
    sample: Sample

    def along(self, d: Tensor) -> Tensor:
        return self.jacobian.times(d[0])[None]

    def moved(self, where: Tensor, there: Linearisation, delta: Tensor) -> SampledNormalEquations | NormalEquations:
        """As :meth:`NormalEquations.moved`; on all residuals once a sample would be larger than the primal matrix."""
        if not where.any():
            return self
        if self.sample.size > delta.shape[-1]:
            return NormalEquations(there.jacobian, there.residuals, delta, self.penalty)
        assert there.factored is not None
        return SampledNormalEquations(there.factored, there.residuals, delta, self.penalty, self.sample)

    def damped(self, mu: Tensor) -> SampledDamped:
        """The damped problem on a new sample; `mu` is ``(1,)``."""
        count = self.residuals.shape[-1]
        rows = self.sample.draw(count).to(mu.device)
        jacobian = self.jacobian if len(rows) == count else self.jacobian.at(rows)
        shift = self.penalty + mu * damping_scale(jacobian.squares())
        matrix = jacobian.gram(1 / shift)
        matrix.diagonal().add_(1)
        return SampledDamped(self, rows, jacobian, shift, cholesky(matrix))


@dataclass(frozen=True)
class SampledDamped:
    """:class:`Damped`, always dual, for the residuals of a sample."""

    normal: SampledNormalEquations
    rows: Tensor  # indices of the residuals (n,)
    jacobian: FactoredJacobian  # (n, p)
    shift: Tensor  # (p,)
    factor: Tensor

    def step(self) -> Tensor:
        """:meth:`Damped.step` on the sample, which is then judged by all residuals."""
        normal = self.normal
        pull = normal.penalty * normal.delta[0] / self.shift
        d = self._from_rows(normal.residuals[0, self.rows] - self.jacobian.times(pull)) - pull
        before, after = normal.residuals[0].square(), (normal.residuals[0] + normal.jacobian.times(d)).square()
        normal.sample.judge(after.mean() / before.mean(), after[self.rows].mean() / before[self.rows].mean())
        return d[None]

    def correction(self, curvature: Tensor) -> Tensor:
        """:meth:`Damped.correction`; the curvature ``(1, m)`` is that of all residuals."""
        return self._from_rows(curvature[0, self.rows])[None] / 2

    def _from_rows(self, right: Tensor) -> Tensor:
        solution = torch.cholesky_solve(right[:, None], self.factor)[:, 0]
        return -self.jacobian.transposed_times(solution) / self.shift
