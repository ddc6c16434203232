"""Targets as a user gives them: checked, and equal ones taken once."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pacpinn.errors import CoefficientError
from pacpinn.tasks.coefficient import CoefficientIndex, Coefficients
from pacpinn.tasks.problem import Problem

log = logging.getLogger(__name__)

CoefficientValues = Mapping[str, Any]


def distinct(
    problem: Problem, targets: Iterable[CoefficientValues], source: Coefficients, known: Sequence[Coefficients]
) -> list[Coefficients]:
    """Checked targets, of equal ones the first, without those that are `known` already.

    Raises:
        CoefficientError: if there are none, or one is not a mapping of this problem's coefficients.
    """
    if isinstance(targets, Mapping):
        raise CoefficientError(f"targets={targets} is one mapping; expected a list of them, such as [{targets}]")
    checked = [problem.at(values, base=source) for values in targets]
    if not checked:
        raise CoefficientError(
            f"no targets given for {problem.name}; expected at least one, such as "
            + ", ".join(f"{name}={each.default:g}" for name, each in list(problem.coefficients.items())[:1])
        )
    new, index = [], CoefficientIndex(known)
    for c in checked:
        if index.find(c) is None:
            new.append(c)
        else:
            log.warning("%s is there already: left out of the targets", c)
        index.add(c)
    return new
