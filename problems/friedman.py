"""Regression: Friedman #1 with concepts that drift."""

from __future__ import annotations

import numpy as np
from torch import nn

import pacpinn as pp


def draw_concepts(count: int, drift: float, samples: int, seed: int) -> list[dict[str, float]]:
    """Coefficients of random concepts: a, b ~ N(1, 0.1 drift), c ~ N(0, 0.05 drift), after Pardoe & Stone 2010."""
    names = ["a1", "a2", "a3", "a4", "b1", "b2", "b3", "b4", "b5", "c1", "c2", "c3", "c4", "c5"]
    means, spreads = np.array([1.0] * 9 + [0.0] * 5), np.array([0.1] * 9 + [0.05] * 5)
    draws = np.random.default_rng(seed).normal(means, drift * spreads, size=(count, 14)).round(3)
    return [{**dict(zip(names, each, strict=True)), "samples": samples} for each in draws.tolist()]


def friedman1(x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
    """The noise-free concept f at `x` ``(rows, 10)``: ``(rows, 1)``."""
    z1, z2, z3, z4, z5 = (c[f"b{i}"] * x[:, [i - 1]] + c[f"c{i}"] for i in range(1, 6))
    return 10 * c.a1 * np.sin(np.pi * z1 * z2) + 20 * c.a2 * (z3 - 0.5) ** 2 + 10 * c.a3 * z4 + 5 * c.a4 * z5


class Friedman(pp.Regression):
    """Friedman #1 with concept coefficients: y = f(x) + N(0, 1), x uniform on [0, 1]^10, of which five inputs matter.

    f(x) = 10 a1 sin(pi (b1 x1 + c1)(b2 x2 + c2)) + 20 a2 (b3 x3 + c3 - 0.5)^2 + 10 a3 (b4 x4 + c4) + 5 a4 (b5 x5 + c5)

    Sources: Friedman, "Multivariate adaptive regression splines", Annals of Statistics 19 (1991), where a = b = 1 and
    c = 0; Pardoe & Stone, "Boosting for regression transfer", ICML 2010, for the concepts. No model can have an RMSE
    below that of the noise, 1.

    Args:
        data_seed: seed of the samples; each concept draws its own.
        test_samples: number of test samples.
    """

    a1, a2, a3, a4 = (pp.Coefficient(1.0, low=0.0, high=2.0, doc="amplitude of a term") for _ in range(4))
    b1, b2, b3, b4, b5 = (pp.Coefficient(1.0, low=0.0, high=2.0, doc="slope of an input") for _ in range(5))
    c1, c2, c3, c4, c5 = (pp.Coefficient(0.0, low=-0.5, high=0.5, doc="shift of an input") for _ in range(5))
    samples = pp.Count(10_000, low=10, high=100_000, scale="log", doc="training samples")
    targets = draw_concepts(count=5, drift=1, samples=50, seed=0)
    inputs = tuple(f"x{i}" for i in range(1, 11))
    outputs = ("y",)
    prior = 200.0

    def __init__(self, data_seed: int = 0, test_samples: int = 5_000) -> None:
        self.data_seed, self.test_samples = data_seed, test_samples

    def data(self, c: pp.Coefficients) -> pp.Samples:
        concept = np.array([value for name, value in c.items() if name != "samples"])
        # Seeded by the bits of the coefficients: each concept has its own samples, always the same.
        rng = np.random.default_rng([self.data_seed, *concept.view(np.uint32)])

        def draw(rows: int) -> tuple[np.ndarray, np.ndarray]:
            x = rng.random((rows, 10))
            return x, friedman1(x, c) + rng.normal(size=(rows, 1))

        x_test, y_test = draw(self.test_samples)
        x_train, y_train = draw(int(c.samples))
        return pp.Samples(x_train, y_train, x_test, y_test)

    def network(self, seed: int) -> nn.Module:
        """Two hidden layers of 100 rectified units; the last layer is fixed and sets mean and spread of y."""
        scale = nn.Linear(1, 1).requires_grad_(False)
        nn.init.constant_(scale.weight, 5.0)
        nn.init.constant_(scale.bias, 14.0)
        return nn.Sequential(nn.Linear(10, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, 1), scale)
