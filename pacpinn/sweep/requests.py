"""Requests: what a family is asked to solve; enough to resume after an interruption, and to solve it all again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from pacpinn.continuation.settings import TreeShape
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.parameter_space import Range


class TargetRequest(Struct, frozen=True, tag="targets"):
    """A list of targets.

    Attributes:
        targets: in the order in which they were given, which decides ties in the tree along which they are solved.
        begun: the number of members before this request.
        batch: how many targets are solved at once.
        tree: ``"chain"``, each target from its nearest neighbour; or ``"spine"``, a few first, the others from those.
            None: a chain, unless targets are solved in batches.
    """

    targets: Sequence[Coefficients]
    begun: int
    batch: int = 1
    tree: TreeShape | None = None

    @property
    def in_chain(self) -> bool:
        return (self.tree or ("chain" if self.batch == 1 else "spine")) == "chain"

    def other_than(self, source: Coefficients) -> list[Coefficients]:
        """Coefficients at which a family could start in place of its source: the targets."""
        return list(self.targets)

    @property
    def what(self) -> Any:
        """What was asked for, without what the family had before: two runs are the same if this is."""
        return list(self.targets)

    def __str__(self) -> str:
        first, last = self.targets[0], self.targets[-1]
        return f"{len(self.targets)} targets ({first} to {last})" if len(self.targets) > 1 else f"the target {first}"


class RangeRequest(Struct, frozen=True, tag="span"):
    """A range of coefficients, in which the family chooses its own targets.

    Attributes:
        within: the ends of each coefficient's range.
        tolerance: the relative error asked for.
        members: the largest number of members.
        begun: the number of members before this request.
    """

    within: Range
    tolerance: float
    members: int
    begun: int

    def other_than(self, source: Coefficients) -> list[Coefficients]:
        """Coefficients at which a family could start in place of its source: with one of them at an end."""
        ends = [Coefficients(**{**source, name: end}) for name, both in self.within.items() for end in both]
        return [c for c in ends if c != source]

    @property
    def what(self) -> Any:
        return {name: tuple(ends) for name, ends in self.within.items()}, self.tolerance, self.members

    def __str__(self) -> str:
        ends = ", ".join(f"{name}={low:g}:{high:g}" for name, (low, high) in self.within.items())
        return f"the range {ends} to {self.tolerance:g} with {self.members} members"


Request = TargetRequest | RangeRequest
