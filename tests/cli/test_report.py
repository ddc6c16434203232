"""What the command line shows, read as text."""

import io
import json
import logging
from dataclasses import replace

import pytest
from rich.console import Console

import pacpinn as pp
from pacpinn.cli import report
from pacpinn.family.progress import Progress
from tests.toys import Decay


class Varied(Decay):
    """Decay with more coefficients, which change nothing."""

    mass, damping, stiffness = (pp.Coefficient(1.0, low=0.5, high=2.0, doc="of a spring") for _ in range(3))


def console(width: int = 80, terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=terminal, color_system=None)


def text(shown: Console) -> str:
    return shown.file.getvalue()


def printed(renderable, width: int = 80) -> str:
    page = console(width)
    page.print(renderable)
    return text(page)


def varied(solved: pp.Family, names: list[str]) -> pp.Family:
    """A solved family as if the coefficients so named had varied."""
    problem = Varied()
    members = [
        replace(each, coefficients=problem.at(each.coefficients | (dict.fromkeys(names, 1 + i / 7) if i else {})))
        for i, each in enumerate(map(with_plain_coefficients, solved.values()))
    ]
    return pp.Family(problem, solved.bases, members, solved.settings)


def with_plain_coefficients(solution):
    return replace(solution, coefficients=dict(solution.coefficients))


# Tables ---------------------------------------------------------------------------------------------------------------


def test_the_table_has_a_row_for_each_member(solved_decay):
    lines = printed(report.members_table(solved_decay, console())).splitlines()
    assert [line.split()[:3] for line in lines[-3:]] == [
        ["source", "1", "converged"],
        ["1", "1.3", "converged"],
        ["2", "1.6", "converged"],
    ]
    assert "relative" in lines[0]
    assert lines[1].split() == ["k", "status", "L2", "error", "residual", "steps", "seconds"]


@pytest.mark.parametrize("names", [[], ["mass"], ["mass", "damping"], ["mass", "damping", "stiffness"]])
def test_the_table_fits_eighty_columns_with_any_number_of_coefficients(solved_decay, names):
    page = console()
    page.print(report.members_table(varied(solved_decay, names), page))
    lines = text(page).splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in text(page)
    assert ("mass" in lines[1]) == (0 < len(names) < 3)
    assert ("see table.csv" in text(page)) == (len(names) == 3)


def test_the_table_names_the_base_where_there_are_several(solved_decay):
    members = [solved_decay.source, solved_decay.targets[0], replace(solved_decay.targets[1], base=1)]
    family = pp.Family(solved_decay.problem, 2 * solved_decay.bases, members, solved_decay.settings)
    lines = printed(report.members_table(family, console())).splitlines()
    assert lines[1].split()[:3] == ["k", "status", "base"]
    assert [line.split()[3] for line in lines[-3:]] == ["0", "0", "1"]


def test_a_target_that_was_not_solved_is_told_with_the_last_good_coefficient(solved_decay):
    missed = replace(solved_decay.targets[1], status=pp.Status.STALLED, reached=pp.Coefficients(k=1.45))
    members = [solved_decay.source, solved_decay.targets[0], missed]
    family = pp.Family(solved_decay.problem, solved_decay.bases, members, solved_decay.settings)
    assert list(report.shortfalls(family)) == ["k 1.6: stalled; solved as far as k 1.45"]
    assert list(report.shortfalls(solved_decay)) == []


def test_problems_are_listed_with_their_coefficients():
    listed = printed(report.problems_table([Varied()]))
    assert "varied" in listed
    assert "Decay with more coefficients" in listed
    assert "k = 1  (0.1 to 10)  rate" in listed
    assert "mass, damping, stiffness = 1  (0.5 to 2)  of a spring" in listed


# JSON and CSV ---------------------------------------------------------------------------------------------------------


def test_json_knows_no_nan(solved_decay):
    broken = replace(solved_decay.targets[0], residual=float("nan"), score=pp.Score("relative L2 error", float("inf")))
    family = pp.Family(solved_decay.problem, solved_decay.bases, [solved_decay.source, broken], solved_decay.settings)
    target = json.loads(report.as_json(report.as_dict(family)))["targets"][0]
    assert (target["metric"], target["error"], target["residual"]) == ("relative L2 error", None, None)


def test_json_without_a_reference_has_no_error(solved_decay):
    unknown = replace(solved_decay.source, score=None)
    family = pp.Family(solved_decay.problem, solved_decay.bases, [unknown], solved_decay.settings)
    source = report.as_dict(family)["source"]
    assert source["metric"] is source["error"] is None


def test_numbers_in_csv_keep_every_digit():
    number = 0.1 + 0.2
    line = report.as_csv(["a", "b"], [[number, None]]).splitlines()[1]
    assert float(line.split(",")[0]) == number
    assert line.endswith(",")


# Progress -------------------------------------------------------------------------------------------------------------


def play(family: pp.Family, callback) -> None:
    """The progress of a solve that has ended."""
    for stage, member in zip(("allocate", "calibrate", "calibrate"), family.values(), strict=True):
        callback(Progress(stage, member.coefficients, 1, 0.5))
        callback(Progress(stage, member.coefficients, member.steps, member.history[-1], member))


def test_without_a_terminal_each_member_is_a_plain_line(solved_decay):
    page = console(width=20)
    with report.watching(page, ["k"], 3) as callback:
        play(solved_decay, callback)
    lines = text(page).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["1/3 source", "2/3 k=1.3", "3/3 k=1.6"]
    assert "relative L2 error" in lines[0]


def test_a_long_solve_says_now_and_then_that_it_lives(solved_decay, monkeypatch):
    monkeypatch.setattr(report, "_SECONDS_BETWEEN_LINES", 0)
    page = console()
    with report.watching(page, ["k"], 3) as callback:
        callback(Progress("fit", solved_decay.source.coefficients, 7, 0.5))
    assert text(page) == "fit source: step 7, loss 5.0e-01\n"


def test_on_a_terminal_a_bar_moves_with_loss_and_time(solved_decay):
    page = console(terminal=True)
    with report.watching(page, ["k"], 3) as callback:
        play(solved_decay, callback)
    for expected in ("calibrate k=1.6", "3/3", "loss", "0:00:00"):
        assert expected in text(page)


def test_warnings_are_shown_and_only_while_asked_for():
    page = console(width=20)
    log = logging.getLogger("pacpinn.anything")
    with report.warnings_on(page):
        log.warning("the source k=%g ended [stalled]", 1)
    assert text(page) == "warning: the source k=1 ended [stalled]\n"
    assert not logging.getLogger("pacpinn").handlers
