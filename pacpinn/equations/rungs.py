"""What a cold start of an equation may try when it misses its tolerance, from the cheapest on."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch

from pacpinn.equations.curriculum import Horizon
from pacpinn.runtime.deepxde_backend import dde
from pacpinn.tasks.problem import Rung

if TYPE_CHECKING:
    from pacpinn.equations.equation import Equation

_WARM_UP = 500  # steps of Adam
_HORIZONS = tuple(k / 8 for k in range(1, 8))
_POINTS = 2  # times as many
_WIDTH = 1.5  # times as wide


def rungs_of(equation: Equation) -> Iterator[Rung]:
    """Another first network, soft conditions first, a warm-up, growing horizons if there is time, more points, and a
    wider network.

    Each is made when it is asked for.
    """
    if _is_drawn(equation):
        yield Rung("another first network", equation, seed=1)
    if not equation.conditions_first and equation.build(equation.source).conditions():
        yield Rung("conditions first", _changed(equation, conditions_first=True))
    if not equation.warm_up:
        yield Rung("a warm-up by Adam", _changed(equation, warm_up=_WARM_UP))
    if not equation.horizons and _evolves(equation):
        yield Rung("growing horizons", _changed(equation, horizons=_HORIZONS))
    if equation.draws_points:
        more = equation.points.times(_POINTS)
        yield Rung("more points", _changed(equation, points=more), more_points=True)
        if equation.has_default_network:
            wider = tuple(round(_WIDTH * each) for each in equation.hidden)
            wider_too = _changed(equation, hidden=wider, points=more)
            yield Rung("a wider network and more points", wider_too, same_network=False, more_points=True)


def _is_drawn(equation: Equation) -> bool:
    """Whether the first network differs with the seed, which a given one does not."""
    first, other = (equation.initial_network(seed).state_dict().values() for seed in (0, 1))
    return not all(map(torch.equal, first, other))


def _changed(equation: Equation, **attributes: Any) -> Equation:
    """A copy of the equation with other class attributes."""
    other = copy.copy(equation)
    vars(other).update(attributes)
    return other


def _evolves(equation: Equation) -> bool:
    """Whether the equation has time, and all conditions hold from its beginning on: none at the final time alone."""
    geometry = equation.geometry(equation.source)
    if not isinstance(geometry, dde.geometry.GeometryXTime | dde.geometry.TimeDomain):
        return False
    first = equation.build(equation.source).at_stage(Horizon(_HORIZONS[0]))
    return all(first.everything().counts)
