"""Every error has one base, and says in its docstring what to do."""

import inspect
import pickle
import re

import pytest

import pacpinn as pp
from pacpinn import errors

ALL = [each for _, each in inspect.getmembers(errors, inspect.isclass)]
VERBS = (
    "add|ask|choose|correct|do|extend|give|go on|import|install|load|make|measure|mend|name|pass|reduce|see|set|solve|"
    "start|take|use|wait|write"
)


@pytest.mark.parametrize("error", ALL)
def test_every_error_derives_from_one_base(error):
    assert issubclass(error, pp.PacpinnError)
    assert error.__module__ == "pacpinn.errors"


@pytest.mark.parametrize("error", [each for each in ALL if each is not pp.PacpinnError])
def test_the_docstring_names_the_fix(error):
    """Two halves: what is wrong, then a colon and an imperative."""
    wrong, colon, fix = error.__doc__.partition(": ")
    assert wrong
    assert colon, f"{error.__name__} names no fix: {error.__doc__}"
    assert re.match(rf"({VERBS})\b|``", fix), f"{error.__name__}: {fix!r} tells nobody what to do"


@pytest.mark.parametrize("error", ALL)
def test_a_message_is_shown_as_it_was_given_and_survives_a_process(error):
    given = error("nu=7 lies outside [0, 1]; choose a value inside")
    assert str(given) == "nu=7 lies outside [0, 1]; choose a value inside"
    assert str(pickle.loads(pickle.dumps(given))) == str(given)


def test_errors_that_python_code_expects():
    assert issubclass(errors.NotSolved, KeyError)  # family[...]
    assert issubclass(errors.DataError, ValueError)  # scikit-learn's checks
