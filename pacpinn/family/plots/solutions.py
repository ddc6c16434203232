"""Figures of members' solutions and their references: curves over one input, maps over two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from pacpinn.continuation.solution import Solution
from pacpinn.equations.equation import Equation
from pacpinn.family.plots import style
from pacpinn.family.queries import FamilyQueries

_SHOWN = 5  # members


def draw(family: FamilyQueries) -> dict[str, Figure]:
    """``"solutions"`` of an equation of one, two or three inputs: the source, the last target and a few others."""
    problem = family.problem
    if not isinstance(problem, Equation) or len(problem.inputs) > 3:
        return {}
    members = list(family.values())
    shown = np.linspace(0, len(members) - 1, min(_SHOWN, len(members))).round().astype(int)
    fields = [_Field.of(family, members[i]) for i in shown]
    return {"solutions": (_trajectories if len(problem.inputs) == 1 else _maps)(family, fields)}


@dataclass(frozen=True)
class _Field:
    """A member's solution on a grid over the domain, and its difference from the reference, if there is one.

    A third input is held at its largest value.
    """

    member: Solution
    x: np.ndarray
    values: np.ndarray
    difference: np.ndarray | None

    @classmethod
    def of(cls, family: FamilyQueries, member: Solution) -> _Field:
        x, exact = family.task(**member.coefficients).reference_on_grid()  # type: ignore[attr-defined]
        values = family.predict(x, **dict[str, Any](member.coefficients))
        shown = x[:, 2] == x[:, 2].max() if x.shape[1] == 3 else slice(None)
        return cls(member, x[shown], values[shown], None if exact is None else (values - exact)[shown])


def _maps(family: FamilyQueries, fields: Sequence[_Field]) -> Figure:
    """One column for each member; for each output a row of solutions and a row of differences."""
    rows = [row for j, output in enumerate(family.problem.outputs) for row in _rows(fields, j, output)]
    figure = style.new_figure(0.7 + 2.05 * len(rows))
    panels = figure.subplots(len(rows), len(fields), sharex=True, sharey=True, squeeze=False)
    for line, (label, images, colours, norm) in zip(panels, rows, strict=True):
        for axes, field, image in zip(line, fields, images, strict=True):
            axes.pcolormesh(*_rectangle(field.x, image), cmap=colours, norm=norm, rasterized=True)
        figure.colorbar(ScalarMappable(norm, colours), ax=line, label=label, aspect=14, pad=0.01, format="{x:.3g}")
    for axes, field in zip(panels[0], fields, strict=True):
        axes.set_title("\n".join(_caption(family, field.member)), fontsize=9)
    across, up, *rest = family.problem.inputs
    if rest:
        figure.suptitle(f"{rest[0]} = {fields[0].x[0, 2]:.3g}", fontsize=9)
    style.label_outer(panels, across, up)
    return figure


def _rows(fields: Sequence[_Field], j: int, output: str) -> Iterator[tuple[str, list[np.ndarray], str, Normalize]]:
    """Label, images, colours and scale of the solutions and, with a reference, of the differences of the output `j`."""
    solutions = [each.values[:, j] for each in fields]
    yield output, solutions, "viridis", Normalize(np.min(solutions), np.max(solutions))
    differences = [each.difference[:, j] for each in fields if each.difference is not None]
    if differences:
        largest = float(np.abs(differences).max()) or 1.0
        yield f"{output} − reference", differences, "RdBu_r", Normalize(-largest, largest)


def _rectangle(x: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both axes and the image of values on a regular grid; NaN at grid points outside the domain."""
    (across, i), (up, j) = (np.unique(each, return_inverse=True) for each in x[:, :2].T)
    image = np.full((len(up), len(across)), np.nan)
    image[j, i] = values
    return across, up, image


def _trajectories(family: FamilyQueries, fields: Sequence[_Field]) -> Figure:
    outputs, known = family.problem.outputs, fields[0].difference is not None
    figure = style.new_figure(0.9 + 2.9 * len(outputs))
    panels = figure.subplots(len(outputs), 1 + known, sharex=True, squeeze=False)
    for j, (output, line) in enumerate(zip(outputs, panels, strict=True)):
        for field, colour in zip(fields, style.DISTINCT, strict=False):
            t, u = field.x[:, 0], field.values[:, j]
            line[0].plot(t, u, color=colour, linewidth=2.5, label=", ".join(_caption(family, field.member)))
            if field.difference is not None:
                line[0].plot(t, u - field.difference[:, j], **style.REFERENCE)
                line[1].semilogy(t, style.positive(np.abs(field.difference[:, j])), color=colour, linewidth=1.2)
                line[1].set_ylabel(f"|{output} − reference|")
        line[0].set_ylabel(output)
    if known:
        panels[0, 0].plot([], [], **style.REFERENCE, label="reference")
    named = panels[0, 0].get_legend_handles_labels()
    figure.legend(*named, loc="outside lower center", ncols=2, fontsize=9, frameon=False)
    for axes in panels[-1]:
        axes.set_xlabel(family.problem.inputs[0])
    style.tidy(panels.flat)
    return figure


def _caption(family: FamilyQueries, member: Solution) -> list[str]:
    """Lines of a caption: the coefficients that vary, or the target's number if they are many; then the error."""
    number = list(family).index(member.coefficients)
    words = [f"{name} = {member.coefficients[name]:.3g}" for name in family.varying]
    if len(words) > style.PANELS:
        words = [f"target {number}"] if number else []
    error = [] if member.score is None else [f"error {member.score.value:.1e}"]
    return [*words, ", ".join([*([] if number else ["source"]), *error])]
