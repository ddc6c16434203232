"""Sizes at which the terms of a system of equations balance, from how its residual blocks respond to its outputs."""

from __future__ import annotations

import numpy as np

_FALLBACK = 1e-2  # of an offset: the size of an output that nothing drives
_FLOOR = 1e-6  # of an offset: the least size, far above rounding
_ROUNDING = 1e-12  # relative: what is so small is rounding


def balance(
    response: np.ndarray, drive: np.ndarray, known: np.ndarray, offset: np.ndarray, stated: np.ndarray
) -> np.ndarray:
    """Sizes ``(outputs,)`` at which the terms of each residual block balance.

    Args:
        response: of each block to a change of each output by 1, ``(blocks, outputs)``.
        drive: of each block, ``(blocks,)``: its residual where the solution is its offset.
        known: sizes that conditions prescribe, ``(outputs,)``; NaN for the others.
        offset: of each output, ``(outputs,)``.
        stated: whether the user states the size of each output, ``(outputs,)``, which then stays as it is known.
    """
    size = known.copy()
    for _ in range(len(size)):  # outputs that were unknown may help to find others
        size = _largest_balanced(response, drive, size, known, offset)
    unknown = ~np.isfinite(size)
    size[unknown] = np.where(offset[unknown] == 0, 1.0, _FALLBACK * np.abs(offset[unknown]))
    size = np.where(stated, size, np.maximum(size, _FLOOR * np.abs(offset)))
    return _driven(response, drive, size, stated)


def _largest_balanced(
    response: np.ndarray, drive: np.ndarray, size: np.ndarray, known: np.ndarray, offset: np.ndarray
) -> np.ndarray:
    """The largest size of each unknown output at which no block has a term of it that nothing else balances."""
    found = size.copy()
    terms = response * np.nan_to_num(size)
    for k in np.flatnonzero(np.isnan(known)):
        others = np.maximum(drive, np.delete(terms, k, axis=1).max(axis=1, initial=0.0))
        counts = (response[:, k] > 0) & (others > _ROUNDING * response[:, k] * abs(offset[k])) & (others > 0)
        if counts.any():
            found[k] = (others[counts] / response[counts, k]).min()
    return found


def _driven(response: np.ndarray, drive: np.ndarray, size: np.ndarray, stated: np.ndarray) -> np.ndarray:
    """Sizes raised until in every block some term is as large as its drive; where most is missing, first."""
    size = size.copy()
    for _ in drive:
        terms = response * size
        free = np.where(stated, 0.0, terms)
        answered = free.max(axis=1) > 0
        missing = np.divide(drive, terms.max(axis=1), out=np.zeros_like(drive), where=answered)
        b = int(missing.argmax())
        if not missing[b] > 1:
            break
        k = int(free[b].argmax())
        size[k] *= drive[b] / free[b, k]
    return size


def root_mean_square(values: np.ndarray, axis: int) -> np.ndarray:
    """Root mean square along an axis, taken in units of the largest value, so that squares do not overflow."""
    largest = np.abs(values).max(axis=axis, keepdims=True)
    unit = np.where((largest > 0) & (largest < np.inf), largest, 1.0)
    return np.squeeze(unit * np.sqrt(np.mean(np.square(values / unit), axis=axis, keepdims=True)), axis=axis)
