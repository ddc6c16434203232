"""Why an equation is not solved: which residual is left, where, what was tried, and what to try."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from pacpinn.equations.collocation import named_point
from pacpinn.equations.equation_task import EquationTask
from pacpinn.equations.kinetics import Kinetics
from pacpinn.tasks.task import Block, Forward

_FRESH_SEED = 3
_GROWTH = 5.0  # of a small change over the time interval, as a power of e
_DECAY = 1e3  # rates that are so many times the inverse of the time interval


def diagnosis(task: EquationTask, forward: Forward, tried: Sequence[str], left: Sequence[str]) -> str:
    """Three lines about a solution that missed its tolerance: what is left, what was tried, what to try.

    `tried` and `left` name the tries after the first, and those for which no effort was left.
    """
    return "\n".join([_what_is_left(task, forward), _what_was_tried(tried, left), f"to try: {_advice(task, forward)}"])


def _what_is_left(task: EquationTask, forward: Forward) -> str:
    batch = task.fresh(_FRESH_SEED)
    blocks = task.residuals(forward, batch)
    sizes = [float(block.values.detach().square().mean().sqrt()) for block in blocks]
    order = np.argsort(np.nan_to_num(sizes, nan=np.inf))[::-1]
    worst, others = blocks[order[0]], order[1:]
    beside = f", next is {blocks[others[0]].name} with {sizes[others[0]]:.1e}" if len(others) else ""
    return f"largest is {worst.name}, {sizes[order[0]]:.1e} of its size{_where(task, worst, batch.points)}{beside}"


def _where(task: EquationTask, block: Block, points: np.ndarray) -> str:
    if block.rows is None:
        return ""
    row = int(torch.nan_to_num(block.values.detach().abs(), nan=torch.inf).flatten().argmax())
    return f", most at {named_point(task.equation.inputs, points[int(block.rows[row, 0])])}"


def _what_was_tried(tried: Sequence[str], left: Sequence[str]) -> str:
    done = f"tried besides: {', '.join(tried)}" if tried else "tried: one first network"
    return f"{done}; not tried, as the effort is used up: {', '.join(left)}" if left else done


def _advice(task: EquationTask, forward: Forward) -> str:
    if task.equation.limits_accuracy(task.coefficients):
        return (
            "initial and boundary values contradict each other, which no effort makes good: let the boundary value "
            "change over a short time, or ask for a larger tolerance"
        )
    kinetics = Kinetics.of(task, forward)
    if kinetics is not None and kinetics.decay > _DECAY:
        return (
            f"the system is stiff: it has rates of {kinetics.decay:.0e} per time interval. Solve it over shorter "
            "intervals, or in logarithmic time with the fast outputs replaced by their steady state"
        )
    if kinetics is not None and kinetics.growth > _GROWTH:
        return (
            f"a small change grows by about e^{kinetics.growth:.0f} over the time interval. State growing outputs by "
            "their logarithm, u = exp(v), give their final size, as in sizes = {'u': 5e5}, or solve in windows of time"
        )
    return "more points, a wider network (hidden), a larger tolerance or effort; or a source where it is easier"
