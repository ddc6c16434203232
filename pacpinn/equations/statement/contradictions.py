"""Initial and boundary values that do not fit together: the solution jumps where the boundary meets the start."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pacpinn.equations.collocation import named_point
from pacpinn.equations.statement.prescribed import prescribed_values
from pacpinn.runtime.deepxde_backend import dde
from pacpinn.runtime.isolation import untouched
from pacpinn.tasks.coefficient import Coefficients

if TYPE_CHECKING:
    from pacpinn.equations.equation import Equation

log = logging.getLogger(__name__)

_POINTS = 128  # of the boundary at the initial time
_DIFFERENCE = 1e-2  # of the output's variation


class Contradiction(NamedTuple):
    """The values that an initial condition and a Dirichlet condition prescribe at one point ``(inputs,)``."""

    at_start: float
    at_side: float
    x: np.ndarray


def warn_of_contradictions(problem: Equation, c: Coefficients) -> None:
    """Warn where an initial condition and a Dirichlet condition prescribe different values of one output."""
    for each in contradictions(problem, c):
        log.warning(
            "%s at %s: the initial condition prescribes %.6g and the boundary condition %.6g at %s. The solution jumps "
            "there, and its error near this point does not fall: let the boundary value change over a short time, or "
            "ask for a larger tolerance",
            problem.name,
            c,
            each.at_start,
            each.at_side,
            named_point(problem.inputs, each.x),
        )


def contradictions(problem: Equation, c: Coefficients) -> Iterator[Contradiction]:
    """For each initial condition and each Dirichlet condition of one output, where they differ most, if they do."""
    geometry = problem.geometry(c)
    if not isinstance(geometry, dde.geometry.GeometryXTime):
        return
    with untouched(0):
        edge = geometry.geometry.random_boundary_points(_POINTS)
    x = np.hstack([edge, np.full((len(edge), 1), geometry.timedomain.t0)])
    conditions = problem.new_conditions(c)
    starts = [each for each in conditions if isinstance(each, dde.icbc.IC)]
    sides = [each for each in conditions if type(each) is dde.icbc.DirichletBC]
    for start in starts:
        for side in sides:
            if start.component == side.component:
                found = _farthest_apart(x, start, side)
                variation = float(problem.sizes_at(c).variation[start.component])
                if abs(found.at_start - found.at_side) > _DIFFERENCE * variation:
                    yield found


def _farthest_apart(x: np.ndarray, start: Any, side: Any) -> Contradiction:
    """Where two conditions differ most, of the points `x` ``(rows, inputs)`` at which both hold."""
    common = np.array(side.on_boundary(x, np.ones(len(x), dtype=bool)), dtype=bool)
    at_start, at_side = _values(start, x), _values(side, x)
    k = int(np.where(common, np.abs(at_start - at_side), 0.0).argmax())
    return Contradiction(at_start[k], at_side[k] if common[k] else at_start[k], x[k])


def _values(condition: Any, x: np.ndarray) -> np.ndarray:
    """The values ``(rows,)`` that a condition prescribes."""
    return np.broadcast_to(np.ravel(np.asarray(prescribed_values(condition, x, 0, len(x)))), (len(x),))
