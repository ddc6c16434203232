"""Which of PINNacle's problems are measured, and what their rows come to."""

import argparse
import io

import numpy as np
import pytest
from rich.console import Console

import pacpinn as pp
from pinnacle import CASES, QUICK_CASES, more_options, requests
from pinnacle_measured import measure
from pinnacle_report import claims, comparisons, failures, figure, kept, table, table_of_families
from report import Report
from strangers_errors import Case
from tests.toys import Decay

X = np.linspace(0, 1, 50)[:, None]
MEMBER = {"part": "member", "stated": True, "coefficients": "m=4", "status": "converged", "seconds": 40.0}
MEMBER |= {"error": 2e-3, "plain": 1e-3, "estimate": 1e-3, "bound": 2e-3, "warnings": []}
FURTHER = {**MEMBER, "stated": False, "coefficients": "m=6", "status": "stalled", "plain": 0.5, "warnings": ["a doubt"]}
ENDED = {"part": "process", "seconds": 50.0, "message": None}


def chosen(*words: str, quick: bool = False, only=CASES) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    more_options(parser)
    return argparse.Namespace(**vars(parser.parse_args(words)), quick=quick, only=list(only), threads=1)


def rows_of(*found, case="wave_1d", seed=0):
    return kept(case, seed, [*found, ENDED])


def shown(renderable) -> str:
    console = Console(file=io.StringIO(), width=80)
    console.print(renderable)
    return console.file.getvalue()


def claimed(*rows):
    report = Report("pinnacle", quick=False)
    report.rows = list(rows)
    claims(report)
    return [(each.reached, each.holds) for each in report.claims]


def test_what_is_asked():
    assert requests(chosen()) == (CASES, [0, 1, 2])
    assert len(CASES) == 15
    assert requests(chosen(quick=True)) == (QUICK_CASES, [0])
    assert requests(chosen("--seeds", "4", "5", only=["cavity"])) == (["cavity"], [4, 5])


def test_a_case_is_compared_with_the_best_of_the_paper():
    (found,) = comparisons([*rows_of(MEMBER, FURTHER), *rows_of({**MEMBER, "plain": 3e-3, "seconds": 60.0}, seed=1)])
    assert found.error == pytest.approx(2e-3)
    assert (found.best, found.method, found.seconds) == (0.0979, "NTK", 60.0)
    assert found.holds


@pytest.mark.parametrize("change", [{"plain": 0.2}, {"plain": None}, {"seconds": 601.0}])
def test_a_case_that_is_less_accurate_or_too_late_is_told(change):
    rows = rows_of({**MEMBER, **change})
    assert not comparisons(rows)[0].holds
    assert " *" in shown(table(rows))
    assert claimed(*rows, *rows_of(MEMBER, case="burgers_1d"))[0] == ("1 of 2; not wave_1d", False)


def test_a_case_without_a_row_in_the_paper_is_not_compared():
    rows = rows_of(MEMBER, case="helmholtz")
    assert comparisons(rows)[0].best is None
    assert claimed(*rows)[0] == ("0 of 0", False)
    assert "*" not in shown(table(rows)).splitlines()[-1]


def test_a_process_that_was_stopped_leaves_a_row():
    rows = kept("burgers_1d", 0, [{"part": "process", "seconds": 600.0, "message": "stopped after 600 s"}])
    assert [row["part"] for row in rows] == ["member", "process"]
    assert comparisons(rows)[0].converged == "0/1"
    assert list(failures(rows)) == ["burgers_1d, seed 0:  stopped. stopped after 600 s"]


def test_members_that_are_not_converged_are_told():
    rows = rows_of(MEMBER, FURTHER)
    assert list(failures(rows)) == ["wave_1d, seed 0: m=6 stalled. a doubt"]
    assert "m=6" in shown(table_of_families(rows))
    assert table_of_families(rows_of(MEMBER)) is None
    figure(rows)


def test_bounds_of_converged_members():
    assert claimed(*rows_of(MEMBER))[1] == ("0 of 1", True)
    assert claimed(*rows_of({**MEMBER, "bound": 1e-4}))[1] == ("1 of 1", False)


def test_tables_fit_80_columns():
    rows = rows_of({**MEMBER, "plain": 0.2, "status": "max_steps"}, FURTHER, case="poisson_boltzmann")
    for each in (table(rows), table_of_families(rows)):
        assert "poisson_boltzmann" in shown(each)


def decay(**others) -> Case:
    asked = {"problem": Decay, "targets": [{"k": 1.3}], "within": None, "goal": np.nan}
    return Case("decay", **{**asked, "exact": Decay().reference, "points": lambda c, n: X, **others})


def test_the_stated_case_is_measured_first_and_then_its_family(monkeypatch, family):
    monkeypatch.setattr(pp, "solve_family", lambda *_, **__: family)
    rows = []
    measure(decay(), 0, "90 s", rows.append)
    assert [(row["coefficients"], row["stated"]) for row in rows] == [("k=1", True), ("k=1.3", False)]
    assert all(row["plain"] < row["bound"] for row in rows)


def test_a_missing_file_is_told_before_any_work():
    def missing(x, c):
        raise FileNotFoundError("burgers1d.dat")

    rows = []
    measure(decay(exact=missing), 0, "90 s", rows.append)
    assert [row["status"] for row in rows] == ["raised"]
    assert "burgers1d.dat" in rows[0]["message"]
