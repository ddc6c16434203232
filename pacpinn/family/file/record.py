"""The state of a family: what its file holds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pacpinn.continuation.settings import Settings
from pacpinn.continuation.solution import Base, Solution
from pacpinn.reduced_basis.greedy import Refinement
from pacpinn.sweep.requests import Request
from pacpinn.tasks.problem import Problem


@dataclass(eq=False)
class Record:
    """The state of a family.

    Args:
        problem: the problem whose tasks the members solve.
        bases: the pruned and allocated networks on which members build.
        solutions: the source, then the targets.
        settings: how the members were solved, and how further ones will be.
        refinement: of a family refined over a range: the range, the tolerance and the rounds so far.
        requests: what the family was asked to solve, in order.
        finished: whether all requests were carried out.
    """

    problem: Problem
    bases: Sequence[Base]
    solutions: Collection[Solution]
    settings: Settings
    refinement: Refinement | None = None
    requests: Sequence[Request] = ()
    finished: bool = True

    def __post_init__(self) -> None:
        self.bases, self.requests = list(self.bases), list(self.requests)
