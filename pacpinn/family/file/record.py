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
    """The state of a family; for the fields see :class:`pacpinn.Family`, which is a record with methods."""

    problem: Problem
    bases: Sequence[Base]
    solutions: Collection[Solution]
    settings: Settings
    refinement: Refinement | None = None
    requests: Sequence[Request] = ()
    finished: bool = True

    def __post_init__(self) -> None:
        self.bases, self.requests = list(self.bases), list(self.requests)
