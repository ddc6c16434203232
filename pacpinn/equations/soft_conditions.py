"""Soft conditions: an equation's exact conditions as residuals, in place of the transform that meets them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pacpinn.equations.collocation import Points
from pacpinn.equations.deepxde_equation import GivenEquation
from pacpinn.equations.equation import Equation
from pacpinn.errors import PacpinnError
from pacpinn.runtime.user_code import place_of
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem

_SHARE = 8  # of as many points inside one lies on the boundary, and one at the start


class SoftEquation(Equation):
    """An equation without its transform; made by :func:`soft`."""


def soft(problem: Problem) -> SoftEquation:
    """The problem with its conditions as residuals, which are met as well as they are solved, not exactly.

    A transform is the better choice where one is to be had: nothing is left to be weighed against the equation, and
    fewer points do. Soft conditions serve where no formula meets them, and to compare.

    Raises:
        PacpinnError: if the problem is no equation, comes from a data object, or does not name the conditions that its
            transform makes exact.

    Example:
        >>> family = pp.solve_family(pp.soft(pp.get_problem("burgers")))
    """
    if not isinstance(problem, Equation):
        raise PacpinnError(f"{problem.name} is no equation: it has no conditions to be made soft")
    kind = type(problem)
    if isinstance(problem, GivenEquation):
        raise PacpinnError(f"{problem.name} has the conditions of its data object: add them there, and no transform")
    if kind.exact_conditions is Equation.exact_conditions:
        raise PacpinnError(
            f"{problem.name} names no condition that its transform makes exact; define exact_conditions(self, "
            f"geometry, c), which gives them as DeepXDE's{place_of(kind)}"
        )

    class Soft(kind, SoftEquation):  # type: ignore[misc, valid-type]
        transform = Equation.transform

        def conditions(self, geometry: Any, c: Coefficients) -> Sequence[Any]:
            return [*super().conditions(geometry, c), *super().exact_conditions(geometry, c)]

        @property
        def name(self) -> str:
            return problem.name

    Soft.__module__, Soft.points = kind.__module__, problem.soft_points or _with_edges(problem)
    other: Any = copy.copy(problem)
    other.__class__ = Soft
    return other


def _with_edges(problem: Equation) -> Points:
    """The problem's points, with some on the boundary and at the start where there were none."""
    points = problem.points
    some = 2 if len(problem.inputs) == 1 else max(1, points.domain // _SHARE)
    return replace(points, boundary=points.boundary or some, initial=points.initial or some)
