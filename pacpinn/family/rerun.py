"""A family solved again from what its file holds, and compared bit for bit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from pacpinn.errors import FamilyFileError
from pacpinn.family.family import Family
from pacpinn.family.plan import Plan
from pacpinn.family.progress import ProgressCallback, ignore
from pacpinn.family.solve import carry_out
from pacpinn.family.source import solve_source
from pacpinn.runtime.isolation import alone
from pacpinn.tasks.coefficient import Coefficients


@dataclass(frozen=True)
class Comparison:
    """A member compared with the member at the same coefficients of the family that was solved again.

    Attributes:
        same: whether weights, status, steps and losses are the same to the last bit.
        difference: the largest difference of a weight; infinite if the members have other weights, or one is missing.
    """

    coefficients: Coefficients
    same: bool
    difference: float


def rerun(family: Family, progress: ProgressCallback = ignore) -> Family:
    """Solve a family again: the same source, settings and requests in the same order.

    At equal versions, threads and processor the result is the same to the last bit (:func:`compared`).

    Raises:
        FamilyFileError: if the family does not hold all its requests.
    """
    begun = family.requests[0].begun if family.requests else len(family)
    if begun != 1:
        raise FamilyFileError(
            f"this family of {family.problem.name} does not say how it came about: it is of an earlier version, or "
            "was interrupted and then extended otherwise; solve it anew"
        )
    with alone():
        plan = Plan(family.problem, family.source.coefficients, family.settings, family.requests)
        again = solve_source(plan, progress)
        return carry_out(family.requests, again, progress)


def compared(family: Family, again: Family) -> Iterator[Comparison]:
    """Compare each member of `family` with the member of `again` at the same coefficients."""
    for c, member in family.items():
        other, same, difference = again.get(c), False, math.inf
        if other is not None and other.base == member.base:
            weights = family.bases[member.base].masked.merge(member.z)
            others = again.bases[other.base].masked.merge(other.z)
            if weights.shape == others.shape:
                same = (member.status, member.steps, member.history) == (other.status, other.steps, other.history)
                same = same and torch.equal(weights, others)
                difference = float((weights - others).abs().max())
        yield Comparison(c, same, difference)
