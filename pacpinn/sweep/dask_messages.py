"""What travels between this process and the workers of a Dask cluster.

What all steps share, the context, is sent once. A step takes two members' free weights along for each target, and
brings the targets' free weights back. Both are pickled against the context: its bases travel as their indices, further
bases without their network module, which is that of the context's bases.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import cloudpickle
from torch import Tensor

from pacpinn.continuation.calibration import PathSegment
from pacpinn.continuation.settings import StepContext
from pacpinn.continuation.solution import Base, Solution, SolutionOnBase
from pacpinn.continuation.step_control import StepResult
from pacpinn.errors import WorkersError
from pacpinn.tasks.coefficient import Coefficients
from pacpinn.tasks.problem import Problem
from pacpinn.tasks.registry import installed_problems

_INSTALLED = {"pacpinn", "torch", "numpy", "deepxde", "builtins", "abc", "typing"}  # packages that workers have


def pack_context(context: StepContext) -> bytes:
    """The context, with the user's own code in it, which workers do not have."""
    try:
        with _pickled_by_value(context.problem):
            return cloudpickle.dumps(context)
    except Exception as problem:
        raise WorkersError(
            f"the problem {context.problem.name} cannot be sent to workers ({type(problem).__name__}: {problem}); open "
            "files, locks and connections must be made where they are used"
        ) from problem


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


def pack_step(context: StepContext, segments: Sequence[PathSegment]) -> bytes:
    """The segments of a step, without the losses of earlier solves."""

    def light(member: SolutionOnBase) -> SolutionOnBase:
        return member._replace(solution=without_history(member.solution))

    lighter = [each._replace(start=light(each.start), before=each.before and light(each.before)) for each in segments]
    return dumps(context, lighter)


def pack_results(context: StepContext, results: Sequence[StepResult]) -> bytes:
    """The results of a step: solutions, and the bases grown for them."""
    return dumps(context, [(each.found.solution, each.grown) for each in results])


def unpack_results(context: StepContext, segments: Sequence[PathSegment], pickled: bytes) -> list[StepResult]:
    """The results of a step. A solution builds on the last base grown for it, or on that of its segment's start."""
    return [
        StepResult(SolutionOnBase(solution, grown[-1] if grown else segment.start.base), grown)
        for segment, (solution, grown) in zip(segments, loads(context, pickled), strict=True)
    ]


def without_history(solution: Solution) -> Solution:
    """A solution without the losses of its own solve."""
    return replace(solution, history=[])


def dumps(context: StepContext, value: Any) -> bytes:
    """Pickle `value` for a process that has the context."""
    file = io.BytesIO()
    _Pickler(file, context).dump(value)
    return file.getvalue()


def loads(context: StepContext, pickled: bytes) -> Any:
    """Unpickle what another process with the same context has pickled."""
    return _Unpickler(io.BytesIO(pickled), context).load()


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, context: StepContext) -> None:
        super().__init__(file)
        self._first, self._index = context.bases[0], {base: k for k, base in enumerate(context.bases)}

    def persistent_id(self, value: Any) -> int | None:
        return self._index.get(value) if isinstance(value, Base) else None

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, Base):
            return _base_like, (self._first, value.coefficients, value.masked.weights, value.masked.free)
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, context: StepContext) -> None:
        super().__init__(file)
        self._bases = context.bases

    def persistent_load(self, index: Any) -> Base:
        return self._bases[index]


def _base_like(first: Base, coefficients: Coefficients, weights: Tensor, free: Tensor) -> Base:
    return Base(first.masked.with_mask(free, True, weights), coefficients)
