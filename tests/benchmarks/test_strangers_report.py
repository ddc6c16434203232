"""What rows come to: counts, tables, failures, claims."""

import io

import pytest
from rich.console import Console

from report import Report
from strangers_report import answered, claims, condensed, covers, failures, figure, table, table_between

PROCESS = {"part": "process", "seconds": 9.0, "message": None}
FAMILY = {"part": "family", "goal": 1e-2, "members": 2, "converged": 2, "error": 1e-3, "warnings": [], "seconds": 3.0}
FAMILY = {**FAMILY, "reached": True}
MEMBER = {"part": "member", "coefficients": "k=1", "status": "converged", "error": 5e-4, "plain": 2e-4}
MEMBER = {**MEMBER, "estimate": 4e-4, "bound": 8e-4}
DRAW = {"part": "draw", "draw": 0, "truth": {"k": 1.4}, "seconds": 0.1, "inside": {"k": True}}
DRAW = {**DRAW, "estimates": {"k": 1.5}, "standard_errors": {"k": 0.1}}
MISSED = {"part": "draw", "draw": 1, "truth": {"k": 1.4}, "seconds": 0.3, "message": "NotIdentifiable: no"}
WITHIN = {"part": "within", "tolerance": 1e-2, "asked": 20, "members": 4, "seconds": 5.0}
GIVEN = {"part": "answer", "coefficients": "k=1.2", "outcome": "given", "error": 1e-3, "plain": 5e-4, "estimate": 5e-4}
REFUSED = {**GIVEN, "outcome": "refused", "error": None, "message": "NotAccurate: refused"}


def rows_of(*found, case="decay", seed=0):
    return condensed(case, seed, [*found, PROCESS])


def claimed(rows) -> dict[str, tuple[str, bool]]:
    report = Report("strangers", quick=True)
    report.rows = rows
    claims(report)
    return {each.claim: (each.reached, each.holds) for each in report.claims}


def shown(renderable) -> str:
    console = Console(file=io.StringIO(), width=80)
    console.print(renderable)
    return console.file.getvalue()


def test_draws_are_counted_and_one_that_raised_misses():
    (row,) = (row for row in rows_of(FAMILY, DRAW, MISSED) if row["part"] == "interval")
    assert (row["draws"], row["inside"], row["raised"]) == (2, 1, 1)
    assert row["off"] == pytest.approx(1)
    assert row["message"] == "NotIdentifiable: no"


def test_answers_are_counted():
    over = {**GIVEN, "error": 0.02}
    row = rows_of(FAMILY, {**WITHIN, "members": None}, WITHIN, *[GIVEN] * 18, over, REFUSED)[1]
    assert (row["given"], row["refused"], row["warned"], row["over"]) == (19, 1, 0, 1)
    assert row["error"] == 0.02
    assert row["underestimate"] == pytest.approx(40)
    assert not answered(row)
    assert answered(rows_of(FAMILY, WITHIN, *[GIVEN] * 19, REFUSED)[1])


def test_a_value_that_is_not_finite_is_over_the_tolerance():
    assert rows_of(FAMILY, WITHIN, {**GIVEN, "error": None})[1]["over"] == 1


def test_a_process_that_was_stopped_in_between_has_not_answered():
    begun = {**WITHIN, "members": None, "seconds": None, "message": "not solved when the process was stopped"}
    rows = rows_of(FAMILY, begun)
    assert not answered(rows[1])
    assert list(failures(rows)) == [
        "decay, seed 0: in between 0 of 20 answers given, 0 over the tolerance. not solved when the process was stopped"
    ]
    assert "–" in shown(table_between(rows))


def test_goals():
    wrong = {**FAMILY, "error": 0.3, "reached": False}
    rows = [
        *rows_of(FAMILY),
        *rows_of(wrong, seed=1),
        *rows_of(FAMILY, case="rod"),
        *rows_of(FAMILY, case="rod", seed=1),
    ]
    told = claimed(rows)
    assert told["cases and seeds that reach their goal"] == ("3 of 4 (75%)", False)
    assert told["cases that reach it at all seeds"] == ("1 of 2", False)


def test_estimates_and_bounds_of_converged_members():
    low, stalled = {**MEMBER, "estimate": 1e-4, "bound": 2e-4}, {**MEMBER, "status": "stalled", "estimate": 1e-9}
    told = claimed(rows_of(FAMILY, MEMBER, low, stalled))
    assert told["converged, but error above bound"] == ("1 of 2 (50.0%)", False)
    assert told["converged, but error above 3 x estimate"] == ("1 of 2 (50.0%)", False)
    told = claimed(rows_of(FAMILY, {**MEMBER, "bound": None}))
    assert told["converged, but error above bound"] == ("none has a bound", False)
    assert told["converged, but error above 3 x estimate"] == ("0 of 1 (0.0%)", True)


def test_answers_in_between_are_claimed_where_they_were_asked_for():
    assert "cases answered in between" not in claimed(rows_of(FAMILY))
    told = claimed(rows_of(FAMILY, WITHIN, *[GIVEN] * 20))
    assert told["cases answered in between"] == ("1 of 1", False)
    assert told["answers over the tolerance, of those given without a word"] == ("0 of 20 (0.0%)", True)


@pytest.mark.parametrize(
    ("draws", "inside", "right"), [(100, 90, True), (100, 89, False), (100, 100, False), (5, 5, True)]
)
def test_coverage(draws, inside, right):
    assert covers({"draws": draws, "inside": inside}) == right


def test_a_claim_for_the_intervals_of_each_case():
    assert claimed(rows_of(FAMILY, DRAW))["decay: intervals with the truth, of 1"] == ("k: 1", True)


def test_tables_fit_80_columns():
    name = "convection_diffusion_soft"
    rows = [row for seed in (0, 1, 2) for row in rows_of(FAMILY, WITHIN, GIVEN, case=name, seed=seed)]
    lines = shown(table(rows)).splitlines()
    assert lines[-1].split() == [name, "0.01", *["1.0e-03"] * 3, *["2/2"] * 3, "3"]
    assert shown(table_between(rows)).splitlines()[-1].split()[:2] == [name, "2"]
    assert table_between(rows_of(FAMILY)) is None


def test_failures_tell_what_the_library_said():
    wrong = {**FAMILY, "error": 0.3, "reached": False}
    stalled = {**MEMBER, "status": "stalled"}
    assert list(failures(rows_of(FAMILY, MEMBER))) == []
    assert list(failures(rows_of(wrong, MEMBER, stalled))) == [
        "decay, seed 0: error 0.3, 1 stalled. (the library said nothing)"
    ]
    warned = {**wrong, "warnings": ["a doubt", "another"]}
    assert list(failures(rows_of(warned, MEMBER))) == ["decay, seed 0: error 0.3, all converged. a doubt; another"]


def test_a_process_that_was_stopped_is_a_failure_told_once():
    rows = condensed("decay", 0, [{**PROCESS, "message": "stopped after 900 s"}])
    assert list(failures(rows)) == ["decay, seed 0: not solved. stopped after 900 s"]
    assert "–" in shown(table(rows))
    assert len(figure(rows).axes) == 2


def test_the_figure_has_a_point_for_each_family_and_member():
    left, right = figure(rows_of(FAMILY, MEMBER)).axes
    assert left.lines[0].get_xdata()[0] == pytest.approx(0.1)
    assert right.lines[0].get_ydata()[0] == 5e-4
