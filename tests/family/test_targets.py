"""Targets as a user gives them: each once."""

import math

import pytest
from hypothesis import given, strategies as st

from pacpinn.errors import CoefficientError
from pacpinn.family.targets import CoefficientIndex, distinct
from pacpinn.tasks.coefficient import Coefficients
from tests.toys import Decay

DECAY = Decay()
SOURCE = DECAY.at({})
LAST_BITS = st.integers(-20, 20).map(lambda bits: 1 + bits * 1e-10)  # on both sides of what passes for equal
RATES = st.lists(st.tuples(st.sampled_from([1.0, 1.5, 2.0]), LAST_BITS).map(math.prod).filter(lambda k: k >= 1))


def apart(cs):
    """Those that are close to none before, found by comparing all with all."""
    return [c for i, c in enumerate(cs) if not any(c.close_to(other) for other in cs[:i])]


@given(RATES.filter(bool))
def test_of_those_that_are_alike_the_first_is_taken(rates):
    cs = [Coefficients(k=k) for k in rates]
    assert [SOURCE, *distinct(DECAY, [{"k": k} for k in rates], SOURCE, [SOURCE])] == apart([SOURCE, *cs])


def test_what_is_left_out_is_said(caplog):
    assert distinct(DECAY, [{"k": 1.2}, {"k": 1.2}], SOURCE, [SOURCE]) == [Coefficients(k=1.2)]
    assert "k=1.2 is there already: left out of the targets" in caplog.text


def test_one_mapping_is_no_list():
    with pytest.raises(CoefficientError, match=r"is one mapping; expected a list of them"):
        distinct(DECAY, {"k": 1.2}, SOURCE, [SOURCE])


def test_no_targets_are_named_with_an_example():
    with pytest.raises(CoefficientError, match=r"no targets given for decay; .* such as k="):
        distinct(DECAY, [], SOURCE, [SOURCE])


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
