"""The damped least-squares problem of a Levenberg-Marquardt step, solved by the smaller of its two matrices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from pacpinn.networks.objective import Linearisation
from pacpinn.runtime.blas import cholesky, gram

_LEAST_SCALE = 0.01  # damping of a weight that moves no residual, relative to the mean


@dataclass(frozen=True)
class NormalEquations:
    """The least-squares problem ``min |r + J d|^2 + penalty |delta + d|^2`` at one point, for each of k targets."""

    jacobian: Tensor  # J (k, m, p)
    residuals: Tensor  # r (k, m)
    delta: Tensor  # weights less the penalty's centre (k, p)
    penalty: float

    @property
    def primal(self) -> bool:
        """Whether ``JᵀJ`` (primal) is used, being no larger than ``J Jᵀ`` (dual): no more weights than residuals."""
        return self.jacobian.shape[-1] <= self.jacobian.shape[-2]

    @cached_property
    def gram(self) -> Tensor:
        """The lower triangle of ``JᵀJ``, ``(k, p, p)``: its factorisation reads no more."""
        return gram(self.jacobian)

    @cached_property
    def scale(self) -> Tensor:
        """Damping of each weight ``(k, p)``."""
        squares = self.gram.diagonal(dim1=-2, dim2=-1) if self.primal else self.jacobian.square().sum(-2)
        return damping_scale(squares)

    def along(self, d: Tensor) -> Tensor:
        """``J d`` ``(k, m)``."""
        return _apply(self.jacobian, d)

    def only(self, targets: Tensor) -> NormalEquations:
        return NormalEquations(self.jacobian[targets], self.residuals[targets], self.delta[targets], self.penalty)

    def moved(self, where: Tensor, there: Linearisation, delta: Tensor) -> NormalEquations:
        """The problems with residuals and Jacobian of `there` for the targets for which `where` ``(k,)`` is true."""
        if not where.any():
            return self
        jacobian, residuals = there.jacobian, there.residuals
        if not where.all():
            jacobian = torch.where(where[:, None, None], jacobian, self.jacobian)
            residuals = torch.where(where[:, None], residuals, self.residuals)
        return NormalEquations(jacobian, residuals, delta, self.penalty)

    def damped(self, mu: Tensor) -> Damped:
        """The problem with ``mu * scale`` added to the normal matrix's diagonal; `mu` is ``(k,)``."""
        shift = self.penalty + mu[:, None] * self.scale
        if not self.primal:
            matrix = gram((self.jacobian / shift[:, None].sqrt()).mT)
            matrix.diagonal(dim1=-2, dim2=-1).add_(1)
            return Damped(self, shift, cholesky(matrix))
        diagonal = self.gram.diagonal(dim1=-2, dim2=-1)
        undamped = diagonal.clone()
        diagonal.add_(shift)
        factor = cholesky(self.gram)
        diagonal.copy_(undamped)
        return Damped(self, shift, factor)


@dataclass(frozen=True)
class Damped:
    """Normal equations with ``W = diag(shift)``; if their matrix has no Cholesky factor, the solutions are NaN."""

    normal: NormalEquations
    shift: Tensor  # penalty plus damping (k, p)
    factor: Tensor  # of JᵀJ + W (primal) or of J W⁻¹ Jᵀ + I (dual)

    def step(self) -> Tensor:
        """``-(JᵀJ + W)⁻¹ (Jᵀr + penalty delta)``, ``(k, p)``."""
        normal = self.normal
        pull = normal.penalty * normal.delta
        if normal.primal:
            return -self._solve(_apply(normal.jacobian.mT, normal.residuals) + pull)
        return self._from_rows(normal.residuals - _apply(normal.jacobian, pull / self.shift)) - pull / self.shift

    def correction(self, curvature: Tensor) -> Tensor:
        """Geodesic acceleration ``-(JᵀJ + W)⁻¹ Jᵀ curvature / 2``, ``(k, p)``."""
        if self.normal.primal:
            return -self._solve(_apply(self.normal.jacobian.mT, curvature)) / 2
        return self._from_rows(curvature) / 2

    def _from_rows(self, right: Tensor) -> Tensor:
        """``-(JᵀJ + W)⁻¹ Jᵀ right`` by the dual matrix."""
        return -_apply(self.normal.jacobian.mT, self._solve(right)) / self.shift

    def _solve(self, right: Tensor) -> Tensor:
        half = torch.linalg.solve_triangular(self.factor, right[..., None], upper=False)
        return torch.linalg.solve_triangular(self.factor.mT, half, upper=True)[..., 0]


def cost(residuals: Tensor, delta: Tensor, penalty: float) -> Tensor:
    """``|r|^2 + penalty |delta|^2`` for each target."""
    return residuals.square().sum(-1) + penalty * delta.square().sum(-1)


def damping_scale(squares: Tensor) -> Tensor:
    """Damping of each weight ``(..., p)``: the mean diagonal of ``JᵀJ``, in proportion to the lengths of J's columns.

    It lies between Levenberg's equal damping and Marquardt's, by the diagonal itself: the `squares` of these lengths.
    """
    mean, lengths = squares.mean(-1, keepdim=True), squares.sqrt()
    tiny = torch.finfo(mean.dtype).tiny
    return mean * (lengths / (lengths.mean(-1, keepdim=True) + tiny) + _LEAST_SCALE) + tiny


def _apply(matrix: Tensor, vector: Tensor) -> Tensor:
    return (matrix @ vector[..., None])[..., 0]
