"""Step control: from a solved coefficient to a target by as many calibrations, and new bases, as it takes.

Natural continuation with adaptive steps (Allgower & Georg 2003, section 6).
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from pacpinn.continuation.calibration import PathSegment, calibrate
from pacpinn.continuation.effort import Effort
from pacpinn.continuation.escalation import GAIN, solve_cold
from pacpinn.continuation.family_methods import FAMILY_METHODS, build_base
from pacpinn.continuation.settings import StepContext
from pacpinn.continuation.singular_points import find_ahead, with_crossed
from pacpinn.continuation.solution import Base, Solution, SolutionOnBase
from pacpinn.runtime.isolation import untouched
from pacpinn.solvers.base import Report, Result, Status, silent
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.transfer.pruning import kept_share

_NEARLY = 10  # times its tolerance: an error so small shows that the step was not too long
_SEEN = 0.1  # times the tolerance: a residual on the training points so far below the error is solved there alone


class StepResult(NamedTuple):
    """A target's solution on its base, and the bases that were grown for it: if any were, it builds on the last."""

    found: SolutionOnBase
    grown: tuple[Base, ...] = ()


def continue_to(context: StepContext, segment: PathSegment, report: Report = silent) -> StepResult:
    """Solve a segment's target: a pure function, one step along the tree of targets.

    The whole segment is tried first. A step that misses its tolerance by far is halved, and one that succeeds is
    followed by one of twice its length. Where an equation's error falls, but not quite to its tolerance, or no
    shorter step is left to try, the frozen weights no longer fit: a new base is grown at the last solved coefficients,
    and the continuation goes on from there, unless there are as many bases as the settings allow.

    The steps and seconds of the solution count everything that was tried. It names the singular point that the path
    crosses, or that kept the target from being solved.
    """
    solve_target = FAMILY_METHODS[context.settings.method].solve_target
    if solve_target is None:
        return _Continuation(context, segment, report).result()
    task = context.task(segment.target)
    return StepResult(SolutionOnBase.of(task, context.bases[0], solve_target(context, task, report), parent=None))


class _Continuation:
    """The state of the continuation along one segment, whose length counts as 1."""

    def __init__(self, context: StepContext, segment: PathSegment, report: Report) -> None:
        self.context, self.segment, self.report = context, segment, report
        self.current, self.before = segment.start, segment.before  # the last two solutions, on the same base
        self.done, self.stride = 0.0, 1.0  # shares of the segment: up to the current solution, and of the next step
        self.grown: list[Base] = []
        self.trials: list[SolutionOnBase] = []  # whether they converged or not
        self.allocations: list[Result] = []  # of the grown bases

    def result(self) -> StepResult:
        """Continue to the target. If it cannot be solved, the result is the best trial without a new base."""
        if self._reach_target():
            self.trials[-1] = with_crossed(self.context, self.segment, self.trials[-1])
            singular = self.trials[-1].solution.singular
        else:
            solved = [each for each in self.trials if each.solved]
            singular = find_ahead(self.context, self.segment, solved, self.done + self.stride)
            self.grown = []  # a new base that has not helped is not kept
        best = self._best_trial()
        solves: list[Solution | Result] = [*(each.solution for each in self.trials), *self.allocations]
        solution = replace(
            best.solution,
            steps=sum(each.steps for each in solves),
            seconds=sum(each.seconds for each in solves),
            parent=self._parent,
            reached=None if best.solved else self.current.coefficients,
            singular=singular,
        )
        return StepResult(SolutionOnBase(solution, best.base), tuple(self.grown))

    @property
    def _parent(self) -> Coefficients | None:
        """The member from which the target starts; None if that is what the base solves at the target itself."""
        start = self.segment.start.coefficients
        return None if start == self.segment.target else start

    def _reach_target(self) -> bool:
        """Take steps until the target is solved, or there is nothing left to try."""
        while True:
            trial = calibrate(self.context, PathSegment(self.current, self._goal, self.before), self.report)
            self.trials.append(trial)
            if trial.solved:
                if self._at_target:
                    return True
                self.before, self.current = self.current, trial
                self.done += self.stride
                self.stride = min(2 * self.stride, 1 - self.done)
            elif self._is_limited(trial):
                return False
            elif self._needs_base(trial):
                self._grow_base()
            elif self._can_halve(trial):
                self.stride /= 2
            else:
                return self._start_anew(trial)

    def _is_limited(self, trial: SolutionOnBase) -> bool:
        """Whether the statement limits how accurate solutions are, and the trial is about as accurate as its start."""
        start, limits = self.segment.start, self.context.problem.limits_accuracy
        return not start.solved and GAIN * trial.solution.excess <= start.solution.excess and limits(trial.coefficients)

    @property
    def _at_target(self) -> bool:
        return self.done + self.stride >= 1

    @property
    def _goal(self) -> Coefficients:
        return self.segment.target if self._at_target else self._at(self.done + self.stride)

    def _at(self, share: float) -> Coefficients:
        return self.context.problem.space.between(self.segment.start.coefficients, self.segment.target, share)

    def _can_halve(self, trial: SolutionOnBase) -> bool:
        """Whether a step half as long is allowed, leads to other coefficients, and may help."""
        middle = self._at(self.done + self.stride / 2)
        distinct = not (middle.close_to(self.current.coefficients) or middle.close_to(self._goal))
        return distinct and self.stride > 0.5**self.context.settings.halvings and not _overfitted(trial.solution)

    @property
    def _known_bases(self) -> list[Base]:
        return [*self.context.bases, *self.segment.grown, *self.grown]

    @property
    def _may_grow(self) -> bool:
        settings = self.context.settings
        return FAMILY_METHODS[settings.method].grows_bases and len(self._known_bases) < settings.bases

    def _needs_base(self, trial: SolutionOnBase) -> bool:
        """Whether the frozen weights are what keeps an equation from being solved, and another base is allowed."""
        same_again = self.current.coefficients in [each.coefficients for each in self._known_bases]
        if trial.solution.tolerance is None or not self._may_grow or same_again:
            return False
        return trial.solution.excess <= _NEARLY or not self._can_halve(trial)

    def _grow_base(self) -> None:
        """Prune the current solution's network, allocate it at its coefficients, and go on from that base."""
        coefficients, masked = self.current.coefficients, self.current.base.masked
        network = masked.with_mask(None, False, masked.merge(self.current.solution.z))
        settings = self.context.settings
        share = round(kept_share(masked, settings.always_kept, settings.always_free), 2)  # more may be kept than asked
        with untouched():
            task = self.context.task(coefficients)
            keeping = replace(settings, keep=max(settings.keep, share))
            allocated, results = build_base(network, task, keeping, self.report)
        base = Base(allocated, coefficients)
        self.grown.append(base)
        self.allocations += results
        self.before = None
        self.current = SolutionOnBase(replace(self.current.solution, z=allocated.start), base)
        self.stride = 1 - self.done

    def _start_anew(self, trial: SolutionOnBase) -> bool:
        """Solve the target from a fresh network, pruned and allocated as a base of its own; whether it is solved."""
        context, target = self.context, self.segment.target
        self.grown = []  # those on the way have not helped, and leave their places
        effort = Effort.of(context.settings.effort)
        if trial.solution.error_estimate is None or not self._may_grow or effort.used_up(()):
            return False
        with untouched():
            alike = (each for each in context.problem.rungs() if each.same_network)
            start = solve_cold(context.problem, target, context.settings, alike, self.report)
            self.allocations.append(start.result)
            if not start.solved:
                return False
            allocated, results = build_base(start.masked, start.task, context.settings, self.report)
            result = replace(results[-1], z=allocated.start)
        base = Base(allocated, target)
        self.grown = [base]
        self.trials.append(SolutionOnBase.of(context.task(target), base, result, parent=None))
        return self.trials[-1].solved

    def _best_trial(self) -> SolutionOnBase:
        """Of the trials at the target, on bases that are kept, the solved one; else that with the least error."""
        kept = [self.segment.start.base, *self.grown]
        return min(
            (each for each in self.trials if each.coefficients == self.segment.target and each.base in kept),
            key=lambda each: (not each.solved, each.solution.excess),
        )


def _overfitted(solution: Solution) -> bool:
    """Whether an equation is solved on its training points alone: no shorter step would help."""
    if solution.status is not Status.STALLED or solution.tolerance is None:
        return False
    return bool(solution.history) and solution.history[-1] <= (_SEEN * solution.tolerance) ** 2
