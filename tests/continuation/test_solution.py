"""Solutions, and the bases on which they build."""

from dataclasses import replace

import numpy as np
import pytest

import pacpinn as pp
from pacpinn.continuation.solution import UNNUMBERED, Base, Singularity, SingularPoint, Solution, SolutionOnBase
from pacpinn.solvers.base import Result, Status
from tests.toys import Decay, Waves, wave


def test_a_solution_without_reference_has_no_score():
    problem = Waves()
    pac = pp.PAC(problem.initial_network(0))
    pac.prune(0.5)
    pac.allocate(wave(), pp.Adam(steps=1))
    result = Result(pac.base.start, Status.CONVERGED, steps=1, seconds=0.0, history=[1.0])
    assert Solution.of(problem.task(), pac.base, result, base=0, parent=None).score is None


def test_a_result_is_judged_on_fresh_points_and_against_the_reference(family):
    task, base = Decay().task(k=1.3), family.bases[0]
    solved = family[{"k": 1.3}]
    result = Result(solved.z, Status.CONVERGED, steps=3, seconds=1.0, history=[1.0, 0.5])
    solution = Solution.of(task, base.masked, result, base=0, parent=pp.Coefficients(k=1.0))
    loss = task.loss(base.masked.forward(solved.z), task.fresh(1))
    assert solution.residual == pytest.approx(loss.sqrt().item())
    assert solution.score.value == solved.score.value
    assert (solution.coefficients, solution.steps, solution.history) == (pp.Coefficients(k=1.3), 3, [1.0, 0.5])


def test_by_how_much_a_member_misses_its_tolerance(family):
    member = replace(family.targets[0], tolerance=1e-3, residual=4e-3)
    for estimate, bound, excess in [(5e-4, 1e-3, 0.5), (5e-4, 1.6e-2, 4.0), (3e-3, None, 3.0), (None, None, 4.0)]:
        assert replace(member, error_estimate=estimate, error_bound=bound).excess == pytest.approx(excess)
    assert replace(member, tolerance=None).excess == 0


def test_on_a_base_a_solution_has_no_index_yet(family):
    base = family.bases[0]
    result = Result(base.masked.start, Status.STALLED, steps=1, seconds=0.0, history=[1.0])
    found = SolutionOnBase.of(Decay().task(k=1.0), base, result, parent=None)
    assert (found.solution.base, found.coefficients, found.solved) == (UNNUMBERED, pp.Coefficients(k=1.0), False)


def test_its_network_is_the_bases_at_its_own_weights(family):
    member = family.targets[0]
    found = SolutionOnBase(member, family.bases[0])
    t = np.linspace(0, 1, 5)[:, None]
    np.testing.assert_array_equal(
        Decay().task(**member.coefficients).predict(found.forward, t), family.predict(t, **member.coefficients)
    )


def test_a_base_is_itself_and_no_other_with_equal_weights(family):
    base = family.bases[0]
    copy = Base(base.masked.with_mask(base.masked.free, True), base.coefficients)
    assert base == Base(base.masked, base.coefficients)
    assert base != copy


def test_a_singular_point_says_what_and_where():
    assert str(SingularPoint(Singularity.FOLD, pp.Coefficients(k=2.0))) == "fold near k=2"
