"""Figures of a family refined over a range."""

import pytest

import pacpinn as pp
from pacpinn.family.plots import over_range
from tests.family.test_solve import WideAdvection
from tests.reduced_basis.test_greedy import Spring
from tests.toys import Decay


@pytest.fixture(scope="module")
def refined() -> pp.Family:
    return pp.solve_family(Decay(), within={"k": (1, 2)}, tolerance=2e-3, keep=0.5)


def curve(axes, label):
    return next(line for line in axes.lines if line.get_label() == label)


def test_the_estimate_falls_over_the_members(refined):
    left = over_range.draw(refined)["range"].axes[0]
    rounds = refined.refinement.rounds
    assert list(left.lines[0].get_xdata()) == [each.members for each in rounds]
    assert list(left.lines[0].get_ydata()) == [each.estimate for each in rounds]


def test_estimate_and_error_over_the_range(refined):
    right = over_range.draw(refined)["range"].axes[1]
    estimate, error = curve(right, "estimate"), curve(right, "error")
    assert (min(estimate.get_xdata()), max(estimate.get_xdata())) == pytest.approx((1, 2))
    assert list(error.get_xdata()) == list(estimate.get_xdata())[::4]
    assert sorted(curve(right, "members").get_xdata()) == sorted(c.k for c in refined)
    assert right.get_xscale() == "log"


def test_solutions_along_the_range(refined):
    figure = over_range.draw(refined)["along"]
    assert len(figure.axes[0].lines) == 12


def test_two_coefficients():
    family = pp.solve_family(Spring(), within={"k": (1, 1.5), "force": (0.4, 0.6)}, tolerance=5e-3, keep=0.5)
    figure = over_range.draw(family)["range"]
    assert (figure.axes[1].get_xlabel(), figure.axes[1].get_ylabel()) == ("k (rate)", "force")


def test_maps_of_an_equation_in_place_and_time():
    family = pp.solve_family(WideAdvection(), within={"speed": (1, 1.1)}, tolerance=3e-2, keep=0.5)
    figure = over_range.draw(family)["along"]
    assert sum(bool(axes.get_title()) for axes in figure.axes) == 12


def test_a_family_that_was_not_refined_has_none(solved_decay):
    assert over_range.draw(solved_decay) == {}
