"""Blocks of residuals as one vector, and its Jacobian from one backward pass for all blocks on disjoint rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from pacpinn.tasks.task import Block

_Kept = TypeVar("_Kept")
_Part = TypeVar("_Part")


def join_blocks(blocks: list[Block]) -> Tensor:
    """All residuals ``(k, m)``, scaled so that each target's sum of squares is its loss."""
    all_blocks = torch.cat([block.scaled for block in blocks], dim=-1)
    return all_blocks.view(-1, all_blocks.shape[-1])


def rowwise_jacobian(columns: Callable[[Tensor, bool], Tensor], blocks: list[Block], targets: int) -> Tensor:
    """Jacobian ``(k, m, p)`` of the joined residuals.

    Args:
        columns: gives of a total, and whether its graph is needed again, each row's part of its gradient,
            ``(targets * rows, p)``.
        blocks: the residuals, each with the rows that it depends on.
        targets: k.
    """

    def by_target(total: Tensor, retain_graph: bool) -> Tensor:
        return columns(total, retain_graph).unflatten(0, (targets, -1))

    parts = of_blocks(blocks, by_target, _sums)
    return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]


def of_blocks(
    blocks: list[Block], gradients: Callable[[Tensor, bool], _Kept], of_rows: Callable[[_Kept, Tensor], _Part]
) -> list[_Part]:
    """What `of_rows` takes for each block from the `gradients`: one backward pass for each group on disjoint rows.

    A block that depends on a row twice gives several parts, in its own order.
    """
    parts: dict[int, _Part] = {}
    blocks = [part for block in blocks for part in _rows_once(block)]
    groups = _disjoint_groups(blocks)
    for group in groups:
        total = torch.stack([blocks[i].scaled.sum() for i in group]).sum()
        found = gradients(total, group is not groups[-1])
        for i in group:
            rows = blocks[i].rows
            assert rows is not None
            parts[i] = of_rows(found, rows)
    return [parts[i] for i in range(len(blocks))]


def _sums(columns: Tensor, rows: Tensor) -> Tensor:
    """Sums of the `columns` ``(k, n, p)`` over each row of indices in `rows` ``(m, any)``."""
    first, count = int(rows[0, 0]), len(rows)
    if rows.shape[1] == 1 and rows[:, 0].equal(torch.arange(first, first + count, device=rows.device)):
        return columns[:, first : first + count]  # the usual case, without a copy
    return columns[:, rows].sum(dim=2)


def _rows_once(block: Block) -> list[Block]:
    """The block, cut where a row comes again."""
    assert block.rows is not None
    listed = block.rows.tolist()
    if len({i for row in listed for i in row}) == block.rows.numel():
        return [block]
    cuts, taken = [0], set[int]()
    for i, row in enumerate(listed):
        if taken.intersection(row):
            cuts.append(i)
            taken = set()
        taken.update(row)
    sizes = np.diff([*cuts, len(listed)]).tolist()
    pieces = zip(block.values.split(sizes, dim=-1), block.rows.split(sizes), sizes, strict=True)
    return [Block(block.name, values, rows, block.weight * size / len(listed)) for values, rows, size in pieces]


def _disjoint_groups(blocks: list[Block]) -> list[list[int]]:
    """Indices of blocks, grouped so that no two blocks of a group depend on the same row."""
    groups: list[tuple[set[int], list[int]]] = []
    for i, block in enumerate(blocks):
        assert block.rows is not None
        rows = set(block.rows.flatten().tolist())
        for taken, members in groups:
            if not taken & rows:
                taken |= rows
                members.append(i)
                break
        else:
            groups.append((rows, [i]))
    return [members for _, members in groups]
