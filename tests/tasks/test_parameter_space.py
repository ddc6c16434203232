"""The space of coefficients: normalised places, boxes, distances, paths."""

from itertools import pairwise

import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.tasks.parameter_space import ParameterSpace, spanned
from tests.reduced_basis.test_greedy import Spring
from tests.toys import Decay, Waves

WITHIN = {"k": (1.1, 3.7), "force": (0.1, 0.7)}
SOURCE, BOX = Spring().source, Spring().space.box(WITHIN)

THREE = {name: pp.Coefficient(0.5, low=0.0, high=1.0) for name in ("a", "b", "c")}


class Damped(Decay):
    alpha = pp.Coefficient(1.0, low=0.1, high=10.0, scale="log")
    damping = pp.Coefficient(0.0, low=0.0, high=2.0)


def test_ends_are_exactly_those_of_the_range():
    low, high = BOX.at(np.array([[0.0, 0.0], [1.0, 1.0]]), SOURCE)
    assert dict(low) == {"k": 1.1, "force": 0.1}
    assert dict(high) == {"k": 3.7, "force": 0.7}


def test_halfway_in_each_coefficients_own_scale():
    (middle,) = BOX.at(np.array([[0.5, 0.5]]), SOURCE)
    expected = (1.1 * 3.7) ** 0.5 if Spring.k.scale == "log" else 2.4
    assert middle.k == pytest.approx(expected)
    assert middle.force == pytest.approx(0.4)


def test_extrapolated_places_go_beyond_the_box():
    below, above = BOX.extrapolated(np.array([[-0.1, 0.5], [1.1, 0.5]]), SOURCE)
    assert below.k < 1.1 < 3.7 < above.k
    assert below.force == above.force == pytest.approx(0.4)
    assert BOX.places([below, above])[:, 0] == pytest.approx([-0.1, 1.1])


def test_places_and_back():
    places = np.random.default_rng(0).uniform(size=(20, 2))
    assert np.allclose(BOX.places(BOX.at(places, SOURCE)), places)


def test_coefficients_without_a_range_stay():
    (c,) = Spring().space.box({"k": (1, 2)}).at(np.array([[0.3]]), pp.Coefficients(k=1.0, force=0.9))
    assert c.force == 0.9


def test_a_regular_grid_has_its_corners_and_the_last_range_varies_fastest():
    assert BOX.grid(3)[:4].tolist() == [[0, 0], [0, 0.5], [0, 1], [0.5, 0]]
    assert ParameterSpace(THREE).grid(2).shape == (8, 3)


def test_what_varies_over_members():
    members = [pp.Coefficients(a=1.0, b=2.0), pp.Coefficients(a=3.0, b=2.0), pp.Coefficients(a=2.0, b=2.0)]
    assert spanned(members) == {"a": (1, 3)}


def test_distance_measures_each_coefficient_in_its_own_scale():
    problem = Damped()
    a, b = problem.at({"alpha": 0.1, "damping": 0.0}), problem.at({"alpha": 10.0, "damping": 2.0})
    assert problem.space.distance(a, b) == problem.space.distance(b, a) == pytest.approx(2**0.5)
    assert problem.space.distance(a, a) == 0
    ten_times = problem.space.distance(problem.at({"alpha": 0.1}), problem.at({"alpha": 1.0}))
    assert ten_times == pytest.approx(problem.space.distance(problem.at({"alpha": 1.0}), problem.at({"alpha": 10.0})))


def test_between_is_half_way_in_each_scale():
    problem = Damped()
    middle = problem.space.between(
        problem.at({"alpha": 0.1, "damping": 0.0}), problem.at({"alpha": 10.0, "damping": 1.0})
    )
    assert (middle.alpha, middle.damping) == pytest.approx((1.0, 0.5))


def test_between_two_counts_lies_a_count():
    problem = Waves()
    assert problem.space.between(problem.at({"rows": 10}), problem.at({"rows": 41})).rows == 20


def test_between_at_a_share_of_the_way():
    problem = Damped()
    a, b = problem.at({"alpha": 0.1, "damping": 0.0}), problem.at({"alpha": 10.0, "damping": 1.0})
    quarter = problem.space.between(a, b, 0.25)
    assert quarter.alpha == pytest.approx(10**-0.5)
    assert quarter.damping == pytest.approx(0.25)
    assert problem.space.beyond(a, quarter, b) == pytest.approx(3.0)
    assert problem.space.beyond(a, b, quarter) == pytest.approx(-0.75)


def test_a_path_leads_from_begin_to_end_in_equal_strides():
    space = Damped().space
    a, b = Damped().at({"alpha": 0.1}), Damped().at({"alpha": 10.0})
    path = space.path(a, b, stride=0.3)
    assert (path[0], path[-1]) == (a, b)
    strides = [space.distance(first, second) for first, second in pairwise(path)]
    assert strides == pytest.approx([0.25] * 4)


@pytest.mark.parametrize("alpha", [0.1, 1.0, 10.0])
def test_neighbours_differ_in_one_coefficient_and_stay_in_its_range(alpha):
    c = Damped().at({"alpha": alpha})
    below, above = Damped().space.neighbours(c, "alpha")
    assert 0.1 <= below.alpha <= alpha <= above.alpha <= 10.0
    assert below.alpha < above.alpha
    assert (below.damping, above.damping) == (c.damping, c.damping)


def test_columns_are_the_places_of_numbers_and_of_columns():
    box = Damped().space.box({"alpha": (0.1, 10.0), "damping": (0.0, 1.0)})
    rows = torch.zeros(3, 1, dtype=torch.float64)
    values = torch.tensor([[0.1], [1.0], [10.0]], dtype=torch.float64)
    alpha, damping = box.columns({"alpha": values, "damping": 0.25}, like=rows)
    torch.testing.assert_close(alpha, torch.tensor([[0.0], [0.5], [1.0]], dtype=torch.float64))
    assert damping.tolist() == [[0.25]] * 3


def test_one_declaration_may_serve_two_coefficients():
    both = pp.Coefficient(1.0, low=0.1, high=10.0, scale="log")
    space = ParameterSpace({"a": both, "b": both})
    one, other = pp.Coefficients(a=0.1, b=1.0), pp.Coefficients(a=10.0, b=1.0)
    assert space.places([one, other]).tolist() == [[0.0, 0.5], [1.0, 0.5]]
    assert space.distance(one, other) == 1
    assert dict(space.between(one, other)) == pytest.approx({"a": 1.0, "b": 1.0})
