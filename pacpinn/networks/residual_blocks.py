"""Residual blocks as one vector, and the vector's Jacobian from one backward pass for all blocks on disjoint rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from pacpinn.tasks.task import Block

_Gradients = TypeVar("_Gradients")
_Part = TypeVar("_Part")


def join_blocks(blocks: list[Block]) -> Tensor:
    """All residuals ``(k, m)``, scaled so that each target's sum of squares is its loss."""
    all_blocks = torch.cat([block.scaled for block in blocks], dim=-1)
    return all_blocks.view(-1, all_blocks.shape[-1])


def rowwise_jacobian(gradients: Callable[[Tensor, bool], Tensor], blocks: list[Block], targets: int) -> Tensor:
    """Jacobian ``(k, m, p)`` of the joined residuals of k `targets`.

    `gradients` is as in :func:`jacobian_parts`, and returns ``(targets * rows, p)``.
    """
    parts = jacobian_parts(blocks, lambda *total: gradients(*total).unflatten(0, (targets, -1)), _sums)
    return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]


def jacobian_parts(
    blocks: list[Block],
    gradients: Callable[[Tensor, bool], _Gradients],
    of_rows: Callable[[_Gradients, Tensor], _Part],
) -> list[_Part]:
    """The Jacobian's rows, block by block, from one backward pass for each group of blocks on disjoint rows.

    Every block states the rows that it depends on. A block in which a row occurs twice gives several parts, in order.

    Args:
        blocks: the residuals.
        gradients: given a total, and whether its graph is needed again, returns the per-row gradients of the total.
        of_rows: given these and a block's rows ``(n, any)``, returns the block's part of the Jacobian.
    """
    parts: dict[int, _Part] = {}
    blocks = [part for block in blocks for part in _without_repeated_rows(block)]
    groups = _disjoint_groups([_rows(block) for block in blocks])
    for group in groups:
        total = torch.stack([blocks[i].scaled.sum() for i in group]).sum()
        found = gradients(total, group is not groups[-1])
        parts |= {i: of_rows(found, _rows(blocks[i])) for i in group}
    return [parts[i] for i in range(len(blocks))]


def _rows(block: Block) -> Tensor:
    assert block.rows is not None
    return block.rows


def _sums(gradients: Tensor, rows: Tensor) -> Tensor:
    """Sums of the `gradients` ``(k, n, p)`` over the indices in each row of `rows` ``(m, any)``."""
    first, count = int(rows[0, 0]), len(rows)
    if rows.shape[1] == 1 and rows[:, 0].equal(torch.arange(first, first + count, device=rows.device)):
        return gradients[:, first : first + count]  # the usual case, without a copy
    return gradients[:, rows].sum(dim=2)


def _without_repeated_rows(block: Block) -> list[Block]:
    """The block, cut where a row occurs again."""
    block_rows = _rows(block)
    listed = block_rows.tolist()
    if len({i for row in listed for i in row}) == block_rows.numel():
        return [block]
    cuts, used = [0], set[int]()
    for i, row in enumerate(listed):
        if used.intersection(row):
            cuts.append(i)
            used = set()
        used.update(row)
    sizes = np.diff([*cuts, len(listed)]).tolist()
    pieces = zip(block.values.split(sizes, dim=-1), block_rows.split(sizes), sizes, strict=True)
    return [Block(block.name, values, rows, block.weight * size / len(listed)) for values, rows, size in pieces]


def _disjoint_groups(rows_of_blocks: list[Tensor]) -> list[list[int]]:
    """Indices of blocks, grouped so that no two blocks of a group depend on the same row."""
    groups: list[tuple[set[int], list[int]]] = []
    for i, indices in enumerate(rows_of_blocks):
        rows = set(indices.flatten().tolist())
        for used, members in groups:
            if not used & rows:
                used |= rows
                members.append(i)
                break
        else:
            groups.append((rows, [i]))
    return [members for _, members in groups]
