"""The sizes of an equation's outputs and residual blocks at fixed coefficients, found from its statement alone.

Probes are smooth random functions of root mean square 1. The response of a residual block to a probe in one output
tells what a change of this output by 1 does to the block.

1. Conditions that prescribe values, as `DirichletBC` and `IC` do, give offset and size of an output: centre and half
   width of the interval of these values.
2. An output without a prescribed variation has the largest size at which its terms are nowhere larger than what must
   balance them: other outputs' terms, or the residual of the constant offset, which drives the solution.
3. The solution of an initial-value problem in one input, integrated crudely, gives better sizes than 2.
4. The size of a block is what a change of all outputs by their variation does to it.

Responses of nonlinear equations depend on the sizes, so 2 is repeated until the sizes rest.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from pacpinn.equations.collocation import Collocation, bounding_box
from pacpinn.equations.initial_values import InitialValueProblem
from pacpinn.equations.residuals import Outputs, Residuals
from pacpinn.equations.size_balance import balance, root_mean_square
from pacpinn.equations.sizes import Sizes, StatedSizes, require_blocks, stated_block
from pacpinn.errors import SizeError
from pacpinn.runtime.deepxde_backend import dde, deepxde_defaults
from pacpinn.runtime.isolation import untouched
from pacpinn.runtime.user_code import place_of
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.task import Block

if TYPE_CHECKING:
    from pacpinn.equations.equation import Equation
    from pacpinn.equations.equation_task import EquationTask

_POINTS = 96  # inside the domain
_PROBES = 3
_HIDDEN = (32, 32)  # layers of a probe
_SEED = 100  # of the first probe
_STEP = 1e-3  # of an output's size: the length of a difference
_REPEATS = 10  # at most
_AT_REST = 0.2  # relative: the largest change at which sizes rest
_ROUNDING = 1e-12  # relative: what is so small is rounding

_PRESCRIBING = (dde.icbc.DirichletBC, dde.icbc.IC, dde.icbc.PointSetBC)


def measure_sizes(equation: Equation, c: Coefficients) -> Sizes:
    """Measure the sizes of an equation at coefficients `c`; sizes that it states itself are taken as they are."""
    centre, half = input_box(equation, c)
    with untouched(_SEED), np.errstate(all="ignore"):  # what overflows is refused below
        statement = _Statement.of(equation, c, centre, half)
        require_blocks(equation.sizes, statement.names, equation.name)
        offset, known = statement.prescribed(equation.sizes)
        size, response = statement.balanced(offset, known)
        integrated = statement.integrated(offset, size)
        if integrated is not None:
            size, variation = integrated
            response = statement.responses(offset, size)
        by_network, by_transform = statement.variations(offset, size)
        if integrated is None:
            variation = np.hypot(by_network, by_transform)
        blocks = statement.block_sizes(response * size * (variation / by_network))
    _require_sizes(equation, c, equation.outputs, size)
    _require_sizes(equation, c, statement.names, blocks)
    if equation.keeps_units:  # a trained network, or one with transforms of its own
        offset, size = np.zeros_like(offset), np.ones_like(size)
    found = [torch.as_tensor(each, dtype=torch.float64) for each in (offset, size, variation, blocks)]
    return Sizes.of(centre, half, *found, names=statement.names)


def _require_sizes(equation: Equation, c: Coefficients, names: Sequence[str], sizes: np.ndarray) -> None:
    """Refuse units in which sizes overflow, or vanish."""
    for name, size in zip(names, sizes, strict=True):
        if not 0 < size < np.inf:
            raise SizeError(
                f"the size of {name} of {equation.name} at {c} is found as {size:g}: its terms, in the units of the "
                "statement, are too large or too small for numbers of double precision; expected a size above 0. State "
                f"the equation in other units{place_of(type(equation))}"
            )


def input_box(equation: Equation, c: Coefficients) -> tuple[Tensor, Tensor]:
    """Centre and half width ``(inputs,)`` of the box of the domain, or of the ends that the equation states."""
    count = len(equation.inputs)
    if equation.keeps_units:
        return torch.zeros(count, dtype=torch.float64), torch.ones(count, dtype=torch.float64)
    ends = zip(*bounding_box(equation.geometry(c)), strict=True)
    stated = [equation.sizes.get(name, own) for name, own in zip(equation.inputs, ends, strict=True)]
    low, high = torch.as_tensor(np.array(stated, dtype=float)).T
    return low / 2 + high / 2, high / 2 - low / 2  # sums of halves do not overflow


@dataclass(frozen=True)
class _Statement:
    """An equation's residual blocks at fixed coefficients as functions of the solution, on a few points."""

    equation: Equation
    task: EquationTask
    residuals: Residuals
    batch: Collocation
    probes: Sequence[Outputs]
    names: Sequence[str]  # of the blocks

    @classmethod
    def of(cls, equation: Equation, c: Coefficients, centre: Tensor, half: Tensor) -> _Statement:
        task = equation.build(c)
        batch = task.draw(equation.points.at_most(_POINTS), 0)
        if 0 in batch.counts:  # a condition that holds on a small part of the boundary
            batch = task.everything()
        raw = Sizes.unit(len(equation.inputs), len(equation.outputs), 0)
        residuals = Residuals(equation, c, raw)
        seen = copy.copy(equation)  # whose features may ask for sizes
        vars(seen)["size_rule"] = _Fixed(replace(raw, centre=centre, half=half))
        with deepxde_defaults(torch.float64, torch.device("cpu")):
            probes = [_probe(seen, c, seed, batch.x) for seed in range(_PROBES)]
        statement = cls(equation, task, residuals, batch, probes, [])
        return replace(statement, names=[block.name for block in statement._blocks(statement._constant(0.0))])

    def prescribed(self, stated: StatedSizes) -> tuple[np.ndarray, np.ndarray]:
        """Offset and size ``(outputs,)`` of each output that conditions or the user prescribe; unknown sizes are NaN.

        With an exact transform the network's outputs are no values of the solution: nothing is prescribed.
        """
        outputs = self.equation.outputs
        offset, size = np.zeros(len(outputs)), np.full(len(outputs), np.nan)
        for k, values in enumerate(self._prescribed_values()):
            if len(values):
                low, high = values.min() / 2, values.max() / 2  # sums of halves do not overflow
                offset[k], half = high + low, high - low
                size[k] = half if half > _ROUNDING * abs(offset[k]) and half > 0 else np.nan
        for k, name in enumerate(outputs):
            if name in stated:
                given = np.atleast_1d(stated[name])
                size[k], offset[k] = given[-1], given[0] if len(given) > 1 else 0.0
        return offset, size

    def integrated(self, offset: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Sizes and variations by a crude solution, where there is one; sizes that are stated stay."""
        if len(self.equation.inputs) != 1 or not self.equation.pointwise:
            return None
        low, high = bounding_box(self.task.geometry)
        with deepxde_defaults(torch.float64, torch.device("cpu")):
            found = InitialValueProblem(self.residuals, self.batch, low[0], high[0], size).spread(offset)
        if found is None:
            return None
        stated = [name in self.equation.sizes for name in self.equation.outputs]
        size = np.where(stated | ~(found[0] > _ROUNDING * np.abs(offset)), size, found[0])
        return size, np.where(found[1] > _ROUNDING * size, found[1], size)

    def _prescribed_values(self) -> list[np.ndarray]:
        """For each output the values that conditions prescribe."""
        outputs = len(self.equation.outputs)
        values: list[list[np.ndarray]] = [[np.empty(0)] for _ in range(outputs)]
        if not self.equation.has_transform:
            conditions = self.batch.conditions[0]
            blocks = self._blocks(self._constant(0.0))[-len(conditions) :] if conditions else []
            for condition, block in zip(conditions, blocks, strict=True):
                if isinstance(condition, _PRESCRIBING):
                    components = np.atleast_1d(condition.component)
                    errors = block.values.numpy(force=True).reshape(len(components), -1)
                    for k, error in zip(components, errors, strict=True):
                        values[k].append(-error[np.isfinite(error)])
        return [np.concatenate(each) for each in values]

    def balanced(self, offset: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The sizes ``(outputs,)`` of all outputs, and the responses to changes by 1 at solutions of these sizes.

        Those that are `known` stay, unless the equation drives more; those that are stated stay as they are.
        """
        drive = np.array([_size_of(block.values) for block in self._blocks(self._constant(offset))])
        size, stated = np.nan_to_num(known), np.array([name in self.equation.sizes for name in self.equation.outputs])
        for _ in range(_REPEATS):
            response = self.responses(offset, size)
            further = balance(response, drive, known, offset, stated)
            size, before = np.where(size > 0, np.sqrt(size) * np.sqrt(further), further), size
            if (np.abs(size - before) <= _AT_REST * before).all():
                break
        return size, response

    def block_sizes(self, terms: np.ndarray) -> np.ndarray:
        """The size of each block ``(blocks,)``, from its `terms` ``(blocks, outputs)``, one for each output.

        A term is what a change of the output by its variation does to the block. Stated sizes are taken as they are.
        """
        found = np.sqrt(terms.shape[1]) * root_mean_square(terms, axis=1)
        found[found == 0] = 1.0
        stated = [self._stated(name) for name in self.names]
        return np.array([own if given is None else given for own, given in zip(found, stated, strict=True)])

    def variations(self, offset: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """About how much each output of the solution varies by the network, and by the transform alone: ``(outputs,)``.

        A transform may leave little to the network: a price is nearly its value at expiry.
        """
        x = self.batch.x.detach()
        with torch.no_grad(), deepxde_defaults(torch.float64, torch.device("cpu")):
            constant = self.residuals.solution(self._constant(offset), x)
            fields = (self._near(offset, size, probe, 0, 0.0) for probe in range(_PROBES))
            changes = torch.cat([self.residuals.solution(field, x) - constant for field in fields])
        by_network, by_transform = (
            np.array([_size_of(column) for column in each.T]) for each in (changes, constant - constant.mean(dim=0))
        )
        return np.where(by_network > 0, by_network, 1.0), by_transform

    def _stated(self, block: str) -> float | None:
        given = stated_block(self.equation.sizes, block)
        if given is None and block.startswith("residual"):
            given = self.equation.stated_scale(self.residuals.c)
        return 1.0 if given is None and self.equation.weights else given

    def responses(self, offset: np.ndarray, size: np.ndarray) -> np.ndarray:
        """Response ``(blocks, outputs)`` of each block to a small change of each output, at random solutions.

        Derivatives where there are any: differences need a step, and so a unit.
        """
        found = [
            [self._response(offset, size, probe, k) for probe in range(_PROBES)] for k in range(len(offset))
        ]  # (outputs, probes, blocks)
        return root_mean_square(np.array(found), axis=1).T

    def _response(self, offset: np.ndarray, size: np.ndarray, probe: int, k: int) -> list[float]:
        """The derivative of each block along a probe in output `k`, in the root mean square."""

        def blocks(step: Tensor | float) -> list[Tensor]:
            return [each.values.flatten() for each in self._blocks(self._near(offset, size, probe, k, step))]

        step = torch.zeros((), dtype=torch.float64, requires_grad=True)
        values = blocks(step)
        try:
            changes = _derivative(torch.cat(values), step)
        except RuntimeError:  # a function of the user's that torch differentiates once only
            length = _STEP * (size[k] or abs(offset[k]) or 1.0)
            changes = (torch.cat(blocks(length)) - torch.cat(blocks(-length))) / (2 * length)
        return [_size_of(change) for change in changes.split([len(each) for each in values])]

    def _near(self, offset: np.ndarray, size: np.ndarray, probe: int, k: int, step: Tensor | float) -> Outputs:
        """A random solution of these sizes, with output `k` changed along a probe by a step."""

        def outputs(x: Tensor) -> Tensor:
            fields = [self.probes[(probe + 1 + j) % _PROBES](x) for j in range(len(offset))]
            y = x.new_tensor(offset) + x.new_tensor(size) * torch.cat(fields, dim=1)
            return y + step * self.probes[probe](x) * torch.eye(len(offset)).to(x)[k]

        return outputs

    def _constant(self, offset: np.ndarray | float) -> Outputs:
        """The constant solution, which depends on x by name only: derivatives of all orders exist and are zero."""
        columns = len(self.equation.outputs)
        return lambda x: x.new_tensor(offset) + 0.0 * self.probes[0](x).expand(-1, columns)

    def _blocks(self, outputs: Outputs) -> list[Block]:
        with deepxde_defaults(torch.float64, torch.device("cpu")):
            return self.task.unsized_blocks(self.residuals, outputs, self.batch)


@dataclass(frozen=True)
class _Fixed:
    """A rule that gives the same sizes everywhere."""

    sizes: Sizes

    def at(self, equation: Equation, c: Coefficients) -> Sizes:
        return self.sizes


def _probe(equation: Equation, c: Coefficients, seed: int, x: Tensor) -> Callable[[Tensor], Tensor]:
    """A random smooth function ``(rows, 1)`` of the network's inputs, of root mean square 1 at the points `x`."""
    with untouched(_SEED + seed):
        network = dde.nn.FNN([equation.features(x[:1], c).shape[1], *_HIDDEN, 1], "tanh", "Glorot normal").double()
    size = network(equation.features(x, c)).square().mean().sqrt().item() or 1.0
    return lambda points: network(equation.features(points, c)) / size


def _derivative(values: Tensor, step: Tensor) -> Tensor:
    """The derivative ``(n,)`` of all `values` ``(n,)`` by one number: the gradient is linear in what it weighs."""
    weights = torch.zeros_like(values, requires_grad=True)
    if not values.requires_grad:
        return torch.zeros_like(values)
    (gradient,) = torch.autograd.grad(values, step, weights, create_graph=True, allow_unused=True)
    if gradient is None or not gradient.requires_grad:
        return torch.zeros_like(values)
    (found,) = torch.autograd.grad(gradient, weights, allow_unused=True)
    return torch.zeros_like(values) if found is None else found


def _size_of(values: Tensor) -> float:
    """Root mean square of those `values` ``(n,)`` that are finite."""
    known = values.detach().double().numpy(force=True).ravel()
    known = known[np.isfinite(known)]
    return float(root_mean_square(known, axis=0)) if len(known) else 0.0
