"""The source: from a fresh network; else by way of a target; else the family starts at that target."""

import logging

import numpy as np
import pytest

import pacpinn as pp
from pacpinn.family.rerun import compared, rerun
from pacpinn.solvers.base import Result, Status
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from tests.family.file.test_journal import After, interrupt
from tests.toys import Decay, same_family

TARGETS = pp.grid(k=[1.2, 1.6, 2.0, 2.4])


class Reluctant:
    """Levenberg-Marquardt, which gives up at once where it is told to, and notes where it began anew."""

    def __init__(self, gives_up):
        self.gives_up, self.fresh = gives_up, []

    def __call__(self, objective, z, report):
        k, fresh = objective.task.coefficients.k, bool(objective.masked.free.all())
        if fresh and k not in self.fresh:
            self.fresh.append(k)
        if self.gives_up(k, fresh):
            return Result(z, Status.STALLED, steps=3, seconds=0.1, history=[1.0])
        return LevenbergMarquardt()(objective, z, report)


def family_of(gives_up, targets=TARGETS, **settings):
    solver = Reluctant(gives_up)
    given = {"source": {"k": 1.0}, "targets": targets, "keep": 0.5, "solver": solver, "effort": 10**5}
    return pp.solve_family(Decay(), **(given | settings)), solver


def statuses(family):
    return {c.k: str(each.status) for c, each in family.items()}


SOLVED = dict.fromkeys([1.0, 1.2, 1.6, 2.0, 2.4], "converged")


def not_from_a_fresh_network(k, fresh):
    return fresh and k < 1.5


def never_at_the_source(k, fresh):
    return k < 1.1 or not_from_a_fresh_network(k, fresh)


def test_a_source_that_is_solved_tries_no_target():
    family, solver = family_of(lambda k, fresh: False)
    assert statuses(family) == SOLVED
    assert solver.fresh == [1.0]
    assert family.source.parent is None


def test_the_targets_are_tried_from_the_source_on_and_the_source_again_from_the_first_that_is_solved():
    family, solver = family_of(not_from_a_fresh_network)
    assert statuses(family) == SOLVED
    assert solver.fresh == [1.0, 1.2, 1.6]
    assert family.source.parent == pp.Coefficients(k=1.6)
    assert [each.coefficients.k for each in family.bases] == [1.0]
    assert all(each.score.value < 2e-3 for each in family.values())


def test_its_steps_count_all_that_was_tried():
    alone, _ = family_of(lambda k, fresh: False)
    family, _ = family_of(not_from_a_fresh_network)
    assert family.source.steps > alone.source.steps


def test_if_the_source_is_not_solved_even_so_the_family_starts_at_the_target(caplog):
    with caplog.at_level(logging.WARNING, logger="pacpinn"):
        family, _ = family_of(never_at_the_source)
    assert statuses(family) == SOLVED | {1.0: "stalled"}
    assert [each.coefficients.k for each in family.bases] == [1.6, 1.0]
    assert [each.base for each in family.solutions] == [1, 0, 0, 0, 0]
    assert [(each.coefficients.k, each.parent and each.parent.k) for each in family.targets] == [
        (1.6, None),
        (2.0, 1.6),
        (2.4, 2.0),
        (1.2, 1.6),
    ]
    assert "the source k=1 ended stalled" in caplog.text
    assert "tried besides: " in caplog.text
    assert "from k=1.6, which is solved" in caplog.text
    assert "the family starts at k=1.6, which is solved" in caplog.text


def test_how_far_the_path_to_the_source_came_is_kept():
    family, _ = family_of(lambda k, fresh: k < 1.1 or (fresh and k < 1.5), bases=1)
    assert 1.1 <= family.source.reached.k < 1.6
    assert family.source.parent is None


def test_no_target_is_tried_when_the_effort_is_used_up():
    family, solver = family_of(never_at_the_source, effort=0, halvings=0)
    assert solver.fresh == [1.0]
    assert [each.coefficients.k for each in family.bases] == [1.0]


def test_targets_are_tried_until_the_effort_is_used_up():
    """Each takes 3 steps; the source's own tries are counted apart."""
    family, solver = family_of(lambda k, fresh: True, effort=6, halvings=0, bases=1)
    assert solver.fresh == [1.0, 1.2, 1.6]
    assert family.source.steps == 3 * (2 + 2 + 1)  # two tries at the source, two targets, the allocation


@pytest.mark.parametrize("method", ["fine-tuning", "last-layer"])
def test_other_methods_with_a_path_start_there_too(method):
    family, _ = family_of(never_at_the_source, method=method, halvings=0)
    assert [each.coefficients.k for each in family.bases] == [1.6, 1.0]
    assert family[{"k": 1.6}].status == "converged"


def test_a_method_without_a_path_solves_each_target_by_itself():
    family, _ = family_of(never_at_the_source, method="from-scratch")
    assert family.source.status == "stalled"
    assert len(family.bases) == 1


def test_along_a_spine_too():
    family, _ = family_of(never_at_the_source, tree="spine")
    assert statuses(family) == SOLVED | {1.0: "stalled"}
    assert all(each.parent is None or each.parent.k > 1 for each in family.targets)


def test_further_targets_start_from_what_is_solved():
    family, _ = family_of(never_at_the_source)
    family.extend([{"k": 1.15}])
    assert family[{"k": 1.15}].status == "converged"
    assert family[{"k": 1.15}].parent == pp.Coefficients(k=1.2)


def test_a_range_is_refined_from_the_end_that_is_solved():
    family, _ = family_of(lambda k, fresh: k < 1.1, None, within={"k": (1.0, 2.0)}, tolerance=2e-3, members=6)
    assert statuses(family)[1.0] == "stalled"
    assert [each.coefficients.k for each in family.bases][:2] == [2.0, 1.0]
    assert family.targets[0].coefficients.k == 2.0
    assert len(family) > 2
    t = np.linspace(0, 1, 50)[:, None]
    assert family.predict(t, k=1.7) == pytest.approx(np.exp(-1.7 * t), abs=1e-2)


def test_the_family_is_the_same_from_its_file_and_when_it_is_solved_again(tmp_path):
    family, _ = family_of(never_at_the_source)
    loaded = pp.load(family.save(tmp_path / "decay.pac"), Decay())
    assert same_family(loaded, family)
    assert all(each.same for each in compared(family, rerun(family)))


@pytest.mark.parametrize("tree", ["chain", "spine"])
def test_a_run_that_was_interrupted_goes_on_to_the_same_family(tmp_path, tree):
    path = tmp_path / "decay.pac"
    whole, _ = family_of(never_at_the_source, tree=tree)
    with pytest.raises(KeyboardInterrupt):
        family_of(never_at_the_source, tree=tree, save=path, progress=After(2, interrupt))
    resumed, _ = family_of(never_at_the_source, tree=tree, resume=path)
    assert same_family(resumed, whole)


def test_where_pruning_is_what_keeps_the_source_from_being_solved_it_is_said(caplog, monkeypatch):
    monkeypatch.setattr("pacpinn.continuation.family_methods._MORE_KEPT", 0)
    with caplog.at_level(logging.WARNING, logger="pacpinn"):
        family, solver = family_of(lambda k, fresh: k < 1.1 and not fresh)
    assert (family.source.status, solver.fresh[0]) == ("stalled", 1.0)
    assert "its whole network solves it, and the kept weights alone do not: keep more of them (keep)" in caplog.text
