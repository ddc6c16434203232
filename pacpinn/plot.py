"""Figures of a solved family: solutions beside the reference, errors over coefficients, loss histories."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from pacpinn import files, plot_range
from pacpinn.equation import Equation
from pacpinn.solution import Solution
from pacpinn.solvers import Status

if TYPE_CHECKING:
    from pacpinn.family import Family

_WIDTH = 10.0  # inches
_DPI = 160
_SHOWN = 5
_PANELS = 4
_BLUE, _ORANGE, _RED = "#0072b2", "#d55e00", "#b2182b"
_DISTINCT = (_BLUE, "#e69f00", "#009e73", "#cc79a7", "#56b4e9")  # told apart by the colour-blind (Okabe & Ito 2008)
_DASHED: Any = {"color": "black", "linewidth": 1, "linestyle": (0, (4, 4))}


def figures(family: Family) -> dict[str, Figure]:
    """Figures by name: ``"solutions"`` (equations of one or two inputs), ``"errors"`` and ``"losses"``.

    Of a family refined over a range also ``"range"`` and ``"along"`` (:mod:`pacpinn.plot_range`).

    They belong to no window and no pyplot state; in a notebook a figure shows itself, and ``figure.savefig`` writes it.
    """
    drawn = {}
    if isinstance(family.problem, Equation) and len(family.problem.inputs) <= 2:
        draw = _trajectories if len(family.problem.inputs) == 1 else _maps
        drawn["solutions"] = draw(family, [_Field.of(family, each) for each in _selected(family)])
    return {**drawn, "errors": _errors(family), "losses": _losses(family), **plot_range.figures(family)}


def write(figures: Mapping[str, Figure], directory: Path) -> list[Path]:
    """Write each figure to ``directory/<name>.png``; the folder is made if need be.

    Raises:
        PacpinnError: if it cannot be written to.
    """
    written = []
    for name, figure in figures.items():
        image = io.BytesIO()
        figure.savefig(image, format="png", dpi=_DPI)
        written.append(files.write(directory / f"{name}.png", image.getvalue()))
    return written


@dataclass(frozen=True)
class _Field:
    """A member's solution on a grid over the domain, and its difference to the reference."""

    member: Solution
    x: np.ndarray
    values: np.ndarray
    difference: np.ndarray | None

    @classmethod
    def of(cls, family: Family, member: Solution) -> _Field:
        x, exact = family.task(**member.coefficients).reference_on_grid()  # type: ignore[attr-defined]
        values = family.predict(x, **dict[str, Any](member.coefficients))
        return cls(member, x, values, None if exact is None else values - exact)


def _selected(family: Family) -> list[Solution]:
    """The source and a few targets, evenly spaced in the order of their solution, the last among them."""
    members = list(family.values())
    chosen = np.linspace(0, len(members) - 1, min(_SHOWN, len(members))).round().astype(int)
    return [members[i] for i in chosen]


def _maps(family: Family, fields: Sequence[_Field]) -> Figure:
    """One column for each member; for each output a row of solutions and one of differences."""
    rows = []
    for j, output in enumerate(family.problem.outputs):
        solutions = [each.values[:, j] for each in fields]
        rows.append((output, solutions, "viridis", Normalize(np.min(solutions), np.max(solutions))))
        differences = [each.difference[:, j] for each in fields if each.difference is not None]
        if differences:
            largest = float(np.abs(differences).max()) or 1.0
            rows.append((f"{output} − reference", differences, "RdBu_r", Normalize(-largest, largest)))
    figure = Figure((_WIDTH, 0.7 + 2.05 * len(rows)), layout="constrained")
    panels = figure.subplots(len(rows), len(fields), sharex=True, sharey=True, squeeze=False)
    for line, (label, images, colours, norm) in zip(panels, rows, strict=True):
        for axes, field, image in zip(line, fields, images, strict=True):
            axes.pcolormesh(*_rectangle(field.x, image), cmap=colours, norm=norm, rasterized=True)
        figure.colorbar(ScalarMappable(norm, colours), ax=line, label=label, aspect=14, pad=0.01, format="{x:.3g}")
    for axes, field in zip(panels[0], fields, strict=True):
        axes.set_title("\n".join(_caption(family, field.member)), fontsize=9)
    across, up = family.problem.inputs
    for axes in panels[-1]:
        axes.set_xlabel(across)
    for axes in panels[:, 0]:
        axes.set_ylabel(up)
    return figure


def _rectangle(x: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Axes and image of values on a regular grid, of which some points may lie outside the domain."""
    (across, i), (up, j) = (np.unique(each, return_inverse=True) for each in x.T)
    image = np.full((len(up), len(across)), np.nan)
    image[j, i] = values
    return across, up, image


def _trajectories(family: Family, fields: Sequence[_Field]) -> Figure:
    """For each output a panel of solutions, the reference dashed, and one of absolute differences."""
    outputs, known = family.problem.outputs, fields[0].difference is not None
    figure = Figure((_WIDTH, 0.9 + 2.9 * len(outputs)), layout="constrained")
    panels = figure.subplots(len(outputs), 1 + known, sharex=True, squeeze=False)
    for j, (output, line) in enumerate(zip(outputs, panels, strict=True)):
        for field, colour in zip(fields, _DISTINCT, strict=False):
            t, u = field.x[:, 0], field.values[:, j]
            line[0].plot(t, u, color=colour, linewidth=2.5, label=", ".join(_caption(family, field.member)))
            if field.difference is not None:
                line[0].plot(t, u - field.difference[:, j], **_DASHED)
                line[1].semilogy(t, _positive(np.abs(field.difference[:, j])), color=colour, linewidth=1.2)
                line[1].set_ylabel(f"|{output} − reference|")
        line[0].set_ylabel(output)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    if known:
        handles += panels[0, 0].plot([], [], **_DASHED)
        labels.append("reference")
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=9, frameon=False)
    for axes in panels[-1]:
        axes.set_xlabel(family.problem.inputs[0])
    _tidy(panels)
    return figure


def _errors(family: Family) -> Figure:
    """The task's metric and, for equations, the residual on fresh points, over each coefficient that varies."""
    places = _places(family)
    figure = Figure((_WIDTH, 3.8), layout="constrained")
    panels = figure.subplots(1, len(places), sharey=True, squeeze=False)
    curves = {}
    if family.source.score is not None:
        scores = [np.nan if each.score is None else each.score.value for each in family.values()]
        curves[family.source.score.name] = (scores, _BLUE, "o")
    if isinstance(family.problem, Equation):
        curves["residual on fresh points"] = ([each.residual for each in family.values()], _ORANGE, "s")
    missed = np.array([each.status is not Status.CONVERGED for each in family.values()])
    joined = len(places) == 1 and not places[0].whole
    for axes, place in zip(panels[0], places, strict=True):
        for name, (values, colour, marker) in curves.items():
            _over(axes, place, np.array(values), missed, joined, color=colour, marker=marker, label=name)
        place.label_axis(axes)
        if isinstance(family.problem, Equation):
            axes.set_yscale("log")
        else:
            axes.set_ylim(bottom=0)
    handles, labels = _marks(panels[0, 0], bool(missed.any()))
    figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False)
    _tidy(panels)
    return figure


def _losses(family: Family) -> Figure:
    """Loss over steps: the source's fit and allocation, and every target's calibration."""
    figure = Figure((_WIDTH, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    places = _places(family)
    place = places[0] if len(places) == 1 else _number(family)
    colours = ScalarMappable(place.norm(), "viridis")
    left.set_title("source: fit, then allocate", fontsize=10)
    right.set_title("targets: calibrate", fontsize=10)
    _draw_history(left, family.source, _BLUE)
    for target, at in zip(family.targets, place.values[1:], strict=True):
        _draw_history(right, target, colours.to_rgba(at))
    tolerance = family.task(**family.source.coefficients).tolerance
    for axes in (left, right):
        axes.set(yscale="log", xlabel="step")
        axes.xaxis.set_major_locator(_whole_numbers())
        if tolerance is not None:
            axes.axhline(tolerance**2, color="grey", linestyle=(0, (4, 3)), linewidth=1, label="tolerance²")
    if tolerance is not None:
        right.legend(frameon=False)
    left.set_ylabel("loss")
    bar = figure.colorbar(colours, ax=right, label=place.label, pad=0.02)
    place.ticks(bar.ax.yaxis)
    _tidy(np.array([left, right]))
    return figure


@dataclass(frozen=True)
class _Place:
    """Where every member stands on an axis, the source first."""

    label: str
    values: np.ndarray
    logarithmic: bool = False
    whole: bool = False

    def norm(self) -> Normalize:
        """Colour scale over the targets."""
        coloured = self.values[1:] if len(self.values) > 1 else self.values
        low, high = coloured.min(), coloured.max()
        return LogNorm(low, high) if self.logarithmic else Normalize(low, high)

    def label_axis(self, axes: Axes) -> None:
        axes.set_xlabel(self.label)
        if self.logarithmic:
            axes.set_xscale("log")
        self.ticks(axes.xaxis)

    def ticks(self, axis: Any) -> None:
        if self.whole:
            axis.set_major_locator(_whole_numbers())
        elif self.logarithmic:
            decades = np.log10(self.values.max() / self.values.min())
            axis.set_major_locator(
                LogLocator(subs=(1, 2, 3, 5)) if decades > 0.6 else MaxNLocator(6, steps=[1, 2, 5, 10])
            )
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter(NullFormatter())


def _places(family: Family) -> list[_Place]:
    """One place for each coefficient that varies among the targets, or the targets' number if those are many."""
    names = [name for name in family.varying if len({each.coefficients[name] for each in family.targets}) > 1]
    names = names or family.varying
    if not 0 < len(names) <= _PANELS:
        return [_number(family)]
    places = []
    for name in names:
        declared = family.problem.coefficients[name]
        short = declared.doc and len(declared.doc) * len(names) <= 60
        label = f"{name} ({declared.doc})" if short else name
        places.append(_Place(label, np.array([c[name] for c in family]), declared.scale == "log"))
    return places


def _number(family: Family) -> _Place:
    return _Place("target", np.arange(len(family)), whole=True)


def _over(axes: Axes, place: _Place, values: np.ndarray, missed: np.ndarray, joined: bool, **style: Any) -> None:
    order = np.argsort(place.values, kind="stable")
    axes.plot(place.values[order], values[order], **style, linestyle="-" if joined else "", linewidth=1)
    axes.plot(place.values[:1], values[:1], **{**style, "label": None}, markersize=9, markerfacecolor="white")
    axes.plot(place.values[missed], values[missed], color=_RED, marker="x", markersize=10, linestyle="")


def _marks(axes: Axes, missed: bool) -> tuple[list[Any], list[str]]:
    """Handles and labels of a legend that explains the markers, too."""
    handles, labels = axes.get_legend_handles_labels()
    handles += axes.plot([], [], color="black", marker="o", markersize=9, markerfacecolor="white", linestyle="")
    labels.append("source")
    if missed:
        handles += axes.plot([], [], color=_RED, marker="x", markersize=10, linestyle="")
        labels.append("not converged")
    return handles, labels


def _draw_history(axes: Axes, member: Solution, colour: Any) -> None:
    losses = _positive(np.array(member.history))
    few = len(losses) < 100
    axes.plot(
        np.arange(1, len(losses) + 1), losses, color=colour, marker="." if few else "", linewidth=1.5 if few else 0.8
    )


def _positive(values: np.ndarray) -> np.ndarray:
    """Zeros as gaps, which a logarithmic axis can show."""
    return np.where(values > 0, values, np.nan)


def _caption(family: Family, member: Solution) -> list[str]:
    """The coefficients that vary, or the target's number if those are many; then the error."""
    number = list(family).index(member.coefficients)
    words = [f"{name} = {member.coefficients[name]:.3g}" for name in family.varying]
    if len(words) > _PANELS:
        words = [f"target {number}"] if number else []
    error = [] if member.score is None else [f"error {member.score.value:.1e}"]
    return [*words, ", ".join([*([] if number else ["source"]), *error])]


def _whole_numbers() -> MaxNLocator:
    return MaxNLocator(integer=True, steps=[1, 2, 5, 10])


def _tidy(panels: np.ndarray) -> None:
    for axes in panels.flat:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25, linewidth=0.6)
