"""Places in a user's file."""

import inspect
from pathlib import Path

import pytest

from pacpinn.errors import CoefficientError, ResidualError
from pacpinn.runtime.user_code import fault_in, naming_user_code, place_of


def broken():
    return {}["nothing"]


def test_the_place_of_a_function_and_of_none():
    line = inspect.getsourcelines(broken)[1]
    assert place_of(broken) == f" (test_user_code.py, line {line})"
    assert place_of(len) == ""


def test_a_fault_is_told_with_its_line():
    with (
        pytest.raises(
            ResidualError, match=r'the sum \(test_user_code\.py, line \d+\) fails: line \d+: return \{\}\["not'
        ) as told,
        naming_user_code(broken, "the sum"),
    ):
        broken()
    assert isinstance(told.value.__cause__, KeyError)
    assert "KeyError" in fault_in(Path(__file__), told.value.__cause__)


def test_our_own_errors_pass():
    with pytest.raises(CoefficientError), naming_user_code(broken, "the sum"):
        raise CoefficientError("out of range")
