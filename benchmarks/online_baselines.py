"""Methods to answer between a family's members with which `online.py` compares the reduced basis."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

import classical
import pacpinn as pp
from pacpinn.reduced_basis.reduced_model import ReducedModel
from pacpinn.reduced_basis.reduced_residual import ReducedResidual
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.parameter_space import Range
from report import Report

SOME = 10  # coefficients, for slow methods
STEPS, RATE = 5000, 0.02  # of gradient descent


class Scores:
    """Relative L2 errors on a regular grid; references are computed once."""

    def __init__(self, problem: Any, cs: Sequence[Coefficients]) -> None:
        self.problem, self.cs = problem, list(cs)
        self.x, _ = problem.task().reference_on_grid()
        self.exact = [problem.reference(self.x, c) for c in cs]

    def of(self, values: Sequence[np.ndarray]) -> list[float]:
        """Of values at the first coefficients."""
        pairs = zip(values, self.exact, strict=False)
        return [float(np.linalg.norm(found - exact) / np.linalg.norm(exact)) for found, exact in pairs]


def timed(action: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds that a function takes, and its result."""
    began = time.perf_counter()
    found = action()
    return 1000 * (time.perf_counter() - began), found


def add(
    report: Report, name: str, way: str, members: int, c: Coefficients, ms: float, error: float, answer: Any = None
) -> None:
    report.rows.append(
        {
            "problem": name,
            "way": way,
            "members": members,
            "target": str(c),
            "ms": ms,
            "error": error if math.isfinite(error) else None,
            "residual": None if answer is None else answer.residual,
            "estimate": None if answer is None else answer.error_estimate,
        }
    )


def by_weights(report: Report, name: str, online: ReducedModel, score: Scores) -> None:
    """Baselines that choose the weights of the same members by other methods."""
    ways: dict[str, tuple[int, Callable[[Coefficients], Tensor]]] = {
        "nearest member": (len(score.cs), partial(nearest, online)),
        "interpolation": (len(score.cs), partial(interpolated, online)),
        "interpolated answers": (len(score.cs), partial(interpolated_answers, online)),
        "gradient descent": (SOME // 2, partial(descended, online, on_weights(online))),
    }
    for way, (count, weigh) in ways.items():
        asked = [timed(partial(weigh, c)) for c in score.cs[:count]]
        answers = [
            pp.Answer(c, "reduced basis", 0.0, 0.0, online, weights)
            for c, (_, weights) in zip(score.cs, asked, strict=False)
        ]
        errors = score.of(online.predict(answers, score.x))
        for c, (milliseconds, _), error in zip(score.cs, asked, errors, strict=False):
            add(report, name, way, len(online.members), c, milliseconds, error)


def nearest(online: ReducedModel, c: Coefficients) -> Tensor:
    members = [each.coefficients for each in online.members]
    near = min(range(len(members)), key=lambda i: online.equation.space.distance(members[i], c))
    return torch.eye(len(members), dtype=torch.float64)[near]


def interpolated(online: ReducedModel, c: Coefficients) -> Tensor:
    return online.basis.weights(online.solver.between_members([c]))[0]


def interpolated_answers(online: ReducedModel, c: Coefficients) -> Tensor:
    """Between answers solved beforehand: where the reduced basis starts from."""
    return online.basis.weights(online.solver.start([c]))[0]


def descended(online: ReducedModel, equation: ReducedResidual, c: Coefficients) -> Tensor:
    """As GPT-PINN: plain gradient descent on the mean square residual, by the members' weights."""
    weights = interpolated(online, c)[None]
    for _ in range(STEPS):
        residuals, jacobian = equation.linearise([c], weights)
        weights = weights - 2 * RATE * (jacobian.mT @ residuals[..., None])[..., 0]
    return weights[0]


def on_weights(online: ReducedModel) -> ReducedResidual:
    """The equation on all points; its unknowns are the weights of the members themselves: no mean, then each member."""
    count = len(online.members)
    plain = torch.cat([torch.zeros(count, 1), torch.eye(count)], dim=1).to(torch.float64)
    return online.snapshots.on_training(plain)


def by_solving(report: Report, name: str, family: pp.Family, score: Scores) -> None:
    """Calibration from the nearest member, and the last layer of the source's network."""
    targets = [dict(c) for c in score.cs[:SOME]]
    longer = pp.Family(family.problem, family.bases, family.values(), family.settings)
    longer.extend(targets)
    source = dict(family.source.coefficients)
    last = pp.solve_family(family.problem, source, targets, method="last-layer", halvings=0)
    for way, solved, members in (("calibration", longer, len(family)), ("last layer", last, 1)):
        errors = score.of([solved.predict(score.x, **each) for each in targets])
        for c, error in zip(score.cs, errors, strict=False):
            add(report, name, way, members, c, 1000 * solved[c].seconds, error)


def by_one_network(report: Report, name: str, within: Range, score: Scores) -> None:
    """The parametric network, which needs no solve: its milliseconds are those of the training per query."""
    solver = pp.LevenbergMarquardt(max_steps=150)
    corners = [dict(zip(within, ends, strict=True)) for ends in zip(*within.values(), strict=True)]
    targets = [dict(c) for c in score.cs[:SOME]]
    family = pp.solve_family(score.problem, targets=[*corners, *targets], method="parametric", solver=solver)
    report.add(problem=name, way="parametric, training", members=0, ms=1000 * family.source.seconds)
    errors = score.of([family.predict(score.x, **each) for each in targets])
    for c, error in zip(score.cs, errors, strict=False):
        add(report, name, "parametric", 0, c, 1000 * family[c].seconds, error)


def by_a_classical_solver(report: Report, name: str, score: Scores) -> None:
    classical.solve(score.problem.name, score.cs[0], classical.RESOLUTIONS[0])  # the first call loads SciPy's libraries
    for c in score.cs[:SOME]:
        for resolution in classical.RESOLUTIONS:
            seconds, error = classical.solve(score.problem.name, c, resolution)
            add(report, name, f"classical, {resolution}", 0, c, 1000 * seconds, error)
