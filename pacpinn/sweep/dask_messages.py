"""What travels between this process and the workers of a Dask cluster.

What all steps share is sent once. A step takes along the free weights of two members for each target, and brings the
targets' free weights back. A base travels without its network module, which the shared context has.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

import cloudpickle
from torch import Tensor

from pacpinn.continuation.solution import Base, Solution, SolutionOnBase
from pacpinn.continuation.step_control import StepResult
from pacpinn.errors import WorkersError
from pacpinn.sweep.tree_step import StartPoint, StepContext, TargetStart
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem
from pacpinn.tasks.registry import installed_problems

_INSTALLED = {"pacpinn", "torch", "numpy", "deepxde", "builtins", "abc", "typing"}  # packages that workers have


class SentContext(NamedTuple):
    """A step context, pickled, with a digest by which a worker recognises one that it has unpickled before."""

    digest: str
    pickled: bytes


class SentBase(NamedTuple):
    """A base without its network module."""

    coefficients: Coefficients
    weights: Tensor
    free: Tensor


class SentStart(NamedTuple):
    """A target and the point from which it starts. Indices of bases count the context's, then those of the step."""

    target: Coefficients
    start: Solution
    before: Solution | None
    base: int
    grown: tuple[int, ...]


class SentStep(NamedTuple):
    """The targets of a step, and the bases that they need besides the context's."""

    bases: list[SentBase]
    starts: list[SentStart]


class SentResult(NamedTuple):
    """A target's solution, and the bases grown for it."""

    solution: Solution
    grown: list[SentBase]


def pack_context(context: StepContext) -> SentContext:
    """The context, with the user's own code in it, which workers do not have.

    Raises:
        WorkersError: if the problem cannot be pickled.
    """
    try:
        with _pickled_by_value(context.problem):
            pickled = cloudpickle.dumps(context)
    except Exception as problem:
        raise WorkersError(
            f"the problem {context.problem.name} cannot be sent to workers ({type(problem).__name__}: {problem}); open "
            "files, locks and connections must be made where they are used"
        ) from problem
    return SentContext(hashlib.sha256(pickled).hexdigest(), pickled)


@contextmanager
def _pickled_by_value(problem: Problem) -> Iterator[None]:
    """A block in which the modules that define a problem are pickled with it, unless workers have them installed."""
    own = [*type(problem).__mro__, *vars(problem).values()]
    names = {str(getattr(each, "__module__", None)) for each in own} - set(installed_problems().values())
    modules = [sys.modules[name] for name in names if name in sys.modules and name.split(".")[0] not in _INSTALLED]
    new = [each for each in modules if each.__name__ not in cloudpickle.list_registry_pickle_by_value()]
    for each in new:
        cloudpickle.register_pickle_by_value(each)
    try:
        yield
    finally:
        for each in new:
            cloudpickle.unregister_pickle_by_value(each)


def pack_step(context: StepContext, starts: Sequence[TargetStart]) -> SentStep:
    """A step as it travels to a worker."""
    new = dict.fromkeys(base for point, _ in starts for base in point.grown)
    index = {base: k for k, base in enumerate([*context.bases, *new])}
    sent = [
        SentStart(
            target,
            without_history(point.start.solution),
            None if point.before is None else without_history(point.before.solution),
            index[point.start.base],
            tuple(index[base] for base in point.grown),
        )
        for point, target in starts
    ]
    return SentStep([_pack_base(base) for base in new], sent)


def unpack_step(context: StepContext, sent: SentStep) -> list[TargetStart]:
    """A step as a worker takes it; a point's `before` is on the same base as its start."""
    bases = [*context.bases, *(_unpack_base(context, each) for each in sent.bases)]
    starts = []
    for target, start, before, index, grown in sent.starts:
        base = bases[index]
        second = None if before is None else SolutionOnBase(before, base)
        starts.append((StartPoint(SolutionOnBase(start, base), second, tuple(bases[k] for k in grown)), target))
    return starts


def pack_result(result: StepResult) -> SentResult:
    """A result as it travels back."""
    return SentResult(result.found.solution, [_pack_base(base) for base in result.grown])


def unpack_result(context: StepContext, point: StartPoint, sent: SentResult) -> StepResult:
    """The result of a target that started at `point`."""
    grown = tuple(_unpack_base(context, each) for each in sent.grown)
    return StepResult(SolutionOnBase(sent.solution, grown[-1] if grown else point.start.base), grown)


def without_history(solution: Solution) -> Solution:
    """A solution to start from: without the losses of its own solve."""
    return replace(solution, history=[])


def _pack_base(base: Base) -> SentBase:
    return SentBase(base.coefficients, base.masked.weights, base.masked.free)


def _unpack_base(context: StepContext, sent: SentBase) -> Base:
    return Base(context.bases[0].masked.with_mask(sent.free, True, sent.weights), sent.coefficients)
