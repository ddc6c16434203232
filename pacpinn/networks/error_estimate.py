"""The error of a solution: the linearised error equation, solved on points that training did not see.

If ``R(u) = 0`` is the equation and u a network's solution, its error e solves ``R'(u) e = -R(u)`` to first order. The
error is sought in the tangent space of some of the network's weights w, free or frozen, ``(du/dw) d``, together with
random smooth functions: a network whose activations are saturated has a poor tangent space, which would explain
nothing. Most of the residual that training leaves changes its sign from point to point; only the part that does not
causes an error. So the least-squares problem ``min |R + J d|² + ν |d|²`` is damped, with the ν for which the residual
on a second set of unseen points is least. It needs more points than unknowns: with fewer it fits each set of points by
itself, and explains nothing of another. Points are cheap and unknowns are not, so that only some of the weights vary.

What e does not explain of the residual on that second set may hide a further error. The bound adds it, with the error
per residual of the part that is explained, and at least 1: residuals are divided by sizes, so that a relative change
of a smooth solution by 1 makes a residual of 1; and a quarter, as norms are sums over points. Where the estimate is
inside the tolerance, and the bound is outside and much larger, more points and more weights decide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.runtime.blas import gram
from pacpinn.runtime.isolation import untouched
from pacpinn.tasks.task import Forward, LeastSquaresTask, Task, named_inputs

_DAMPINGS = torch.logspace(-14, -2, 13, dtype=torch.float64)  # ν as shares of the trace of JᵀJ
_WEIGHTS = 384  # of the network that vary, drawn at random; not more than the training points have values
_FUNCTIONS = 128  # random ones besides; likewise
_SLOPES = (0.5, 8.0)  # least and largest slope of their arguments
_SLACK = 1.25  # of the bound, for norms that are sums over points
_DOUBT = 5  # times the estimate: a bound beyond it, and beyond the tolerance, leaves a doubt
_MORE = (2, 4)  # times as many points and weights, for as long as the estimate leaves a doubt
_ROWS = 2  # times as many points as unknowns of an output, at least
_SEED = 0  # of the functions and of the choice of weights
_STEP = 1e-4  # length of the step along d for a central difference, whose error is of the order of its square


@dataclass(frozen=True)
class ErrorEstimate:
    """A solution's estimated error, in root mean squares over the domain, relative to the variation of each output.

    Attributes:
        relative: of the worst output. The variation is the root mean square of the output about its mean, so that an
            offset, such as 293 K, makes no error look small; where that is next to nothing, the output's size.
        bound: what the error may be at most, as far as the residual tells; ``inf`` if it tells nothing.
        by_output: of each output.
    """

    relative: float
    bound: float
    by_output: tuple[float, ...]
    _task: LeastSquaresTask
    _masked: MaskedNetwork
    _d: Tensor

    def at(self, x: np.ndarray) -> np.ndarray:
        """The solution minus the true one, estimated, ``(rows, outputs)``, at points `x` ``(rows, inputs)``."""
        return self.of(lambda forward: self._task.predict(forward, np.asarray(x)))

    def of(self, function: Callable[[Forward], np.ndarray]) -> np.ndarray:
        """A `function` of the solution minus that of the true one, estimated; it is given the network."""
        return -_derivative(self._masked, self._d, function)


def error_estimate(task: Task, masked: MaskedNetwork, z: Tensor) -> ErrorEstimate | None:
    """Estimate the error of a solution, whose network `masked` has the free weights `z` ``(p,)``.

    None for tasks whose error no residual tells, such as data. The cost is two Jacobians on points that nothing has
    seen and one eigendecomposition, a few steps of a calibration; more where the first estimate leaves a doubt.
    """
    task, z = task.to(torch.float64), z.double()
    masked = masked.to(torch.float64, task.device)
    if not isinstance(task, LeastSquaresTask) or not task.estimable:
        return None
    found = _estimate(task, masked, z, 1)
    for more in _MORE:
        if not _in_doubt(found, task.tolerance):
            break
        found = _estimate(task, masked, z, more)
    return found


def _in_doubt(found: ErrorEstimate, tolerance: float | None) -> bool:
    """Whether the estimate is inside the tolerance, and what it does not explain may be a much larger error."""
    if tolerance is None or found.relative > tolerance:
        return False
    return found.bound > max(_DOUBT * found.relative, tolerance)


def _estimate(task: LeastSquaresTask, masked: MaskedNetwork, z: Tensor, more: int) -> ErrorEstimate:
    """The estimate with so many times as many points, and weights that vary."""
    x = task.inputs(task.everything())
    values = more * named_inputs(masked.forward(z))(x).numel()  # that training has determined, or more
    weights, functions = min(more * _WEIGHTS, values, len(masked.weights)), min(_FUNCTIONS, values)
    points = task.error_points(masked.forward(z), more, _ROWS * (weights + functions))
    with untouched(_SEED):
        rich = _enriched(masked, z, x[:1], weights, functions)
        objective, w = Objective(task, rich), rich.start[None]
        fit, judge = (objective.linearised_on(batch, w) for batch in points)
        candidates = _damped(fit.jacobian[0], fit.residuals[0])
        changes = candidates @ judge.jacobian[0].T
        left = (judge.residuals[0] + changes).norm(dim=1)
        best = int(left.argmin())
        predict = partial(task.predict, x=task.error_grid())
        u, e = predict(rich.forward(rich.start)), _derivative(rich, candidates[best], predict)
    by_output = np.sqrt(np.mean(e**2, axis=0)) / task.yardstick(u)
    relative = float(by_output.max()) if np.isfinite(by_output).all() else np.inf
    unexplained = min(float(left[best]), float(judge.residuals[0].norm()))
    explained = max(float(changes[best].norm()), np.finfo(float).tiny)
    bound = _SLACK * (relative + max(1.0, relative / explained) * unexplained)
    bound = bound if np.isfinite(bound) else np.inf
    return ErrorEstimate(relative, bound, tuple(by_output.tolist()), task, rich, candidates[best])


class Enriched(nn.Module):
    """A network plus a combination of random smooth functions of its inputs, whose factors are zero at first."""

    def __init__(self, network: nn.Module, inputs: int, outputs: int, functions: int) -> None:
        super().__init__()
        self.network, self.functions = network, random_functions(inputs, functions)
        self.factors = nn.Linear(functions, outputs, bias=False)
        with torch.no_grad():
            self.factors.weight.zero_()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.network(x) + self.factors(self.functions(x))
        return y


def random_functions(inputs: int, count: int) -> nn.Module:
    """`count` smooth functions of inputs in [-1, 1]: tanh of random linear functions, with slopes of many sizes."""
    low, high = np.log(_SLOPES)
    with untouched(_SEED):
        slopes = torch.exp(low + (high - low) * torch.rand(count, 1))
        layer = nn.Linear(inputs, count)
        with torch.no_grad():
            layer.weight.copy_(slopes * nn.functional.normalize(torch.randn(count, inputs), dim=1))
            layer.bias.copy_(slopes[:, 0] * (2 * torch.rand(count) - 1))
    return nn.Sequential(layer, nn.Tanh()).requires_grad_(False)


def _enriched(masked: MaskedNetwork, z: Tensor, x: Tensor, weights: int, functions: int) -> MaskedNetwork:
    """The network with random functions of inputs like `x`; free are their factors, and so many of its weights."""
    outputs = named_inputs(masked.forward(z))(x).shape[1]
    rich = MaskedNetwork(Enriched(masked.module(z), x.shape[1], outputs, functions).to(x))
    own = len(masked.weights)
    free = torch.ones_like(rich.weights, dtype=torch.bool)
    free[:own] = False
    free[torch.randperm(own)[:weights]] = True
    return rich.with_mask(free, True)


def _damped(jacobian: Tensor, r: Tensor) -> Tensor:
    """Minimise ``|r + J d|² + ν |d|²`` for each damping ν ``(dampings, p)``, by the smaller of ``JJᵀ`` and ``JᵀJ``."""
    rows, weights = jacobian.shape
    sizes, q = torch.linalg.eigh(gram(jacobian.T if rows <= weights else jacobian))
    nu = (_DAMPINGS.to(sizes) * sizes.sum())[:, None]
    if rows <= weights:
        return -((q.T @ r) / (sizes.clamp(min=0) + nu)) @ (q.T @ jacobian)
    return -((q.T @ (jacobian.T @ r)) / (sizes.clamp(min=0) + nu)) @ q.T


def _derivative(masked: MaskedNetwork, d: Tensor, function: Callable[[Forward], np.ndarray]) -> np.ndarray:
    """The derivative of a `function` of the network along `d`, by a central difference."""
    step = _STEP / max(float(d.norm()), torch.finfo(d.dtype).tiny)
    ahead, behind = (function(masked.forward(masked.start + sign * step * d)) for sign in (1, -1))
    return (ahead - behind) / (2 * step)
