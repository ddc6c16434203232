"""A Jacobian kept as the factors of its rows' gradients, for networks of linear layers.

Of a network of linear layers the gradient of a residual by a weight matrix is a product of two small factors: the
layer's inputs, and the residual's gradient by its outputs. The formed Jacobian ``(m, p)`` of 4,096 residuals of a
4 x 128 network takes 1.6 GB; its factors, ``m`` times a few layer widths, take 130 MB. They suffice for products with
vectors. ``J W Jᵀ`` is summed over blocks of columns, which are formed one at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from pacpinn.runtime.blas import gram_of_parts

BYTES_OF_A_BLOCK = 2**26
_ENTRIES_AT_A_TIME = 2**17  # one megabyte: fits the caches


class Factors(NamedTuple):
    """Gradients of residuals by one weight tensor: of row i the sum over s of ``outputs[i, s] inputs[i, s]ᵀ``."""

    inputs: Tensor  # (rows, s, n)
    outputs: Tensor  # (rows, s, k)
    free: Tensor  # indices of the free entries of the flattened (k, n); gradients are by these

    @classmethod
    def stacked(cls, parts: Sequence[Factors]) -> Factors:
        """The rows of all `parts`, by the same weights, one below the other; s is padded with zeros to the largest."""
        most = max(part.inputs.shape[1] for part in parts)
        inputs, outputs = (
            torch.cat([F.pad(factor, (0, 0, 0, most - factor.shape[1])) for factor in side])
            for side in ([part.inputs for part in parts], [part.outputs for part in parts])
        )
        return cls(inputs, outputs, parts[0].free)

    def of(self, rows: Tensor) -> Factors:
        """The sums of gradients over the indices in each row of `rows` ``(m, any)``, in double precision."""
        inputs, outputs = (factor[rows].flatten(1, 2).double() for factor in (self.inputs, self.outputs))
        return Factors(inputs, outputs, self.free)

    def of_outputs(self, begin: int, end: int) -> Factors:
        """The gradients by the rows from `begin` to `end` of the weight tensor ``(k, n)``."""
        n = self.inputs.shape[-1]
        free = self.free[(self.free >= begin * n) & (self.free < end * n)] - begin * n
        return self._replace(outputs=self.outputs[..., begin:end], free=free)

    def write(self, place: Tensor) -> None:
        """Write the gradients to `place` ``(rows, entries)``."""
        # A few rows at a time: with the entries that are not free, the products would not fit the caches.
        few = max(1, _ENTRIES_AT_A_TIME // (self.inputs.shape[-1] * self.outputs.shape[-1]))
        for x, g, rows in zip(self.inputs.split(few), self.outputs.split(few), place.split(few), strict=True):
            rows.copy_((g.mT @ x).flatten(1)[:, self.free])

    def times(self, vector: Tensor) -> Tensor:
        """Each row's gradient times `vector` ``(entries,)``: ``(rows,)``."""
        k, n = self.outputs.shape[-1], self.inputs.shape[-1]
        matrix = vector.new_zeros(k * n).index_put((self.free,), vector).view(k, n)
        return ((self.inputs @ matrix.T) * self.outputs).sum((1, 2))

    def transposed_times(self, vector: Tensor) -> Tensor:
        """Sum over the rows of `vector` ``(rows,)`` times their gradients: ``(entries,)``."""
        outputs = self.outputs * vector[:, None, None]
        return (outputs.flatten(0, 1).T @ self.inputs.flatten(0, 1)).flatten()[self.free]


class FactoredJacobian:
    """The Jacobian ``(m, p)`` by the free weights, in double precision; `tensors`: an item for each weight tensor."""

    def __init__(self, tensors: list[Factors]) -> None:
        self.tensors = tensors

    @classmethod
    def stacked(cls, parts: list[list[Factors]]) -> FactoredJacobian:
        """The rows of all `parts`, one below the other."""
        return cls([Factors.stacked(tensor) for tensor in zip(*parts, strict=True)])

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.tensors[0].inputs), sum(self._widths)

    def at(self, rows: Tensor) -> FactoredJacobian:
        """The rows of these indices."""
        return FactoredJacobian([tensor.of(rows[:, None]) for tensor in self.tensors])

    def times(self, vector: Tensor) -> Tensor:
        """``J v``, ``(m,)``, of `vector` ``(p,)``."""
        pieces = vector.split(self._widths)
        return torch.stack([tensor.times(v) for tensor, v in zip(self.tensors, pieces, strict=True)]).sum(0)

    def transposed_times(self, vector: Tensor) -> Tensor:
        """``Jᵀ v``, ``(p,)``, of `vector` ``(m,)``."""
        return torch.cat([tensor.transposed_times(vector) for tensor in self.tensors])

    def squares(self) -> Tensor:
        """Squared lengths of the columns ``(p,)``."""
        return torch.cat([columns.square().sum(0) for columns in self._blocks()])

    def gram(self, weights: Tensor) -> Tensor:
        """The lower triangle of ``J W Jᵀ`` ``(m, m)`` with ``W = diag(weights)``, of `weights` ``(p,)`` above 0."""
        return gram_of_parts(self._weighted(weights.sqrt()))

    def _weighted(self, weights: Tensor) -> Iterator[Tensor]:
        """The transposed blocks of columns, each column times its weight, of `weights` ``(p,)``."""
        begin = 0
        for columns in self._blocks():
            end = begin + columns.shape[1]
            yield columns.mul_(weights[begin:end]).T
            begin = end

    @property
    def _widths(self) -> list[int]:
        return [len(tensor.free) for tensor in self.tensors]

    def _blocks(self) -> Iterator[Tensor]:
        """Blocks of columns ``(m, any)``, in order, of at most :data:`BYTES_OF_A_BLOCK`."""
        rows = self.shape[0]
        for tensor in self.tensors:
            step = max(1, BYTES_OF_A_BLOCK // (8 * rows * tensor.inputs.shape[-1]))
            for begin in range(0, tensor.outputs.shape[-1], step):
                block = tensor.of_outputs(begin, begin + step)
                columns = block.inputs.new_empty(rows, len(block.free))
                block.write(columns)
                yield columns
