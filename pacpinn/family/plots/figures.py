"""All figures of a solved family: errors over coefficients and loss histories here, the others by their modules."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pacpinn.continuation.solution import Solution
from pacpinn.equations.equation import Equation
from pacpinn.family.plots import over_range, solutions, style
from pacpinn.family.queries import FamilyQueries
from pacpinn.runtime import files
from pacpinn.solvers.base import Status

_DPI = 160


def draw(family: FamilyQueries) -> dict[str, Figure]:
    """Figures by name: ``"solutions"`` (equations of up to three inputs), ``"errors"`` and ``"losses"``.

    Of a family refined over a range also ``"range"`` and ``"along"`` (:mod:`pacpinn.family.plots.over_range`).

    The figures belong to no window and no pyplot state. A notebook shows them; ``figure.savefig`` writes them to files.
    """
    own = {"errors": _errors(family), "losses": _losses(family)}
    return solutions.draw(family) | own | over_range.draw(family)


def write_figures(figures: Mapping[str, Figure], directory: Path) -> list[Path]:
    """Write each figure to ``directory/<name>.png``; the folder is made if need be."""
    written = []
    for name, figure in figures.items():
        image = io.BytesIO()
        figure.savefig(image, format="png", dpi=_DPI)
        written.append(files.write_file(directory / f"{name}.png", image.getvalue()))
    return written


def _errors(family: FamilyQueries) -> Figure:
    places, curves = _places(family), _error_curves(family)
    figure = style.new_figure(3.8)
    panels = figure.subplots(1, len(places), sharey=True, squeeze=False)
    missed = np.array([each.status is not Status.CONVERGED for each in family.values()])
    joined = len(places) == 1 and not places[0].whole
    for axes, place in zip(panels[0], places, strict=True):
        for values, line in curves:
            _draw_over(axes, place, values, missed, joined, line)
        place.label_axis(axes)
        if isinstance(family.problem, Equation):
            axes.set_yscale("log")
        else:
            axes.set_ylim(bottom=0)
    first = panels[0, 0]
    first.plot([], [], color="black", marker="o", markersize=9, markerfacecolor="white", linestyle="", label="source")
    if missed.any():
        first.plot([], [], color=style.RED, marker="x", markersize=10, linestyle="", label="not converged")
    figure.legend(*first.get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
    style.tidy(panels.flat)
    return figure


def _error_curves(family: FamilyQueries) -> list[tuple[np.ndarray, dict[str, Any]]]:
    curves: list[tuple[np.ndarray, dict[str, Any]]] = []
    if family.source.score is not None:
        scores = [np.nan if each.score is None else each.score.value for each in family.values()]
        curves.append((np.array(scores), {"color": style.BLUE, "marker": "o", "label": family.source.score.name}))
    if isinstance(family.problem, Equation):
        residuals = np.array([each.residual for each in family.values()])
        curves.append((residuals, {"color": style.ORANGE, "marker": "s", "label": "residual on fresh points"}))
    return curves


def _losses(family: FamilyQueries) -> Figure:
    figure = style.new_figure(3.8)
    left, right = figure.subplots(1, 2, sharey=True)
    place, *others = _places(family)
    if others:
        place = _number(family)
    colours = ScalarMappable(place.norm(), "viridis")
    left.set_title("source: fit, then allocate", fontsize=10)
    right.set_title("targets: calibrate", fontsize=10)
    _draw_history(left, family.source, style.BLUE)
    for target, at in zip(family.targets, place.values[1:], strict=True):
        _draw_history(right, target, colours.to_rgba(at))
    tolerance = family.task(**family.source.coefficients).tolerance
    for axes in (left, right):
        axes.set(yscale="log", xlabel="step")
        axes.xaxis.set_major_locator(style.whole_numbers())
        if tolerance is not None:
            axes.axhline(tolerance**2, **style.TOLERANCE, label="tolerance²")
    if tolerance is not None:
        right.legend(frameon=False)
    left.set_ylabel("loss")
    bar = figure.colorbar(colours, ax=right, label=place.label, pad=0.02)
    place.ticks(bar.ax.yaxis)
    style.tidy([left, right])
    return figure


@dataclass(frozen=True)
class _Place:
    """The values of all members along an axis, the source first: of a coefficient, or their numbers (`whole`)."""

    label: str
    values: np.ndarray
    logarithmic: bool = False
    whole: bool = False

    def norm(self) -> Normalize:
        targets = self.values[1:] if len(self.values) > 1 else self.values
        return (LogNorm if self.logarithmic else Normalize)(targets.min(), targets.max())

    def label_axis(self, axes: Axes) -> None:
        axes.set_xlabel(self.label)
        if self.logarithmic:
            axes.set_xscale("log")
        self.ticks(axes.xaxis)

    def ticks(self, axis: Any) -> None:
        if self.whole:
            axis.set_major_locator(style.whole_numbers())
        elif self.logarithmic:
            decades = np.log10(self.values.max() / self.values.min())
            style.log_ticks(axis, None if decades > 0.6 else MaxNLocator(6, steps=[1, 2, 5, 10]))


def _places(family: FamilyQueries) -> list[_Place]:
    """One place for each coefficient that varies among the targets, or the targets' number if those are many."""
    names = [name for name in family.varying if len({each.coefficients[name] for each in family.targets}) > 1]
    names = names or family.varying
    if not 0 < len(names) <= style.PANELS:
        return [_number(family)]
    places = []
    for name in names:
        declared = family.problem.coefficients[name]
        doc = declared.doc if len(declared.doc) * len(names) <= 60 else ""
        values = np.array([c[name] for c in family])
        places.append(_Place(style.coefficient_label(name, doc), values, declared.scale == "log"))
    return places


def _number(family: FamilyQueries) -> _Place:
    return _Place("target", np.arange(len(family)), whole=True)


def _draw_over(axes: Axes, place: _Place, values: np.ndarray, missed: np.ndarray, joined: bool, line: Any) -> None:
    """Values of all members over their places; source and members that did not converge have markers of their own."""
    order = np.argsort(place.values, kind="stable")
    axes.plot(place.values[order], values[order], **line, linestyle="-" if joined else "", linewidth=1)
    axes.plot(place.values[:1], values[:1], **{**line, "label": None}, markersize=9, markerfacecolor="white")
    axes.plot(place.values[missed], values[missed], color=style.RED, marker="x", markersize=10, linestyle="")


def _draw_history(axes: Axes, member: Solution, colour: Any) -> None:
    losses = style.positive(np.array(member.history))
    marker, width = (".", 1.5) if len(losses) < 100 else ("", 0.8)
    axes.plot(np.arange(1, len(losses) + 1), losses, color=colour, marker=marker, linewidth=width)
