"""A family solved again from what its file says, and compared with it bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from pacpinn.family.family import Family
from pacpinn.family.progress import ProgressCallback, ignore
from pacpinn.family.solve import Plan
from pacpinn.runtime.isolation import alone
from pacpinn.tasks.coefficient import Coefficients


@dataclass(frozen=True)
class Comparison:
    """One member as it was solved and as it is solved again.

    Attributes:
        coefficients: which member.
        same: whether weights, status, steps and losses are the same to the last bit.
        difference: the largest difference of a weight; infinite if there are others, or the member is missing.
    """

    coefficients: Coefficients
    same: bool
    difference: float


def rerun(solved: Family, progress: ProgressCallback = ignore) -> Family:
    """Solve a family again: the same source, settings and requests in the same order.

    At equal versions, threads and processor the result is the same to the last bit (:func:`compared`).

    Raises:
        FamilyFileError: if the family does not know all that it was asked.
        PacpinnError: as :func:`pacpinn.solve_family`.
    """
    plan = Plan.again(solved)
    with alone():
        return plan.carry_out(plan.begin(progress), progress)


def compared(solved: Family, again: Family) -> Iterator[Comparison]:
    """Each member of `solved` with that of the same coefficients in `again`."""
    for c, one in solved.items():
        other = again.get(c)
        if other is None or other.base != one.base:
            yield Comparison(c, False, float("inf"))
            continue
        ours, theirs = (family.bases[one.base].masked.merge(each.z) for family, each in ((solved, one), (again, other)))
        same_course = (one.status, one.steps, one.history) == (other.status, other.steps, other.history)
        if ours.shape != theirs.shape:
            yield Comparison(c, False, float("inf"))
        else:
            yield Comparison(c, same_course and torch.equal(ours, theirs), float((ours - theirs).abs().max()))
