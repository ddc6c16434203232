"""Points where a solution is steepest: a network may leave the equation in a layer that random points seldom meet."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_STEP = 1e-4  # of the width of the candidates' box: length of a difference

Solution = Callable[[np.ndarray], np.ndarray]  # points (rows, inputs) to values (rows, outputs)


def steepest(solution: Solution, candidates: np.ndarray, count: int) -> np.ndarray:
    """The `count` of the candidates ``(rows, inputs)`` where an output changes fastest, relative to its variation."""
    low, high = candidates.min(axis=0), candidates.max(axis=0)
    middle, step = (low + high) / 2, _STEP * (high - low)
    moved = [candidates]
    for axis, length in enumerate(step):
        ahead = candidates.copy()
        ahead[:, axis] += np.where(candidates[:, axis] < middle[axis], length, -length)
        moved.append(ahead)
    values, *ahead_values = np.split(solution(np.concatenate(moved)), len(moved))
    changes = np.max(np.abs(np.stack(ahead_values) - values), axis=0) / np.maximum(values.std(axis=0), _tiny(values))
    return candidates[np.argsort(-changes.max(axis=1), kind="stable")[:count]]


def _tiny(values: np.ndarray) -> np.ndarray:
    return np.maximum(1e-9 * np.abs(values).max(axis=0), np.finfo(float).tiny)
