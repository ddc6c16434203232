"""A Jacobian that is never formed whole: kept as the factors of its rows' gradients, for networks of linear layers.

Of ``(m, p)`` numbers, 1.6 GB for 4,096 residuals of a 4 x 128 network, it keeps what went into and came out of each
layer: ``m`` times a few layer widths, 130 MB. Products with vectors need no more; ``J W Jᵀ`` is summed over blocks of
columns that exist one at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from pacpinn.rowwise import Factors

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
