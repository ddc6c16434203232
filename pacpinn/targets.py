"""Targets as a user gives them, checked, and each of them once."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pacpinn.coefficient import Coefficients
from pacpinn.errors import CoefficientError
from pacpinn.problem import Problem

log = logging.getLogger(__name__)

Values = Mapping[str, Any]


def distinct(
    problem: Problem, targets: Iterable[Values], source: Coefficients, known: Sequence[Coefficients]
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
    there = np.array([list(each.values()) for each in [*known, *checked]])
    for k, target in enumerate(checked, len(known)):
        near = np.isclose(there[:k], there[k], rtol=1e-8, atol=1e-300).all(axis=1).nonzero()[0]  # few, or none
        others = [known[i] if i < len(known) else checked[i - len(known)] for i in near.tolist()]
        if any(target.close_to(other) for other in others):
            log.warning("%s is there already: left out of the targets", target)
        else:
            new.append(target)
    return new
