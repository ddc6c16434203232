"""Figures: what they show, by reading it off their axes."""

import importlib
import sys
from dataclasses import replace

import deepxde as dde
import numpy as np
import pytest
from matplotlib.figure import Figure

import pacpinn as pp
from pacpinn.errors import PacpinnError
from pacpinn.family.plots.figures import draw, write_figures
from tests.toys import Advection, Decay, Rotation, Waves


def many(family: pp.Family, coefficients: list[dict[str, float]]) -> pp.Family:
    """A family with the source, and with its first target over and over at other coefficients."""
    targets = [replace(family.targets[0], coefficients=family.problem.at(each)) for each in coefficients]
    return pp.Family(family.problem, family.bases, [family.source, *targets], family.settings)


def untrained(problem: pp.Problem, targets: list[dict[str, float]], **settings) -> pp.Family:
    """A family whose members hardly saw a solver."""
    return pp.solve_family(problem, targets=targets, keep=0.5, solver=pp.Adam(steps=2), halvings=0, **settings)


@pytest.fixture(scope="module")
def advection() -> pp.Family:
    return untrained(Advection(), pp.grid(speed=[1.1, 1.2, 1.3, 1.4, 1.5, 1.6]))


def titles(figure: Figure) -> list[str]:
    return [axes.get_title() for axes in figure.axes if axes.get_title()]


def legends(figure: Figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def panel(figure: Figure, label: str):
    """The first axes so labelled, on either axis."""
    return next(axes for axes in figure.axes if label in (axes.get_xlabel(), axes.get_ylabel()))


# Solutions ------------------------------------------------------------------------------------------------------------


def test_maps_show_the_source_a_few_targets_and_the_last(advection):
    shown = titles(draw(advection)["solutions"])
    assert [each.split("\n")[0] for each in shown] == [f"speed = {each}" for each in (1, 1.2, 1.3, 1.4, 1.6)]
    assert "source" in shown[0]
    assert f"error {advection.source.score.value:.1e}" in shown[0]


def test_maps_are_the_members_answers_on_named_axes(advection):
    axes = draw(advection)["solutions"].axes
    assert (axes[0].get_ylabel(), axes[5].get_xlabel()) == ("t", "x")
    x, exact = advection.task(speed=1.0).reference_on_grid()
    x_first = np.lexsort((x[:, 0], x[:, 1]))  # the grid's rows as an image has them: x runs along a line
    answers = advection.predict(x, speed=1.0)
    for panel, values in ((axes[0], answers), (axes[5], answers - exact)):
        shown = panel.collections[0].get_array()
        np.testing.assert_allclose(np.ravel(shown), values[x_first, 0], atol=1e-12)


def test_a_row_of_maps_shares_its_colours_and_differences_are_symmetric(advection):
    axes = draw(advection)["solutions"].axes
    solutions, differences = ({each.collections[0].get_clim() for each in row} for row in (axes[:5], axes[5:10]))
    assert len(solutions) == len(differences) == 1
    low, high = differences.pop()
    assert low == -high


def test_trajectories_show_every_output_and_its_difference():
    figure = draw(untrained(Rotation(), pp.grid(w=[1.2, 1.4])))["solutions"]
    assert {axes.get_ylabel() for axes in figure.axes} == {"u", "v", "|u − reference|", "|v − reference|"}
    assert panel(figure, "|v − reference|").get_yscale() == "log"
    assert legends(figure)[0].startswith("w = 1, source")
    assert legends(figure)[-1] == "reference"


def test_trajectories_are_the_members_answers(solved_decay):
    line = panel(draw(solved_decay)["solutions"], "u").lines[0]
    t = line.get_xdata()
    assert line.get_ydata() == pytest.approx(solved_decay.predict(t[:, None])[:, 0])


@pytest.mark.parametrize("problem", [Advection, Decay])
def test_without_a_reference_there_are_solutions_only(problem):
    class Unknown(problem):
        def reference(self, x, c):
            return None

    name, value = next(iter(Unknown.targets[0].items()))
    figures = draw(untrained(Unknown(), [{name: value}]))
    assert not any("reference" in axes.get_ylabel() for axes in figures["solutions"].axes)
    assert legends(figures["errors"])[0] == "residual on fresh points"


class Membrane(pp.Equation):
    """-u_xx - u_yy = load on the unit disk, u = 0 on its boundary; u = load (1 - x^2 - y^2) / 4."""

    load = pp.Coefficient(1.0, low=0.5, high=2.0)
    inputs, points, hidden = ("x", "y"), pp.Points(domain=32), (4,)

    def geometry(self, c):
        return dde.geometry.Disk([0, 0], 1)

    def residual(self, x, u, c):
        return dde.grad.hessian(u, x, i=0, j=0) + dde.grad.hessian(u, x, i=1, j=1) + c.load

    def transform(self, x, y, c):
        return (1 - (x**2).sum(dim=1, keepdim=True)) * y


def test_outside_the_domain_a_map_is_empty():
    figure = draw(untrained(Membrane(), [{"load": 1.1}]))["solutions"]
    shown = np.ma.filled(figure.axes[0].collections[0].get_array(), np.nan)
    middle = len(shown) // 2
    assert np.isnan(shown[0, 0])
    assert np.isfinite(shown[middle]).all()


def test_of_three_inputs_the_last_is_at_its_end():
    class Cooling(Membrane):
        inputs = ("x", "y", "t")

        def geometry(self, c):
            return dde.geometry.GeometryXTime(super().geometry(c), dde.geometry.TimeDomain(0, 2))

        def transform(self, x, y, c):
            return x[:, 2:3] + 0 * y

    figure = draw(untrained(Cooling(), [{"load": 1.1}]))["solutions"]
    shown = np.ma.compressed(np.ma.masked_invalid(figure.axes[0].collections[0].get_array()))
    assert shown == pytest.approx(2.0)
    assert figure.get_suptitle() == "t = 2"
    assert (figure.axes[0].get_ylabel(), figure.axes[0].get_xlabel()) == ("y", "x")


def test_curve_fits_have_no_solutions_to_draw():
    figures = draw(untrained(Waves(), pp.grid(shift=[0.1, 0.3])))
    assert list(figures) == ["errors", "losses"]


# Errors and losses ----------------------------------------------------------------------------------------------------


def test_errors_stand_over_the_coefficient_in_its_own_scale(solved_decay):
    axes = panel(draw(solved_decay)["errors"], "k (rate)")
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    errors, source = axes.lines[0], axes.lines[1]
    assert errors.get_xdata() == pytest.approx([1.0, 1.3, 1.6])
    assert errors.get_ydata() == pytest.approx([each.score.value for each in solved_decay.values()])
    assert source.get_xdata() == pytest.approx([1.0])


def test_errors_name_metric_residual_and_source(solved_decay):
    assert legends(draw(solved_decay)["errors"]) == [
        "relative L2 error",
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
