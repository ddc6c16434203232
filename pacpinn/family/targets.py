"""Targets as a user gives them, checked, and each of them once."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pacpinn.errors import CoefficientError
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem

log = logging.getLogger(__name__)

CoefficientValues = Mapping[str, Any]


def distinct(
    problem: Problem, targets: Iterable[CoefficientValues], source: Coefficients, known: Sequence[Coefficients]
) -> list[Coefficients]:
    """Checked targets, each once, without those that are solved already."""
    if isinstance(targets, Mapping):
        raise CoefficientError(f"targets={targets} is one mapping; expected a list of them, such as [{targets}]")
    checked = [problem.at(values, base=source) for values in targets]
    if not checked:
        raise CoefficientError(
            f"no targets given for {problem.name}; expected at least one, such as "
            + ", ".join(f"{name}={each.default:g}" for name, each in list(problem.coefficients.items())[:1])
        )
    new: list[Coefficients] = []
    alike: dict[tuple[int, ...], list[Coefficients]] = defaultdict(list)
    for k, (each, group) in enumerate(zip([*known, *checked], _groups([*known, *checked]), strict=True)):
        if k >= len(known):
            if any(each.close_to(other) for other in alike[group]):
                log.warning("%s is there already: left out of the targets", each)
            else:
                new.append(each)
        alike[group].append(each)
    return new


def _groups(cs: Sequence[Coefficients]) -> list[tuple[int, ...]]:
    """To which group each belongs: those that are close to each other are in the same, and few others."""
    return list(zip(*(_clusters(np.array([c[name] for c in cs])) for name in cs[0]), strict=True))


def _clusters(values: np.ndarray) -> list[int]:
    """To which cluster each value belongs: neighbours closer than ten times what passes for equal are in one."""
    order = values.argsort()
    gaps = ~np.isclose(values[order[1:]], values[order[:-1]], rtol=1e-8, atol=1e-300)
    clusters = np.empty(len(values), dtype=int)
    clusters[order] = np.concatenate([[0], gaps.cumsum()])
    return clusters.tolist()
