"""Figures of a family refined over a range: how the estimate fell, estimate and error over it, solutions along it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from pacpinn.family.plots.style import BLUE, ORANGE, WIDTH
from pacpinn.reduced_basis.reduced_model import Answer
from pacpinn.tasks.coefficient import Coefficients

if TYPE_CHECKING:
    from pacpinn.family.queries import FamilyQueries

_ALONG = 61  # coefficients at which the estimate is shown, along one
_EACH = 4  # of them at which the error is: references take their time
_ACROSS = 12  # along each of two
_SHOWN = (3, 4)  # rows and columns of solutions
_ABOVE: Any = {"loc": "lower center", "bbox_to_anchor": (0.5, 1), "ncols": 4, "frameon": False, "fontsize": 8}


def draw(family: FamilyQueries) -> dict[str, Figure]:
    """``"range"``, and for equations of one or two inputs ``"along"``; nothing of a family that was not refined."""
    if family.refinement is None or len(family) < 2:
        return {}
    names = list(family.refinement.within)
    drawn = {"range": _estimates(family, names)}
    if len(family.problem.inputs) <= 2:
        drawn["along"] = _solutions(family, names[0])
    return drawn


def _estimates(family: FamilyQueries, names: Sequence[str]) -> Figure:
    refinement = family.refinement
    assert refinement is not None
    figure = Figure((WIDTH, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.semilogy(
        [each.members for each in refinement.rounds], [each.estimate for each in refinement.rounds], "o-", color=BLUE
    )
    left.axhline(refinement.tolerance, color="grey", linestyle=(0, (4, 3)), linewidth=1)
    left.set(xlabel="members", ylabel="largest error over the range, estimated")
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(names) == 1:
        _over_one(right, family, names[0])
    else:
        _over_two(figure, right, family, names[0], names[1])
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25, linewidth=0.6)
    return figure


def _over_one(axes: Axes, family: FamilyQueries, name: str) -> None:
    """Estimate and, with a reference, error between the members, which stand on the lower edge."""
    answers = family.reduced_model.answer(_along(family, [name], _ALONG))
    values = [each.coefficients[name] for each in answers]
    errors = _errors(family, answers[::_EACH])
    if errors:
        axes.plot(values[::_EACH], errors, "o", markersize=4, color=ORANGE, label="error")
    axes.plot(values, [each.error_estimate for each in answers], color=BLUE, label="estimate")
    members = [c[name] for c in family]
    axes.plot(members, [0.02] * len(members), "k|", transform=axes.get_xaxis_transform(), label="members")
    assert family.refinement is not None
    axes.axhline(family.refinement.tolerance, color="grey", linestyle=(0, (4, 3)), linewidth=1, label="tolerance")
    axes.set(ylabel="relative error", yscale="log")
    axes.set(xlabel=_label(family, name), xscale=_scale(family, name))
    _ticks(axes.xaxis, family, name)
    axes.legend(**_ABOVE)


def _over_two(figure: Figure, axes: Axes, family: FamilyQueries, across: str, up: str) -> None:
    """The estimate as colours, the members as points."""
    answers = family.reduced_model.answer(_along(family, [across, up], _ACROSS))
    estimates = np.array([each.error_estimate for each in answers])
    x, y = ([each.coefficients[name] for each in answers] for name in (across, up))
    colours = axes.scatter(x, y, c=estimates, norm=LogNorm(estimates.min(), estimates.max()), s=60, marker="s")
    axes.plot([c[across] for c in family], [c[up] for c in family], "kx", label="members")
    figure.colorbar(colours, ax=axes, label="estimate")
    axes.set(xlabel=_label(family, across), ylabel=_label(family, up))
    axes.set(xscale=_scale(family, across), yscale=_scale(family, up))
    _ticks(axes.xaxis, family, across)
    _ticks(axes.yaxis, family, up)
    axes.legend(**_ABOVE)


def _solutions(family: FamilyQueries, name: str) -> Figure:
    """The first output at coefficients along one range, the other coefficients in the middle of theirs."""
    rows, columns = _SHOWN
    answers = family.reduced_model.answer(_along(family, [name], rows * columns))
    x = family.problem.task(**answers[0].coefficients).grid()  # type: ignore[attr-defined]
    fields = family.reduced_model.predict(answers, x)[..., 0]
    if len(family.problem.inputs) == 1:
        return _curves(family, name, answers, x, fields)
    figure = Figure((WIDTH, 1.9 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, sharey=True)
    norm, shape = Normalize(fields.min(), fields.max()), [len(np.unique(column)) for column in x.T]
    for axes, answer, field in zip(panels.flat, answers, fields, strict=True):
        axes.pcolormesh(*(each.reshape(shape) for each in (*x.T, field)), norm=norm, rasterized=True)
        axes.set_title(f"{name} = {answer.coefficients[name]:.3g}, ±{answer.error_estimate:.0e}", fontsize=9)
    figure.colorbar(ScalarMappable(norm), ax=panels, label=family.problem.outputs[0], aspect=40, pad=0.01)
    for axes, label in zip(panels[-1], [family.problem.inputs[0]] * columns, strict=True):
        axes.set_xlabel(label)
    for axes in panels[:, 0]:
        axes.set_ylabel(family.problem.inputs[1])
    return figure


def _curves(family: FamilyQueries, name: str, answers: Sequence[Answer], x: np.ndarray, fields: np.ndarray) -> Figure:
    figure = Figure((WIDTH, 3.8), layout="constrained")
    axes = figure.subplots()
    values = [each.coefficients[name] for each in answers]
    kind: Any = LogNorm if _scale(family, name) == "log" else Normalize
    colours: Any = ScalarMappable(kind(min(values), max(values)))
    for value, field in zip(values, fields, strict=True):
        axes.plot(x[:, 0], field, color=colours.to_rgba(value), linewidth=1.5)
    figure.colorbar(colours, ax=axes, label=_label(family, name))
    axes.set(xlabel=family.problem.inputs[0], ylabel=family.problem.outputs[0])
    axes.spines[["top", "right"]].set_visible(False)
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
    task = family.problem.task(**answers[0].coefficients)
    x = task.grid()  # type: ignore[attr-defined]
    found = []
    for answer, values in zip(answers, family.reduced_model.predict(answers, x), strict=True):
        exact = family.problem.reference(x, answer.coefficients)  # type: ignore[attr-defined]
        if exact is None:
            return []
        found.append(float(np.linalg.norm(values - exact) / np.linalg.norm(exact)))
    return found


def _label(family: FamilyQueries, name: str) -> str:
    doc = family.problem.coefficients[name].doc
    return f"{name} ({doc})" if doc else name


def _ticks(axis: Any, family: FamilyQueries, name: str) -> None:
    """Plain numbers along a logarithmic axis."""
    if _scale(family, name) == "log":
        axis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())


def _scale(family: FamilyQueries, name: str) -> str:
    return family.problem.coefficients[name].scale
