"""Estimators, and data to learn, shared by the tests of both."""

from __future__ import annotations

import numpy as np
import pytest

import pacpinn as pp

QUICK = {"hidden": (24,), "steps": 60, "learning_rate": 0.03, "random_state": 0, "prior": 1.0}
RNG = np.random.default_rng(0)
X, X_FEW = RNG.normal(size=(200, 3)), RNG.normal(size=(40, 3))


def values(x: np.ndarray, shift: float = 0.0) -> np.ndarray:
    """A smooth function, far from zero mean and unit spread."""
    return 100 + 20 * np.sin(x[:, 0] + shift) + 10 * x[:, 1]


def names(x: np.ndarray, shift: float = 0.0) -> np.ndarray:
    """Three classes by name."""
    return np.array(["cat", "dog", "emu"])[np.digitize(x[:, 0] + x[:, 1] + shift, [-0.7, 0.7])]


def regressor(**settings) -> pp.PACRegressor:
    return pp.PACRegressor(**{**QUICK, "steps": 150, **settings})


def classifier(**settings) -> pp.PACClassifier:
    return pp.PACClassifier(**{**QUICK, "prior": 0.1, **settings})


KINDS = {"regressor": (regressor, values), "classifier": (classifier, names)}
each_kind = pytest.mark.parametrize(("make", "answers"), KINDS.values(), ids=KINDS)


def others(x: np.ndarray) -> np.ndarray:
    """Four classes that the source has not."""
    return np.array(["asp", "bee", "cod", "hen"])[np.digitize(x[:, 0] - x[:, 1], [-1, 0, 1])]


def pairs(x: np.ndarray) -> np.ndarray:
    """Two outputs far from the source's one."""
    return np.stack([values(x) - 1000, 1e-3 * x[:, 0]], axis=1)


HEADS = {"regressor": (regressor, values, pairs), "classifier": (classifier, names, others)}
each_head = pytest.mark.parametrize(("make", "answers", "other"), HEADS.values(), ids=HEADS)
