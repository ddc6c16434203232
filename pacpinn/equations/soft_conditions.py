"""Soft constraints: conditions as residuals, in place of a transform that satisfies them exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pacpinn.equations.collocation import Points
from pacpinn.equations.deepxde_equation import GivenEquation
from pacpinn.equations.equation import Equation, as_variant
from pacpinn.errors import PacpinnError
from pacpinn.runtime.user_code import place_of
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem

_INSIDE = 8  # points inside the domain for one on the boundary, and for one at the initial time


class SoftEquation(Equation):
    """An equation without its transform; made by :func:`soft`."""


def soft(problem: Problem) -> SoftEquation:
    """The problem with its conditions as residuals (soft constraints) in place of its transform (hard constraints).

    The solution then satisfies the conditions as accurately as they are solved, not exactly. With a transform no loss
    weights are needed between equation and conditions, and fewer points are enough. Soft conditions serve where no
    formula satisfies the conditions, where a transform makes the equation harder to learn, and for comparison.

    Raises:
        PacpinnError: if the problem is no equation, comes from a data object, or does not name the conditions that its
            transform satisfies.

    Example:
        >>> family = pp.solve_family(pp.soft(pp.get_problem("burgers")))
    """
    if not isinstance(problem, Equation):
        raise PacpinnError(f"{problem.name} is no equation: it has no conditions that could be soft")
    if isinstance(problem, GivenEquation):
        raise PacpinnError(
            f"{problem.name} has its data object's conditions; add the soft ones there, and leave out the transform"
        )
    kind = type(problem)
    if kind.exact_conditions is Equation.exact_conditions:
        raise PacpinnError(
            f"{problem.name} names no condition that its transform satisfies; define exact_conditions(self, geometry, "
            f"c), which returns them as DeepXDE's{place_of(kind)}"
        )

    soft_points = problem.soft_points or _with_edges(problem)

    class Soft(kind, SoftEquation):  # type: ignore[misc, valid-type]
        points = soft_points
        transform = Equation.transform

        def conditions(self, geometry: Any, c: Coefficients) -> Sequence[Any]:
            return [*super().conditions(geometry, c), *super().exact_conditions(geometry, c)]

    return as_variant(problem, Soft)


def _with_edges(problem: Equation) -> Points:
    """The problem's points, with points on the boundary and at the initial time if it has none there."""
    points = problem.points
    count = 2 if len(problem.inputs) == 1 else max(1, points.domain // _INSIDE)
    return replace(points, boundary=points.boundary or count, initial=points.initial or count)
