"""A Jacobian that is never formed whole: kept as the factors of its rows' gradients, for networks of linear layers.

Of ``(m, p)`` numbers, 1.6 GB for 4,096 residuals of a 4 x 128 network, it keeps what went into and came out of each
layer: ``m`` times a few layer widths, 130 MB. Products with vectors need no more; ``J W Jᵀ`` is summed over blocks of
columns that exist one at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

BYTES_OF_A_BLOCK = 2**26
_STRIPE = 256  # columns of a symmetric product that are formed together


class FactoredJacobian:
    """The Jacobian ``(m, p)`` of residuals by the free weights, in double precision.

    Args:
        tensors: its rows' gradients by each weight tensor, as :class:`Factors`.
    """

    def __init__(self, tensors: list[Factors]) -> None:
        self.tensors = tensors

    @classmethod
    def stacked(cls, parts: list[list[Factors]]) -> FactoredJacobian:
        """Of rows that are given in `parts`, one below the other."""
        return cls([Factors.stacked(each) for each in zip(*parts, strict=True)])

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.tensors[0].inputs), sum(self._widths)

    def at(self, rows: Tensor) -> FactoredJacobian:
        """Some of its rows, by their indices."""
        return FactoredJacobian([each.of(rows[:, None]) for each in self.tensors])

    def times(self, vector: Tensor) -> Tensor:
        """``J v``, ``(m,)``, of `vector` ``(p,)``."""
        pieces = vector.split(self._widths)
        return torch.stack([each.times(v) for each, v in zip(self.tensors, pieces, strict=True)]).sum(0)

    def transposed_times(self, vector: Tensor) -> Tensor:
        """``Jᵀ v``, ``(p,)``, of `vector` ``(m,)``."""
        return torch.cat([each.transposed_times(vector) for each in self.tensors])

    def squares(self) -> Tensor:
        """Squared lengths of the columns ``(p,)``."""
        return torch.cat([columns.square().sum(0) for columns in self._blocks()])

    def gram(self, weights: Tensor) -> Tensor:
        """The lower triangle of ``J W Jᵀ`` ``(m, m)`` with ``W = diag(weights)``, of `weights` ``(p,)`` above 0."""
        rows, begin = self.shape[0], 0
        total = weights.new_zeros(rows, rows)
        for columns in self._blocks():
            end = begin + columns.shape[1]
            columns *= weights[begin:end].sqrt()
            for i in range(0, rows, _STRIPE):
                total[i:, i : i + _STRIPE].addmm_(columns[i:], columns[i : i + _STRIPE].T)
            begin = end
        return total

    @property
    def _widths(self) -> list[int]:
        return [len(each.free) for each in self.tensors]

    def _blocks(self) -> Iterator[Tensor]:
        """Its columns, some at a time: ``(m, any)``."""
        rows = self.shape[0]
        for tensor in self.tensors:
            step = max(1, BYTES_OF_A_BLOCK // (8 * rows * tensor.inputs.shape[-1]))
            for begin in range(0, tensor.outputs.shape[-1], step):
                some = tensor.some_outputs(begin, begin + step)
                columns = some.inputs.new_empty(rows, len(some.free))
                some.write(columns)
                yield columns


_ENTRIES_AT_A_TIME = 2**17  # one megabyte: fits the caches


class Factors(NamedTuple):
    """Gradients of some rows by one weight tensor: of row i the sum over s of ``outputs[i, s] inputs[i, s]ᵀ``.

    Attributes:
        inputs: ``(rows, s, n)``.
        outputs: ``(rows, s, k)``.
        free: which entries of the flattened ``(k, n)`` are meant.
    """

    inputs: Tensor
    outputs: Tensor
    free: Tensor

    @classmethod
    def stacked(cls, parts: Sequence[Factors]) -> Factors:
        """The rows of all `parts`, one below the other, by the same weights; zeros fill up where s differs."""
        most = max(part.inputs.shape[1] for part in parts)
        inputs, outputs = (
            torch.cat([F.pad(each, (0, 0, 0, most - each.shape[1])) for each in side])
            for side in ([part.inputs for part in parts], [part.outputs for part in parts])
        )
        return cls(inputs, outputs, parts[0].free)

    def double(self) -> Factors:
        """The same in double precision."""
        return self._replace(inputs=self.inputs.double(), outputs=self.outputs.double())

    def of(self, rows: Tensor) -> Factors:
        """Sums over each row of indices in `rows` ``(m, any)``."""
        return self._replace(inputs=self.inputs[rows].flatten(1, 2), outputs=self.outputs[rows].flatten(1, 2))

    def some_outputs(self, begin: int, end: int) -> Factors:
        """The gradients by the rows from `begin` to `end` of the weight tensor ``(k, n)``."""
        n = self.inputs.shape[-1]
        free = self.free[(self.free >= begin * n) & (self.free < end * n)] - begin * n
        return self._replace(outputs=self.outputs[..., begin:end], free=free)

    def write(self, place: Tensor) -> None:
        """Write the gradients to `place` ``(rows, entries)``.

        A few rows at a time, for the whole products, most of whose entries may not be asked for, are larger than the
        caches.
        """
        few = max(1, _ENTRIES_AT_A_TIME // (self.inputs.shape[-1] * self.outputs.shape[-1]))
        for x, g, rows in zip(self.inputs.split(few), self.outputs.split(few), place.split(few), strict=True):
            rows.copy_((g.mT @ x).flatten(1)[:, self.free])

    def times(self, vector: Tensor) -> Tensor:
        """Each row's gradient times `vector` ``(entries,)``: ``(rows,)``."""
        matrix = self._matrix(vector)
        return ((self.inputs @ matrix.T) * self.outputs).sum((1, 2))

    def transposed_times(self, vector: Tensor) -> Tensor:
        """Sum over the rows of `vector` ``(rows,)`` times their gradients: ``(entries,)``."""
        outputs = self.outputs * vector[:, None, None]
        return (outputs.flatten(0, 1).T @ self.inputs.flatten(0, 1)).flatten()[self.free]

    def _matrix(self, vector: Tensor) -> Tensor:
        """The weight tensor ``(k, n)`` whose free entries are `vector`, zero elsewhere."""
        k, n = self.outputs.shape[-1], self.inputs.shape[-1]
        return vector.new_zeros(k * n).index_put((self.free,), vector).view(k, n)
