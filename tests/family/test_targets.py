"""Targets as a user gives them: each once."""

import math

import pytest
from hypothesis import given, strategies as st

from pacpinn.errors import CoefficientError
from pacpinn.family.targets import distinct
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
