"""The transfers of the protocol: from which source to which target, with how many samples or points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_digits
from torch import nn

import pacpinn as pp
from pacpinn.problems import digits, friedman
from pacpinn.tasks.task import Task

EQUATIONS = ("ordinary equation", "partial equation")
KINDS = ("regression", "classification", *EQUATIONS)


@dataclass(frozen=True)
class Transfer:
    """One row of the protocol's table at one size.

    Attributes:
        name: for tables: the task, and the quantity that varies.
        kind: one of `KINDS`.
        problem: for a seed, the family to which source and target belong.
        target, source: their coefficients; for a seed, the target's.
        points: collocation points of the target; None for as many as the source's.
        head: a new head for a seed, if the target has other outputs.
        held_out: whether the target is used in the last run only.
    """

    name: str
    kind: str
    problem: Callable[[int], pp.Problem]
    target: Callable[[int], dict[str, float]]
    source: dict[str, float]
    points: int | None = None
    head: Callable[[int], nn.Module] | None = None
    held_out: bool = False

    def task(self, seed: int) -> Task:
        """The target's task, without a tolerance to stop at."""
        problem = self.problem(seed)
        if self.points is not None:
            problem = on_points(problem, self.points)
        return untold(problem.task(**self.target(seed)))


class Friedman2(pp.Regression):
    """Friedman #2 with drifted concepts: y = √((a1 x1)² + (a2 x2 x3 - a3 / (x2 x4))²) + noise, standardised.

    Inputs uniform on [0, 100] x [40 pi, 560 pi] x [0, 1] x [1, 11], given to the network on [0, 1]; the noise's
    standard deviation is a third of the concept's (Friedman 1991; scikit-learn's `make_friedman2`).
    """

    a1, a2, a3 = (pp.Coefficient(1.0, low=0.0, high=3.0, doc="amplitude of a term") for _ in range(3))
    samples = pp.Count(10_000, low=10, high=100_000, scale="log", doc="training samples")
    inputs, outputs = ("x1", "x2", "x3", "x4"), ("y",)
    mean, spread = 500.0, 380.0  # of y, about

    def __init__(self, data_seed: int = 0) -> None:
        self.data_seed = data_seed

    def data(self, c: pp.Coefficients) -> pp.Samples:
        concept = np.array([c.a1, c.a2, c.a3])
        rng = np.random.default_rng([self.data_seed, *concept.view(np.uint32)])
        low, high = np.array([0, 40 * np.pi, 0, 1]), np.array([100, 560 * np.pi, 1, 11])

        def draw(rows: int) -> tuple[np.ndarray, np.ndarray]:
            x = rng.random((rows, 4))
            x1, x2, x3, x4 = (low + (high - low) * x).T
            y = np.hypot(c.a1 * x1, c.a2 * x2 * x3 - c.a3 / (x2 * x4))
            return x, ((y - self.mean) / self.spread + rng.normal(size=rows) / 3)[:, None]

        x_test, y_test = draw(10_000)
        return pp.Samples(*draw(int(c.samples)), x_test, y_test)

    def network(self, seed: int) -> nn.Module:
        return nn.Sequential(nn.Linear(4, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, 1))


class DigitHalves(digits.Digits):
    """The digits 0 to 4, and 5 to 9 as another task with the labels 0 to 4."""

    upper = pp.Coefficient(0.0, low=0.0, high=1.0, doc="1 for the digits 5 to 9")
    outputs = tuple("01234")

    def data(self, c: pp.Coefficients) -> pp.Samples:
        images, labels = load_digits(return_X_y=True)
        ours = labels >= 5 if c.upper else labels < 5
        images, labels = images[ours].reshape(-1, 1, 8, 8) / 16, labels[ours] % 5
        order = digits.deal(labels, self.data_seed)
        train, test = order[: min(int(c.samples), len(order) // 2)], order[len(order) // 2 :]
        return pp.Samples(images[train], labels[train], images[test], labels[test])

    def network(self, seed: int) -> nn.Module:
        *layers, head = super().network(seed)
        return nn.Sequential(*layers, nn.Linear(head.in_features, 5))


class CorruptedDigits(digits.Digits):
    """The digits with noise (1), blur (2) or lost pixels (3)."""

    corruption = pp.Coefficient(0.0, low=0.0, high=3.0, doc="0 none, 1 noise, 2 blur, 3 lost pixels")

    def data(self, c: pp.Coefficients) -> pp.Samples:
        clean = super().data(c)
        return replace(clean, x_train=self.corrupted(clean.x_train, c, 0), x_test=self.corrupted(clean.x_test, c, 1))

    def corrupted(self, images: np.ndarray, c: pp.Coefficients, part: int) -> np.ndarray:
        rng = np.random.default_rng([self.data_seed, part])
        if c.corruption == 1:
            return images + 0.3 * rng.normal(size=images.shape)
        if c.corruption == 2:
            return gaussian_filter(images, sigma=(0, 0, 1, 1))
        return images * (rng.random(images.shape) > 0.4) if c.corruption == 3 else images


def on_points(problem: pp.Problem, count: int) -> pp.Problem:
    """An equation on other collocation points inside the domain."""
    kind: Any = type(problem)
    return type(kind.__name__, (kind,), {"points": replace(kind.points, domain=count)})()


def untold(task: Task) -> Task:
    """Without a tolerance to stop at."""
    task.tolerance = None
    return task


def seeded(kind: Callable[..., pp.Problem]) -> Callable[[int], pp.Problem]:
    return lambda seed: kind(data_seed=seed)


def head_of_five(seed: int) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Linear(128, 5)


def concept(seed: int) -> dict[str, float]:
    """A concept of Friedman #1 at drift 1."""
    return friedman.draw_concepts(count=1, drift=1, samples=10, seed=1000 + seed)[0]


def concept2(seed: int) -> dict[str, float]:
    draws = np.random.default_rng(2000 + seed).normal(1.0, 0.2, size=3).round(3)
    return dict(zip(("a1", "a2", "a3"), draws.tolist(), strict=True))


def transfers() -> list[Transfer]:
    """All rows of the protocol's table."""
    rows = []
    for size in (10, 100, 1000):
        rows += [
            Transfer(
                f"friedman, {size}",
                "regression",
                lambda seed: friedman.Friedman(data_seed=seed, test_samples=10_000),
                lambda seed, size=size: concept(seed) | {"samples": size},
                {},
            ),
            Transfer(
                f"friedman 2, {size}",
                "regression",
                seeded(Friedman2),
                lambda seed, size=size: concept2(seed) | {"samples": size},
                {},
                held_out=True,
            ),
        ]
    for size in (30, 100):
        rows.append(fixed(f"digits turned by 60, {size}", digits.Digits, angle=60.0, samples=size))
    for number, word in enumerate(("noise", "blur", "lost pixels"), 1):
        held = fixed(f"digits under {word}, 30", CorruptedDigits, corruption=number, samples=30)
        rows.append(replace(held, held_out=True))
    for size in (25, 100):
        halves = fixed(f"digits 5 to 9, {size}", DigitHalves, upper=1.0, samples=size)
        rows.append(replace(halves, head=head_of_five))
    for damping in (1.0, 4.0):
        rows.append(equation("oscillator", 256, "ordinary equation", {"damping": damping}))
    for damping in (0.1, 2.0):
        rows.append(replace(equation("pendulum", 384, "ordinary equation", {"damping": damping}), held_out=True))
    for few in (None, 64):
        rows.append(equation("burgers", 512, "partial equation", {"nu": 0.02}, few=few))
        held = equation("klein_gordon", 512, "partial equation", {"gamma": 8.0}, {"gamma": 1.0}, few)
        rows.append(replace(held, held_out=True))
    return rows


def fixed(name: str, kind: Callable[..., pp.Problem], **target: float) -> Transfer:
    return Transfer(name, "classification", seeded(kind), lambda seed: target, {})


def equation(
    name: str,
    points: int,
    kind: str,
    target: dict[str, float],
    source: dict[str, float] | None = None,
    few: int | None = None,
) -> Transfer:
    """A transfer between two of the library's equations; the target may have `few` points."""
    values = ", ".join(f"{key} {value:g}" for key, value in target.items())
    return Transfer(
        f"{name}, {values}, {few or points} points",
        kind,
        lambda seed: on_points(pp.get_problem(name), points),
        lambda seed: target,
        source or {},
        few,
    )
