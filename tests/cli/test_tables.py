"""Tables and sentences, read as text."""

from dataclasses import replace

import pytest

import pacpinn as pp
from pacpinn.cli import formats, tables
from pacpinn.continuation.solution import Singularity, SingularPoint
from tests.cli import console, text
from tests.toys import Decay


class Varied(Decay):
    """Decay with more coefficients, which change nothing."""

    mass, damping, stiffness = (pp.Coefficient(1.0, low=0.5, high=2.0, doc="of a spring") for _ in range(3))


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


def test_the_table_has_a_row_for_each_member(solved_decay):
    lines = printed(tables.members_table(solved_decay, console())).splitlines()
    assert [line.split()[:3] for line in lines[-3:]] == [
        ["source", "1", "converged"],
        ["1", "1.3", "converged"],
        ["2", "1.6", "converged"],
    ]
    assert "relative" in lines[0]
    assert lines[1].split() == ["k", "status", "error", "estimate", "steps", "seconds"]


@pytest.mark.parametrize("names", [[], ["mass"], ["mass", "damping"], ["mass", "damping", "stiffness"]])
def test_the_table_fits_eighty_columns_with_any_number_of_coefficients(solved_decay, names):
    page = console()
    page.print(tables.members_table(varied(solved_decay, names), page))
    lines = text(page).splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in text(page)
    assert ("mass" in lines[1]) == (0 < len(names) < 3)
    assert ("see table.csv" in text(page)) == (len(names) == 3)


def test_the_table_names_the_base_where_there_are_several(solved_decay):
    members = [solved_decay.source, solved_decay.targets[0], replace(solved_decay.targets[1], base=1)]
    family = pp.Family(solved_decay.problem, 2 * solved_decay.bases, members, solved_decay.settings)
    lines = printed(tables.members_table(family, console())).splitlines()
    assert lines[1].split()[:3] == ["k", "status", "base"]
    assert [line.split()[3] for line in lines[-3:]] == ["0", "0", "1"]


def test_a_target_that_was_not_solved_is_told_with_the_last_good_coefficient(solved_decay):
    missed = replace(solved_decay.targets[1], status=pp.Status.STALLED, reached=pp.Coefficients(k=1.45))
    members = [solved_decay.source, solved_decay.targets[0], missed]
    family = pp.Family(solved_decay.problem, solved_decay.bases, members, solved_decay.settings)
    assert list(tables.shortfalls(family)) == ["k 1.6: stalled; solved as far as k 1.45"]
    assert list(tables.shortfalls(solved_decay)) == []


@pytest.mark.parametrize("kind", Singularity)
def test_a_singular_point_on_the_path_is_told(solved_decay, kind):
    point, third = SingularPoint(kind, pp.Coefficients(k=1.45)), solved_decay.targets[1]
    parent = solved_decay.targets[0].coefficients

    def told(**changes) -> list[str]:
        members = [solved_decay.source, solved_decay.targets[0], replace(third, singular=point, **changes)]
        return list(tables.shortfalls(pp.Family(Decay(), solved_decay.bases, members, solved_decay.settings)))

    assert told(parent=parent) == [f"k 1.6: converged; the path from k 1.3 passes a {kind} near k 1.45"]
    stopped = {"status": pp.Status.STALLED, "reached": pp.Coefficients(k=1.4)}
    assert told(**stopped) == [f"k 1.6: stalled; solved as far as k 1.4; a {kind} near k 1.45"]


def with_members(solved: pp.Family, **changes) -> list[str]:
    """The lines of the table of a family whose members are changed."""
    members = [replace(each, **changes) for each in solved.values()]
    family = pp.Family(solved.problem, solved.bases, members, solved.settings)
    return printed(tables.members_table(family, console())).splitlines()


def test_error_estimates_have_a_column_where_there_are_any(solved_decay):
    lines = with_members(solved_decay, error_estimate=3e-4, error_bound=4e-4)
    assert lines[1].split() == ["k", "status", "error", "estimate", "steps", "seconds"]
    assert all("3.0e-04" in line for line in lines[-3:])


def test_where_no_error_is_estimated_the_residual_is_shown(solved_decay):
    lines = with_members(solved_decay, error_estimate=None, error_bound=None, residual=7e-4)
    assert lines[1].split() == ["k", "status", "error", "residual", "steps", "seconds"]
    assert all("7.0e-04" in line for line in lines[-3:])


@pytest.mark.parametrize(("bound", "shown"), [(9e-4, False), (5e-3, True)])
def test_bounds_are_shown_where_one_is_above_the_tolerance(solved_decay, bound, shown):
    lines = with_members(solved_decay, error_estimate=3e-4, error_bound=bound)
    assert (lines[1].split()[-3] == "most") == shown
    assert all((formats.short_number(bound) in line) == shown for line in lines[-3:])
    assert max(map(len, lines)) <= 80


def test_a_family_without_a_range_has_no_sentence_about_one(solved_decay):
    assert list(tables.answers_over_range(solved_decay)) == []


def test_facts_in_words():
    assert tables.in_words({"nu": 0.0100, "solver": "adam", "seed": 3}) == "nu 0.01, solver adam, seed 3"


def test_problems_are_listed_with_their_coefficients():
    listed = printed(tables.problems_table([Varied()]))
    assert "varied" in listed
    assert "Decay with more coefficients" in listed
    assert "k = 1  (0.1 to 10)  rate" in listed
    assert "mass, damping, stiffness = 1  (0.5 to 2)  of a spring" in listed
