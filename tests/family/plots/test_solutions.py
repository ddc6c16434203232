"""Figures of members' solutions: what they show, by reading it off their axes."""

import deepxde as dde
import numpy as np
import pytest
from matplotlib.figure import Figure

import pacpinn as pp
from pacpinn.family.plots.figures import draw
from tests.family.plots.test_figures import legends, panel, untrained
from tests.toys import Advection, Decay, Rotation


@pytest.fixture(scope="module")
def advection() -> pp.Family:
    return untrained(Advection(), pp.grid(speed=[1.1, 1.2, 1.3, 1.4, 1.5, 1.6]))


def titles(figure: Figure) -> list[str]:
    return [axes.get_title() for axes in figure.axes if axes.get_title()]


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
    for shown_on, values in ((axes[0], answers), (axes[5], answers - exact)):
        shown = shown_on.collections[0].get_array()
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
