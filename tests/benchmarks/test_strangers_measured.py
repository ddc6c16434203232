"""What is measured of a case: its members, intervals, answers in between, and what the library says."""

import logging
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import pacpinn as pp
import strangers_measured
from strangers_errors import Case
from strangers_measured import Asked, answer, between, draw, listening, measure, members, solved
from tests.toys import Decay

X = np.linspace(0, 1, 50)[:, None]


def inferred(family, rng):
    u = np.exp(-1.4 * X) + 0.01 * rng.normal(size=X.shape)
    return family.infer(X, u, unknown=["k"])


def case(**others) -> Case:
    asked = {"problem": Decay, "targets": [{"k": 1.3}, {"k": 1.6}], "within": {"k": (1, 1.6)}, "goal": 1e-2}
    return Case("decay", **{**asked, "exact": Decay().reference, "points": lambda c, n: X, **others})


@pytest.fixture
def solves(monkeypatch, solved_decay):
    """``solve_family`` answers at once."""
    monkeypatch.setattr(pp, "solve_family", lambda *_, **__: solved_decay)


def refuse(*_, **__):
    raise pp.PacpinnError("this is refused")


def test_a_row_for_the_source_and_each_target(solved_decay):
    rows = members(case(), solved_decay)
    assert [row["coefficients"] for row in rows] == ["k=1", "k=1.3", "k=1.6"]
    for row in rows:
        assert row["status"] == "converged"
        assert 0 < row["plain"] < row["error"] < 1e-2
        assert row["plain"] / 10 < row["estimate"] < 10 * row["plain"]
        assert row["estimate"] <= row["bound"] < 1e-2


def test_a_target_that_is_not_solved_is_missing(solved_decay):
    row = members(case(targets=[{"k": 3.0}]), solved_decay)[1]
    assert row["status"] == "missing"
    assert row["error"] is None
    assert "Not" in row["message"]


@pytest.mark.usefixtures("solves")
def test_a_family_reaches_its_goal_or_not():
    rows = []
    assert solved(case(), 0, rows.append) is not None
    assert solved(case(goal=1e-9), 0, rows.append) is not None
    first, second = (row for row in rows if row["part"] == "family")
    assert first["error"] == max(row["error"] for row in rows if row["part"] == "member")
    assert first["converged"] == first["members"] == 3
    assert first["reached"]
    assert not second["reached"]


@pytest.mark.parametrize("refusal", [False, True])
def test_an_error_of_the_library_is_told_and_may_be_right(monkeypatch, refusal):
    monkeypatch.setattr(pp, "solve_family", refuse)
    rows = []
    assert solved(case(refusal=refusal), 0, rows.append) is None
    assert rows[0]["message"] == "PacpinnError: this is refused"
    assert rows[0]["reached"] == refusal


def test_warnings_and_the_log_are_heard():
    with listening() as told:
        warnings.warn("a doubt", UserWarning, stacklevel=1)
        warnings.warn("an old name", DeprecationWarning, stacklevel=1)
        logging.getLogger("pacpinn.somewhere").warning("a line of the log")
    assert told == ["a doubt", "a line of the log"]


def test_draws_of_the_noise(solved_decay):
    sought = case(truth={"k": 1.4}, inverse=inferred)
    row = draw(sought, solved_decay, 0)
    assert row["inside"].keys() == row["estimates"].keys() == {"k"}
    assert row["inside"]["k"] == (abs(row["estimates"]["k"] - 1.4) < 2.01 * row["standard_errors"]["k"])
    assert draw(sought, solved_decay, 0)["estimates"] == row["estimates"] != draw(sought, solved_decay, 1)["estimates"]
    assert draw(case(truth={"k": 1.4}, inverse=refuse), solved_decay, 0)["message"] == "PacpinnError: this is refused"


def test_an_answer_in_between(solved_decay):
    row = answer(case(), solved_decay, pp.Coefficients(k=1.45))
    assert row["outcome"] == "given"
    assert 0 < row["plain"] < row["error"] < 1e-2
    assert row["estimate"] > 0


def test_an_answer_outside_is_refused(solved_decay):
    row = answer(case(), solved_decay, pp.Coefficients(k=5.0))
    assert row["outcome"] == "refused"
    assert row["message"].startswith("NotAccurate")


def test_an_answer_with_a_warning():
    def at(**_):
        warnings.warn("a doubt", UserWarning, stacklevel=1)
        return SimpleNamespace(predict=lambda x: np.exp(-x) + 1, error_estimate=None)

    row = answer(case(), SimpleNamespace(at=at), pp.Coefficients(k=1.0))
    assert row["outcome"] == "warned"
    assert row["plain"] > 1
    assert row["estimate"] is None


@pytest.mark.usefixtures("solves")
def test_random_answers_lie_in_the_range():
    rows = []
    between(case(), Asked(0, 0, 1e-2, answers=3), rows.append)
    begun, family, *answers = rows
    assert begun["members"] is None
    assert family["members"] == 3
    ks = [float(row["coefficients"].split("=")[1]) for row in answers]
    assert len(set(ks)) == 3
    assert all(1 < k < 1.6 for k in ks)


def test_all_that_is_asked(monkeypatch):
    asked = []
    monkeypatch.setattr(strangers_measured, "solved", lambda *_: asked.append("members") or "family")
    monkeypatch.setattr(strangers_measured, "draw", lambda *words: words[-1])
    monkeypatch.setattr(strangers_measured, "between", lambda *_: asked.append("between"))
    measure(case(inverse=inferred), Asked(0, 2, 1e-2, 20), asked.append)
    assert asked == ["members", 0, 1, "between"]
    asked.clear()
    measure(case(within=None), Asked(0, 2, 1e-2, 20), asked.append)
    assert asked == ["members"]
