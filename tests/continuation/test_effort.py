"""The effort after which no further try begins: steps or seconds."""

import pytest
import torch

import pacpinn as pp
from pacpinn.continuation.effort import Effort
from pacpinn.errors import PacpinnError
from pacpinn.solvers.base import Result, Status


def took(steps: int, seconds: float) -> Result:
    return Result(torch.zeros(1), Status.STALLED, steps, seconds)


@pytest.mark.parametrize("stated", [2000, 2000.0, "2000", " 2000 ", "2e3"])
def test_a_number_is_one_of_steps(stated):
    assert Effort.of(stated) == Effort(2000.0, "steps")
    assert Effort.of(stated).stated == 2000


@pytest.mark.parametrize("stated", ["90s", "90 s", "90 S", "9e1s", "90.0 s"])
def test_a_number_with_s_is_one_of_seconds(stated):
    assert Effort.of(stated) == Effort(90.0, "seconds")
    assert Effort.of(stated).stated == "90 s"


@pytest.mark.parametrize("stated", [0, 1, 250, "0.5 s", "1.5e6s"])
def test_what_is_stated_is_read_back(stated):
    once = Effort.of(stated)
    assert Effort.of(once.stated) == once


@pytest.mark.parametrize(
    "wrong", [-1, "-1", 0.5, float("nan"), float("inf"), "1e999 s", "90 min", "s", "", "1.2.3", "many", True, None]
)
def test_anything_else_is_refused(wrong):
    with pytest.raises(PacpinnError, match=r"effort=.*; expected a number of steps, as 2000, or of seconds, as '90 s'"):
        pp.Settings(effort=wrong)


def test_it_is_used_up_by_all_results_together():
    results = [took(60, 1.0), took(40, 2.0)]
    assert [Effort.of(each).used_up(results) for each in (99, 100, 101)] == [True, True, False]
    assert [Effort.of(each).used_up(results) for each in ("2.9s", "3s", "3.1s")] == [True, True, False]
    assert Effort.of(0).used_up([])


def test_what_was_spent_elsewhere_counts_in_seconds():
    own, elsewhere = [took(60, 1.0)], [took(40, 2.0)]
    assert not Effort.of(100).used_up(own, elsewhere)
    assert Effort.of("3s").used_up(own, elsewhere)


def test_seconds_end_the_try_that_is_going_on_and_steps_do_not():
    reported = []
    report = lambda *each: reported.append(each)  # noqa: E731
    assert Effort.of(0).ending(report, ()) is report
    assert Effort.of("3 s").ending(report, [took(1, 2.0)], [took(1, 1.0)])(1, 0.5)
    assert not Effort.of("1000 s").ending(report, [took(1, 2.0)])(2, 0.5)
    assert reported == [(1, 0.5), (2, 0.5)]


def test_settings_have_one_form_of_it():
    assert pp.Settings(effort="2e3") == pp.Settings()
    assert pp.Settings(effort="90s") == pp.Settings(effort="90 s")
