"""Sizes: what inputs, outputs and residual blocks are divided by, so that a network meets numbers of about 1.

People state equations in kelvin, metres and head counts. A network wants inputs in [-1, 1] and outputs of about 1, and
least squares want residual blocks that weigh alike. :mod:`pacpinn.equations.size_estimate` finds the sizes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from pacpinn.errors import SizeError

_NEXT_TO_NOTHING = 1e-3  # of an expected variation, which may be a hundred times too large

StatedSizes = Mapping[str, float | tuple[float, float]]
"""Sizes that a user states, by name: of an input its ends ``(low, high)``; of an output its size, or ``(offset,
size)``; of a residual block, such as "residual 1" or "condition 2", its size."""


@dataclass(frozen=True)
class Sizes:
    """Sizes at fixed coefficients; or of several targets, each tensor then with a leading axis of targets.

    Attributes:
        centre, half: of the interval of each input, ``(inputs,)``: the network sees ``(x - centre) / half``.
        offset, size: of each output, ``(outputs,)``: the solution is ``offset + size * y`` for the network's output y.
        variation: of each output of the solution, ``(outputs,)``: about how much it varies over the domain.
        blocks: the size of each residual block, ``(blocks,)``: equations first, then conditions.
        names: of these blocks.
    """

    centre: Tensor
    half: Tensor
    offset: Tensor
    size: Tensor
    variation: Tensor
    blocks: Tensor
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, *tensors: Tensor, names: Sequence[str] = ()) -> Self:
        """Sizes from tensors in the order of the attributes, and the blocks' names."""
        centre, half, offset, size, variation, blocks = tensors
        return cls(centre, half, offset, size, variation, blocks, tuple(names))

    @classmethod
    def unit(cls, inputs: int, outputs: int, blocks: int) -> Self:
        """Sizes that leave everything as it is."""
        counts = inputs, inputs, outputs, outputs, outputs, blocks
        values = 0.0, 1.0, 0.0, 1.0, 1.0, 1.0
        return cls.of(*(torch.full((n,), each, dtype=torch.float64) for n, each in zip(counts, values, strict=True)))

    @classmethod
    def stacked(cls, each: Sequence[Sizes]) -> Self:
        """The sizes of several targets together."""
        return cls.of(*map(torch.stack, zip(*map(_fields, each), strict=True)), names=each[0].names)

    def scaled_inputs(self, x: Tensor) -> Tensor:
        """Points ``(rows, inputs)`` as the network sees them: the domain's box is [-1, 1] in each input."""
        return (x - _by_row(self.centre, x)) / _by_row(self.half, x)

    def sized_outputs(self, y: Tensor) -> Tensor:
        """The network's outputs ``(rows, outputs)`` in the problem's units."""
        return _by_row(self.offset, y) + _by_row(self.size, y) * y

    def block_size(self, index: int, values: Tensor) -> Tensor:
        """The size of the block with this index, which divides its `values` ``(n,)`` or ``(targets, n)``."""
        return self.blocks[..., index, None].to(values)

    def yardstick(self, values: np.ndarray) -> np.ndarray:
        """What errors of each output are relative to, ``(outputs,)``, for a solution's `values` ``(rows, outputs)``.

        Their root mean square about their mean. Where this is next to nothing beside the variation that the sizes
        expect, the size of the constant, but no more than this variation; this variation if both are next to nothing.
        """
        unit = np.maximum(np.abs(values).max(axis=0), np.finfo(float).tiny)  # so that squares do not overflow
        found, size = unit * np.std(values / unit, axis=0), unit * np.sqrt(np.mean(np.square(values / unit), axis=0))
        expected = self.variation.numpy(force=True)
        constant = np.where(size > _NEXT_TO_NOTHING * expected, np.minimum(size, expected), expected)
        return np.where(found > _NEXT_TO_NOTHING * expected, found, constant)


def _fields(sizes: Sizes) -> tuple[Tensor, ...]:
    return sizes.centre, sizes.half, sizes.offset, sizes.size, sizes.variation, sizes.blocks


def _by_row(values: Tensor, rows: Tensor) -> Tensor:
    """Values ``(n,)`` as they are; of several targets ``(targets, n)``, repeated for the rows of each target."""
    values = values.to(rows)
    return values if values.ndim == 1 else values.repeat_interleave(len(rows) // len(values), dim=0)


def checked(stated: StatedSizes, inputs: Sequence[str], outputs: Sequence[str], name: str) -> None:
    """Refuse stated sizes that are no sizes.

    Raises:
        SizeError: for a size that is zero, negative or not finite, a wrong number of values, or an unknown name.
    """
    for key, value in stated.items():
        if key in inputs:
            low, high = _numbers(key, value, 2, "the ends of the input, as (0, 0.04)", name)
            if not low < high:
                raise SizeError(f"sizes[{key!r}] of {name} is {value!r}; expected low < high")
        elif key in outputs or _is_block(key):
            count = 2 if key in outputs and isinstance(value, tuple | list) else 1
            size = _numbers(key, value, count, "a size above 0, or of an output (offset, size)", name)[-1]
            if not size > 0:
                raise SizeError(f"sizes[{key!r}] of {name} is {value!r}; expected a size above 0")
        else:
            known = ", ".join([*inputs, *outputs])
            raise SizeError(
                f"{name} states a size of {key!r}, which it does not have; expected one of: {known}, or a residual "
                "block, such as 'residual', 'residual 1' or 'condition 2'"
            )


def require_blocks(stated: StatedSizes, blocks: Sequence[str], name: str) -> None:
    """Refuse a stated size of a residual block that is none of the `blocks`; a :class:`SizeError` names them all."""
    for key in filter(_is_block, stated):
        if not any(stated_block({key: 1.0}, block) for block in blocks):
            raise SizeError(
                f"{name} states a size of {key!r}, which it does not have; expected one of: {', '.join(blocks)}"
            )


def stated_block(stated: StatedSizes, block: str) -> float | None:
    """The stated size of a residual block, whose name may go on in brackets: "condition 2 (NeumannBC)"."""
    found = stated.get(block, stated.get(block.partition(" (")[0]))
    return None if found is None else float(found)  # type: ignore[arg-type]


def _is_block(key: str) -> bool:
    return key.split(" ")[0] in ("residual", "condition")


def _numbers(key: str, value: Any, count: int, expected: str, name: str) -> list[float]:
    values = list(value) if isinstance(value, tuple | list) else [value]
    try:
        numbers = [float(each) for each in values]
    except (TypeError, ValueError):
        numbers = [math.nan]
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise SizeError(f"sizes[{key!r}] of {name} is {value!r}; expected {expected}")
    return numbers
