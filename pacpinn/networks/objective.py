"""A task as a function of a network's free weights: loss, residuals, Jacobian, penalty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import cast

import torch
from torch import Tensor

from pacpinn.errors import ResidualError, SolverError
from pacpinn.networks.factored_jacobian import FactoredJacobian
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.per_row_gradients import LinearLayerGradients, per_row_gradients_kind
from pacpinn.networks.residual_blocks import jacobian_parts, join_blocks, rowwise_jacobian
from pacpinn.tasks.task import Batch, Block, Forward, LeastSquaresTask, Task, named_inputs

_FRESH_SEED = 1


@dataclass
class Objective:
    """``loss(z) + penalty * |z - centre|^2`` over the free weights ``z`` ``(p,)`` (Myung et al. 2022, eqs. 4 and 6).

    Args:
        task: one task, or several targets together.
        masked: the network and which of its weights are free.
        penalty: the strength lambda.
        centre: ``(p,)``, such as the source's weights; or ``()``, the same number for all weights.
        seed: of the batches.
        goal: root mean square residual on fresh points to solve to, in place of the task's tolerance.
    """

    task: Task
    masked: MaskedNetwork
    penalty: float = 0.0
    centre: Tensor = field(default_factory=lambda: torch.zeros(()))
    seed: int = 0
    goal: float | None = None
    _latest: tuple[Tensor, Linearisation] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.centre = torch.as_tensor(self.centre, dtype=self.masked.weights.dtype, device=self.masked.weights.device)

    @property
    def tolerance(self) -> float | None:
        """Root mean square residual on fresh points to solve to; None if the task states none."""
        return self.task.tolerance if self.goal is None else self.goal

    def forward(self, z: Tensor, training: bool = False) -> Forward:
        """:meth:`MaskedNetwork.forward`, with an error that names inputs which the network does not take."""
        return named_inputs(self.masked.forward(z, training))

    def only(self, places: Tensor) -> Objective:
        """The objective of the targets at these `places` among several."""
        return replace(self, task=self._least_squares.only(places.tolist()))

    def penalised(self, z: Tensor, batch: Batch, training: bool = False) -> Tensor:
        """The objective on one batch, differentiable in `z`."""
        return self.task.loss(self.forward(z, training), batch) + self.penalty * (z - self.centre).square().sum()

    def solved(self, z: Tensor, misfit: float) -> bool:
        """Whether `z` ``(p,)``, with loss `misfit` on training points, meets the tolerance, on fresh points too."""
        if self.tolerance is None or not misfit <= self.tolerance**2:
            return False
        return bool(self.fresh_misfit(z.detach()[None]) <= self.tolerance**2)

    def fresh_misfit(self, z: Tensor) -> Tensor:
        """The loss ``(k,)`` of each target at `z` ``(k, p)`` on points that training does not see."""
        return self.task.loss(self.forward(self._own(z)), self._fresh).detach().view(len(z))

    def validation(self, z: Tensor) -> float | None:
        """The loss at `z` ``(p,)`` on the task's validation data; None if the task has none."""
        with torch.no_grad():
            loss = self.task.validation(self.forward(z.detach()))
        return None if loss is None else float(loss)

    @cached_property
    def _fresh(self) -> Batch:
        return self.task.fresh(_FRESH_SEED)

    def residuals(self, z: Tensor) -> Tensor:
        """Residuals ``(k, m)`` at `z` ``(k, p)`` on all training points, as :class:`Linearisation` has them."""
        task = self._least_squares
        return _scaled(task.residuals(self.forward(self._own(z)), task.everything()))

    def linearise(self, z: Tensor) -> Linearisation:
        """Residuals at `z` ``(k, p)`` on all training points, with their Jacobian on demand.

        The latest linearisation is remembered: a solve often starts at a first guess that has just been evaluated.
        Raises :class:`SolverError` if the task has no residuals.
        """
        if self._latest is None or not torch.equal(self._latest[0], z):
            self._latest = z.detach().clone(), self.linearised_on(self._least_squares.everything(), z)
        return self._latest[1]

    def linearised_on(self, batch: Batch, z: Tensor) -> Linearisation:
        """:meth:`linearise` on one batch, without remembering it."""
        task = self._least_squares
        x = task.inputs(batch)
        kind = per_row_gradients_kind(self.masked, x)
        network = None if kind is None else kind(self.masked, self._own(z), len(x))
        forward = self.forward(self._own(z)) if network is None else named_inputs(network.forward)
        blocks = task.residuals(forward, batch)
        if network is None or any(block.rows is None for block in blocks):
            return Linearisation(blocks, lambda: self.general_jacobian(z, batch))
        linear = isinstance(network, LinearLayerGradients) and len(z) == 1
        factored = partial(_factored_jacobian, cast(LinearLayerGradients, network), blocks) if linear else None
        return Linearisation(blocks, lambda: rowwise_jacobian(network.gradients, blocks, len(z)), factored)

    def _own(self, z: Tensor) -> Tensor:
        """`z` ``(k, p)`` as the task's networks take it: ``(p,)`` for a task by itself."""
        return z if self.task.lead else z[0]

    @property
    def _least_squares(self) -> LeastSquaresTask:
        if not isinstance(self.task, LeastSquaresTask):
            raise SolverError(
                f"{type(self.task).__name__} has a loss and no residuals; expected residuals: use 'adam' or 'lbfgs'"
            )
        return self.task

    def general_jacobian(self, z: Tensor, batch: Batch | None = None) -> Tensor:
        """Jacobian ``(k, m, p)`` by one backward pass for each residual: right for residuals that mix rows too."""
        task = self._least_squares
        leaf = z.detach().requires_grad_()
        batch = task.everything() if batch is None else batch
        blocks = task.residuals(self.forward(self._own(leaf)), batch)
        residuals = join_blocks(blocks)
        unit = torch.eye(residuals.shape[1], dtype=residuals.dtype, device=residuals.device)
        (jacobian,) = torch.autograd.grad(
            residuals, leaf, unit[:, None].expand(-1, len(z), -1), is_grads_batched=True
        )  # for all targets in one pass: the residuals of one do not depend on the weights of another
        return jacobian.transpose(0, 1)


class Linearisation:
    """Residuals ``(k, m)`` at a point, and their Jacobian on demand, formed or in factors.

    Each target's sum of squared residuals is its loss. A rejected step computes no Jacobian. Residuals and Jacobian
    have double precision whatever the network's: normal equations square the Jacobian's condition number.
    """

    def __init__(
        self,
        blocks: list[Block],
        jacobian: Callable[[], Tensor],
        factored: Callable[[], FactoredJacobian] | None = None,
    ) -> None:
        self.residuals = _scaled(blocks)
        self._blocks = blocks
        self._jacobian = jacobian
        self._factored = factored

    @cached_property
    def jacobian(self) -> Tensor:
        """``(k, m, p)``."""
        return self._jacobian().double()

    @cached_property
    def factored(self) -> FactoredJacobian | None:
        """The Jacobian of one target ``(m, p)`` without forming it; None if it can only be formed."""
        return None if self._factored is None else self._factored()

    def require_finite(self) -> None:
        """Raise :class:`ResidualError`, naming the block, if a residual is NaN or infinite."""
        for block in self._blocks:
            bad = int((~torch.isfinite(block.values)).sum())
            if bad:
                raise ResidualError(
                    f"the {block.name} is not finite at {bad} of {block.values.numel()} points before the first step; "
                    "expected numbers: look for a division by zero, a root or a logarithm outside its domain"
                )


def _scaled(blocks: list[Block]) -> Tensor:
    return join_blocks(blocks).detach().double()


def _factored_jacobian(network: LinearLayerGradients, blocks: list[Block]) -> FactoredJacobian:
    parts = jacobian_parts(blocks, network.factors, lambda factors, rows: [tensor.of(rows) for tensor in factors])
    return FactoredJacobian.stacked(parts)
