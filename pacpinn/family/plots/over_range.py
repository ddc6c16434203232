"""Figures of a family refined over a range: estimated and true errors of answers, and solutions along the range."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pacpinn.family.plots import style
from pacpinn.family.queries import FamilyQueries
from pacpinn.reduced_basis.greedy import Refinement
from pacpinn.reduced_basis.reduced_model import Answer
from pacpinn.tasks.coefficient import Coefficients

_ESTIMATES = 61  # over one coefficient
_ESTIMATES_PER_AXIS = 12  # over two coefficients
_PER_ERROR = 4  # estimates to one true error: a reference may take long
_SOLUTIONS = (3, 4)  # rows and columns
_ABOVE: Any = {"loc": "lower center", "bbox_to_anchor": (0.5, 1), "ncols": 4, "frameon": False, "fontsize": 8}


def draw(family: FamilyQueries) -> dict[str, Figure]:
    """``"range"``, and for equations of one or two inputs ``"along"``; no figures of a family that was not refined."""
    if family.refinement is None or len(family) < 2:
        return {}
    figures = {"range": _estimates(family, family.refinement)}
    if len(family.problem.inputs) <= 2:
        figures["along"] = _solutions(family, next(iter(family.refinement.within)))
    return figures


def _estimates(family: FamilyQueries, refinement: Refinement) -> Figure:
    """How the largest estimate fell while members were added, and the estimate over the range."""
    figure = style.new_figure(3.8)
    left, right = figure.subplots(1, 2)
    rounds, names = refinement.rounds, list(refinement.within)
    left.semilogy([each.members for each in rounds], [each.estimate for each in rounds], "o-", color=style.BLUE)
    left.axhline(refinement.tolerance, **style.TOLERANCE)
    left.set(xlabel="members", ylabel="largest error over the range, estimated")
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(names) == 1:
        _over_one(right, family, refinement, names[0])
    else:
        _over_two(figure, right, family, names[0], names[1])
    _set_axis(right, "x", family, names[0])
    right.legend(**_ABOVE)
    style.tidy([left, right])
    return figure


def _over_one(axes: Axes, family: FamilyQueries, refinement: Refinement, name: str) -> None:
    answers = family.reduced_model.answer(_along(family, [name], _ESTIMATES))
    values = [each.coefficients[name] for each in answers]
    errors = _errors(family, answers[::_PER_ERROR])
    if errors:
        axes.plot(values[::_PER_ERROR], errors, "o", markersize=4, color=style.ORANGE, label="error")
    axes.plot(values, [each.error_estimate for each in answers], color=style.BLUE, label="estimate")
    members = [c[name] for c in family]
    axes.plot(members, [0.02] * len(members), "k|", transform=axes.get_xaxis_transform(), label="members")
    axes.axhline(refinement.tolerance, **style.TOLERANCE, label="tolerance")
    axes.set(ylabel="relative error", yscale="log")


def _over_two(figure: Figure, axes: Axes, family: FamilyQueries, across: str, up: str) -> None:
    answers = family.reduced_model.answer(_along(family, [across, up], _ESTIMATES_PER_AXIS))
    estimates = np.array([each.error_estimate for each in answers])
    x, y = ([each.coefficients[name] for each in answers] for name in (across, up))
    colours = axes.scatter(x, y, c=estimates, norm=LogNorm(estimates.min(), estimates.max()), s=60, marker="s")
    axes.plot([c[across] for c in family], [c[up] for c in family], "kx", label="members")
    figure.colorbar(colours, ax=axes, label="estimate")
    _set_axis(axes, "y", family, up)


def _solutions(family: FamilyQueries, name: str) -> Figure:
    """The first output at coefficients along one range, the other coefficients in the middle of theirs."""
    rows, columns = _SOLUTIONS
    answers = family.reduced_model.answer(_along(family, [name], rows * columns))
    x = family.problem.task(**answers[0].coefficients).grid()  # type: ignore[attr-defined]
    fields = family.reduced_model.predict(answers, x)[..., 0]
    if len(family.problem.inputs) == 1:
        return _curves(family, name, answers, x, fields)
    figure = style.new_figure(1.9 * rows)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True)
    norm, shape = Normalize(fields.min(), fields.max()), [len(np.unique(column)) for column in x.T]
    for axes, answer, field in zip(panels.flat, answers, fields, strict=True):
        axes.pcolormesh(*(each.reshape(shape) for each in (*x.T, field)), norm=norm, rasterized=True)
        axes.set_title(f"{name} = {answer.coefficients[name]:.3g}, ±{answer.error_estimate:.0e}", fontsize=9)
    figure.colorbar(ScalarMappable(norm), ax=panels, label=family.problem.outputs[0], aspect=40, pad=0.01)
    style.label_outer(panels, *family.problem.inputs)
    return figure


def _curves(family: FamilyQueries, name: str, answers: Sequence[Answer], x: np.ndarray, fields: np.ndarray) -> Figure:
    figure, declared = style.new_figure(3.8), family.problem.coefficients[name]
    axes = figure.subplots()
    values = [each.coefficients[name] for each in answers]
    kind: Any = LogNorm if declared.scale == "log" else Normalize
    colours: Any = ScalarMappable(kind(min(values), max(values)))
    for value, field in zip(values, fields, strict=True):
        axes.plot(x[:, 0], field, color=colours.to_rgba(value), linewidth=1.5)
    figure.colorbar(colours, ax=axes, label=style.coefficient_label(name, declared.doc))
    axes.set(xlabel=family.problem.inputs[0], ylabel=family.problem.outputs[0])
    style.open_frame(axes)
    return figure


def _along(family: FamilyQueries, names: Sequence[str], count: int) -> list[Coefficients]:
    """A grid over the ranges of the named coefficients, the others in the middle of theirs."""
    assert family.refinement is not None
    box = family.problem.space.box(family.refinement.within)
    shown = box.box({name: box.within[name] for name in names})
    places = np.full((count ** len(names), len(box.within)), 0.5)
    places[:, [list(box.within).index(name) for name in names]] = shown.grid(count)
    return box.at(places, family.source.coefficients)


def _errors(family: FamilyQueries, answers: Sequence[Answer]) -> list[float]:
    """Relative L2 errors of answers on a grid; empty if the problem has no reference."""
    x = family.problem.task(**answers[0].coefficients).grid()  # type: ignore[attr-defined]
    errors = []
    for answer, values in zip(answers, family.reduced_model.predict(answers, x), strict=True):
        exact = family.problem.reference(x, answer.coefficients)  # type: ignore[attr-defined]
        if exact is None:
            return []
        errors.append(float(np.linalg.norm(values - exact) / np.linalg.norm(exact)))
    return errors


def _set_axis(axes: Axes, which: Literal["x", "y"], family: FamilyQueries, name: str) -> None:
    declared = family.problem.coefficients[name]
    axes.set(**{f"{which}label": style.coefficient_label(name, declared.doc), f"{which}scale": declared.scale})
    if declared.scale == "log":
        style.log_ticks(axes.xaxis if which == "x" else axes.yaxis)
