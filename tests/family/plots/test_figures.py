"""Figures: what they show, by reading it off their axes."""

import importlib
import sys
from dataclasses import replace

import pytest
from matplotlib.figure import Figure

import pacpinn as pp
from pacpinn.errors import PacpinnError
from pacpinn.family.plots.figures import draw, write_figures
from tests.toys import Decay, Waves


def many(family: pp.Family, coefficients: list[dict[str, float]]) -> pp.Family:
    """A family with the source, and with its first target over and over at other coefficients."""
    targets = [replace(family.targets[0], coefficients=family.problem.at(each)) for each in coefficients]
    return pp.Family(family.problem, family.bases, [family.source, *targets], family.settings)


def untrained(problem: pp.Problem, targets: list[dict[str, float]], **settings) -> pp.Family:
    """A family whose members hardly saw a solver."""
    return pp.solve_family(problem, targets=targets, keep=0.5, solver=pp.Adam(steps=2), halvings=0, **settings)


def legends(figure: Figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def panel(figure: Figure, label: str):
    """The first axes so labelled, on either axis."""
    return next(axes for axes in figure.axes if label in (axes.get_xlabel(), axes.get_ylabel()))


def test_curve_fits_have_no_solutions_to_draw():
    figures = draw(untrained(Waves(), pp.grid(shift=[0.1, 0.3])))
    assert list(figures) == ["errors", "losses"]


def test_errors_stand_over_the_coefficient_in_its_own_scale(solved_decay):
    axes = panel(draw(solved_decay)["errors"], "k (rate)")
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    errors, source = axes.lines[0], axes.lines[1]
    assert errors.get_xdata() == pytest.approx([1.0, 1.3, 1.6])
    assert errors.get_ydata() == pytest.approx([each.score.value for each in solved_decay.values()])
    assert source.get_xdata() == pytest.approx([1.0])


def test_errors_name_metric_residual_and_source(solved_decay):
    assert legends(draw(solved_decay)["errors"]) == [
        "relative error",
        "residual on fresh points",
        "source",
    ]


def test_a_target_that_missed_its_tolerance_is_marked():
    figure = draw(untrained(Decay(), pp.grid(k=[1.3])))["errors"]
    assert legends(figure)[-1] == "not converged"


class Varied(Decay):
    """Decay with more coefficients, which change little."""

    a, b, c, d = (pp.Coefficient(1.0, low=0.5, high=2.0) for _ in range(4))

    def scale(self, c):
        return c.a * c.b * c.c * c.d


@pytest.mark.parametrize(
    ("names", "labels"), [("ka", ["k (rate)", "a"]), ("kabc", ["k (rate)", "a", "b", "c"]), ("kabcd", ["target"])]
)
def test_several_coefficients_have_a_panel_each_and_many_share_the_number(names, labels):
    family = untrained(Varied(), [dict.fromkeys(names, 1.1), dict.fromkeys(names, 1.2)])
    figures = draw(family)
    assert [axes.get_xlabel() for axes in figures["errors"].axes] == labels
    assert legends(figures["solutions"])[1].startswith("target 1" if len(names) > 4 else "k = 1.1, a = 1.1")


def test_losses_show_the_source_and_every_target(solved_decay):
    left, right, bar = draw(solved_decay)["losses"].axes
    assert left.lines[0].get_ydata() == pytest.approx(solved_decay.source.history)
    for line, target in zip(right.lines, solved_decay.targets, strict=False):
        assert line.get_ydata() == pytest.approx(target.history)
    assert left.get_yscale() == "log"
    assert bar.get_ylabel() == "k (rate)"


@pytest.mark.parametrize("targets", [[], [{"k": 1.3}]])
def test_few_targets_draw_without_warning(solved_decay, tmp_path, recwarn, targets):
    write_figures(draw(many(solved_decay, targets)), tmp_path)
    assert not list(recwarn)


# Files and state ------------------------------------------------------------------------------------------------------


def test_figures_are_written_as_png(solved_decay, tmp_path):
    figures = solved_decay.plot(tmp_path / "new")
    assert {path.name for path in (tmp_path / "new").iterdir()} == {f"{name}.png" for name in figures}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in (tmp_path / "new").iterdir())


def test_a_folder_that_cannot_be_written_to_is_refused(solved_decay, tmp_path):
    (tmp_path / "taken").touch()
    with pytest.raises(PacpinnError, match="cannot be written"):
        write_figures({"empty": Figure()}, tmp_path / "taken")


def test_pyplot_has_no_part_in_it(solved_decay, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # which makes its import fail
    monkeypatch.delitem(sys.modules, "pacpinn.family.plots.figures")
    anew = importlib.import_module("pacpinn.family.plots.figures")
    assert anew.write_figures(anew.draw(solved_decay), tmp_path)
