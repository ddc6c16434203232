"""What a run is to solve: problem, source, settings and requests, checked before any work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pacpinn.continuation.settings import Settings
from pacpinn.equations.dry_run import dry_run
from pacpinn.equations.equation import Equation, require_equation
from pacpinn.equations.parametric import parametric
from pacpinn.family.file import provenance
from pacpinn.family.file.schema import RunSpec
from pacpinn.family.targets import CoefficientValues, distinct
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.reduced_basis.greedy import OF_TOLERANCE, require_two
from pacpinn.runtime.isolation import untouched
from pacpinn.runtime.user_code import naming_user_code
from pacpinn.solvers.choice import get_solver
from pacpinn.sweep.requests import RangeRequest, Request, TargetRequest
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.parameter_space import Range, spanned
from pacpinn.tasks.problem import Problem
from pacpinn.tasks.registry import get_problem
from pacpinn.transfer.pruning import kept_weights


@dataclass(frozen=True)
class Plan:
    """What is to be solved, and how.

    Attributes:
        problem: the problem; of the method ``"parametric"`` with the coefficients as inputs.
        stated: the problem as it was given.
        source: the source's coefficients.
        requests: the targets, the range, or both.
    """

    problem: Problem
    stated: Problem
    source: Coefficients
    settings: Settings
    requests: Sequence[Request]

    @classmethod
    def of(
        cls,
        problem: Problem | str | Path,
        source: CoefficientValues | None,
        targets: Iterable[CoefficientValues] | None,
        within: Range | None,
        members: int,
        settings: Settings,
    ) -> Plan:
        """The plan of what :func:`solve_family` was given; raises as it does."""
        stated = problem if isinstance(problem, Problem) else get_problem(problem)
        at_source = stated.at(source or {})
        if targets is None and within is None:
            targets = stated.targets
        new = [] if targets is None else distinct(stated, targets, at_source, known=[at_source])
        requests: list[Request] = [TargetRequest(tuple(new), 1, tree=settings.tree)] if new else []
        if within is not None:
            request = _range_request(stated, within, members, settings, begun=1 + len(new))
            requests.append(request)
            within, settings = request.within, replace(settings, tolerance=OF_TOLERANCE * request.tolerance)
        solved = stated
        if settings.method == "parametric":
            solved = parametric(stated, within or spanned([at_source, *new]))
        return cls(solved, stated, at_source, settings, requests)

    @property
    def run_spec(self) -> RunSpec:
        """The plan as a family file holds it."""
        return provenance.run_spec(self.problem, self.source, self.settings, self.requests)

    def check(self) -> None:
        """Find bad settings before any work; raises as :func:`solve_family`."""
        settings = self.settings
        with untouched(settings.seed), naming_user_code(type(self.stated), self.stated.name):
            task = settings.task(self.problem, self.source)
            if settings.method == "pac":
                network = MaskedNetwork(self.problem.initial_network(settings.seed))
                kept_weights(network, settings.keep, settings.criterion, settings.always_kept, settings.always_free)
            get_solver(settings.solver, task)
            if isinstance(self.stated, Equation):
                dry_run(self.stated, self.source)


def _range_request(problem: Problem, within: Range, members: int, settings: Settings, begun: int) -> RangeRequest:
    require_two(members)
    equation = require_equation(problem)
    return RangeRequest(equation.checked_range(within), settings.tolerance or equation.tolerance, members, begun)
