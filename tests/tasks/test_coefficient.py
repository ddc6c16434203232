"""Coefficients: their ranges and scales, and one choice of values."""

import copy
import math
import pickle

import pytest
from hypothesis import given, strategies as st

from pacpinn import Coefficient, Coefficients, Count, grid
from pacpinn.errors import CoefficientError
from pacpinn.tasks.coefficient import CoefficientIndex


class Holder:
    nu = Coefficient(0.05, low=0.01, high=1.0, scale="log", doc="viscosity")
    angle = Coefficient(0.0, low=-90.0, high=90.0)
    samples = Count(100, low=10, high=1000, scale="log")


@pytest.mark.parametrize("value", [0.01, 0.05, 1, 1.0, "0.04"])
def test_check_returns_a_value_in_range_as_float(value):
    checked = Holder.nu.check(value)
    assert isinstance(checked, float)
    assert checked == float(value)


@pytest.mark.parametrize("value", ["thin", None, [0.1, 0.2], math.nan, math.inf, -math.inf, "nan", 0.0099, 1.1, -0.05])
def test_check_refuses_what_is_no_number_in_range_naming_coefficient_and_range(value):
    with pytest.raises(CoefficientError, match=r"nu=.*expected 0\.01 to 1 \(viscosity\)"):
        Holder.nu.check(value)


def test_check_shows_the_value_that_was_given():
    with pytest.raises(CoefficientError, match="nu='thin' is not a number"):
        Holder.nu.check("thin")
    with pytest.raises(CoefficientError, match="nu=7 lies outside"):
        Holder.nu.check(7)


@pytest.mark.parametrize(
    "declaration",
    [
        {"default": 1.0, "low": 2.0, "high": 3.0},
        {"default": 4.0, "low": 2.0, "high": 3.0},
        {"default": 1.0, "low": 1.0, "high": 1.0},
        {"default": math.nan, "low": 0.0, "high": 1.0},
        {"default": 1.0, "low": 0.0, "high": math.inf},
        {"default": 0.5, "low": 0.0, "high": 1.0, "scale": "log"},
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(declaration):
    with pytest.raises(CoefficientError):
        Coefficient(**declaration)


def test_positions_run_from_0_at_low_to_1_at_high():
    for coefficient in (Holder.nu, Holder.angle):
        assert coefficient.position(coefficient.low) == 0
        assert coefficient.position(coefficient.high) == 1


def test_half_way_is_the_geometric_mean_on_a_log_scale_and_the_mean_on_a_linear_one():
    assert Holder.nu.value_at(0.5) == pytest.approx(math.sqrt(0.01 * 1.0))
    assert Holder.angle.value_at(0.5) == pytest.approx(0.0)


@given(st.floats(0, 1))
def test_value_at_is_the_inverse_of_position(position):
    for coefficient in (Holder.nu, Holder.angle):
        assert coefficient.position(coefficient.value_at(position)) == pytest.approx(position, abs=1e-12)


def test_a_count_takes_whole_numbers_only():
    assert Holder.samples.check(20) == 20.0
    with pytest.raises(CoefficientError, match=r"samples=20\.5 is not a whole number"):
        Holder.samples.check(20.5)


@given(st.floats(0, 1))
def test_every_place_between_counts_is_a_count_again(position):
    assert Holder.samples.value_at(position).is_integer()


def test_coefficients_are_read_by_name_in_three_ways():
    c = Coefficients(nu=0.05, mass=2)
    assert (c.nu, c["mass"], dict(c)) == (0.05, 2.0, {"nu": 0.05, "mass": 2.0})


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(AttributeError, match="no coefficient 'mu'; there are: nu, mass"):
        Coefficients(nu=0.05, mass=2).mu  # noqa: B018


def test_coefficients_do_not_change():
    c = Coefficients(nu=0.05)
    with pytest.raises(AttributeError):
        c.nu = 0.04
    with pytest.raises(TypeError):
        c["nu"] = 0.04
    assert c.nu == c["nu"] == 0.05


def test_equal_coefficients_are_one_key_in_whatever_order_they_were_given():
    assert len({Coefficients(a=1, b=2), Coefficients(b=2, a=1), Coefficients(a=1, b=3)}) == 2


def test_text_of_coefficients():
    assert str(Coefficients(nu=0.05, mass=2)) == "nu=0.05,mass=2"


def test_coefficients_survive_copying_and_pickling():
    c = Coefficients(nu=0.05, mass=2)
    assert copy.copy(c) == copy.deepcopy(c) == pickle.loads(pickle.dumps(c)) == c


def test_close_to_matches_a_relative_1e_9():
    c = Coefficients(nu=0.05)
    assert c.close_to(Coefficients(nu=0.05 * (1 + 5e-10)))
    assert not c.close_to(Coefficients(nu=0.05 * (1 + 5e-9)))
    assert not c.close_to(Coefficients(mu=0.05))


def test_zero_is_close_to_zero_only():
    assert Coefficients(angle=0).close_to(Coefficients(angle=-0.0))
    assert not Coefficients(angle=0).close_to(Coefficients(angle=1e-12))


def test_grid_varies_the_last_name_fastest():
    assert grid(mass=[1, 2], damping=range(2)) == [
        {"mass": 1.0, "damping": 0.0},
        {"mass": 1.0, "damping": 1.0},
        {"mass": 2.0, "damping": 0.0},
        {"mass": 2.0, "damping": 1.0},
    ]


def test_grid_without_values_has_no_points():
    assert grid(nu=[]) == []


LAST_BITS = st.integers(-20, 20).map(lambda bits: 1 + bits * 1e-10)  # on both sides of what passes for equal
SIZES = st.sampled_from([0.0, 1e-305, 1e-200, 1e-3, 1.0, -1.0, 2.5, 1e12])


@given(st.lists(st.tuples(st.tuples(SIZES, LAST_BITS).map(math.prod), SIZES), max_size=20), SIZES, SIZES)
def test_the_index_finds_what_a_comparison_with_all_finds(entries, a, b):
    cs, wanted = [Coefficients(a=x, b=y) for x, y in entries], Coefficients(a=a, b=b)
    found = CoefficientIndex(cs).find(wanted)
    assert (found is None) == (not any(c.close_to(wanted) for c in cs))
    assert found is None or found.close_to(wanted)


def test_entries_beside_the_edge_of_a_cell_are_found():
    index = CoefficientIndex()
    for k in range(-50, 50):
        edge = math.exp(k * 1e-6)
        index.add(Coefficients(k=edge * (1 + 0.4e-9)))
        assert index.find(Coefficients(k=edge * (1 - 0.4e-9))) is not None
    assert len(index) == 100


def test_the_index_knows_neither_the_order_of_names_nor_the_sign_of_zero():
    index = CoefficientIndex([Coefficients(b=2.0, a=-0.0)])
    assert index.find(Coefficients(a=0.0, b=2.0)) == Coefficients(a=0.0, b=2.0)
    assert index.find(Coefficients(a=0.0, b=-2.0)) is None
    assert index.find(Coefficients(b=2.0)) is None
