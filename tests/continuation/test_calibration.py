"""Calibration on a base: from where it starts, what is minimised, how it is judged, and several targets in a batch."""

from dataclasses import replace

import pytest
import torch

import pacpinn as pp
from pacpinn.continuation.calibration import (
    PathSegment,
    batch_size,
    calibrate,
    calibrate_together,
    calibration_objective,
    secant_predictor,
)
from pacpinn.continuation.settings import Settings, StepContext
from pacpinn.continuation.solution import Base, SolutionOnBase
from pacpinn.errors import NotEnoughMemory
from pacpinn.networks.objective import Objective
from pacpinn.solvers import accuracy
from pacpinn.solvers.base import Status
from pacpinn.solvers.choice import get_solver
from pacpinn.transfer.methods import minimise
from tests.toys import Decay, Waves, same_bits


def context_of(family, **settings):
    return StepContext(family.problem, family.bases, Settings(**settings) if settings else family.settings)


# The predictor --------------------------------------------------------------------------------------------------------


def guess(family, before, base=None, **target):
    task = family.problem.task(**target)
    start = SolutionOnBase(family.targets[1], family.bases[0])
    before = None if before is None else SolutionOnBase(before, base or family.bases[0])
    segment = PathSegment(start, task.coefficients, before)
    return secant_predictor(family.problem, Objective(task, family.bases[0].masked), [segment])[0]


def test_it_lies_on_the_secant_where_the_residual_is_smaller_there(family):
    parent, target = family.targets[1], pp.Coefficients(k=1.7)
    share = family.problem.space.beyond(family.targets[0].coefficients, parent.coefficients, target)
    assert share > 0
    solved = calibrate(context_of(family), *segments(family, 1.7)).solution.z
    before = replace(family.targets[0], z=parent.z - (solved - parent.z) / share)  # the line leads to the solution
    torch.testing.assert_close(guess(family, before, k=1.7), solved)


def test_it_lies_between_two_members_for_a_target_between_them(family):
    before, parent = family.targets
    share = family.problem.space.beyond(before.coefficients, parent.coefficients, pp.Coefficients(k=1.45))
    assert -1 < share < 0
    torch.testing.assert_close(guess(family, before, k=1.45), parent.z + share * (parent.z - before.z))


def test_it_is_the_parent_where_the_secant_leads_astray(family):
    assert same_bits(guess(family, family.targets[0], k=9.9), family.targets[1].z)


def test_it_is_the_parent_without_a_member_before_on_the_same_base(family):
    assert same_bits(guess(family, None, k=1.7), family.targets[1].z)
    other = Base(family.bases[0].masked, pp.Coefficients(k=1.3))
    assert same_bits(guess(family, family.targets[0], other, k=1.7), family.targets[1].z)


def test_a_task_of_data_starts_at_its_parent():
    family = pp.solve_family(Waves(), targets=[{"shift": 0.1}, {"shift": 0.2}], solver=pp.Adam(steps=5))
    before, parent = family.targets
    task = family.problem.task(shift=0.3)
    objective = Objective(task, family.bases[0].masked)
    start, second = (SolutionOnBase(each, family.bases[0]) for each in (parent, before))
    segment = PathSegment(start, task.coefficients, second)
    assert same_bits(secant_predictor(family.problem, objective, [segment])[0], parent.z)


# One target -----------------------------------------------------------------------------------------------------------


def test_the_objective_is_the_loss_with_a_penalty_that_pulls_to_zero(family):
    task, base = family.problem.task(k=1.3), family.bases[0].masked
    objective = calibration_objective(task, base, Settings(penalty=0.5))
    z = torch.linspace(-1, 1, len(base.start), dtype=torch.float64)
    expected = task.loss(base.forward(z), task.everything()) + 0.5 * z.square().sum()
    torch.testing.assert_close(objective.penalised(z, task.everything()), expected)


def test_without_a_wish_the_penalty_is_the_tasks(family):
    task = family.problem.task(k=1.3)
    assert calibration_objective(task, family.bases[0].masked, Settings()).penalty == task.penalty > 0


def test_a_solve_ends_within_the_tolerance(family):
    task, base = family.problem.task(k=1.3), family.bases[0].masked
    objective = calibration_objective(task, base, Settings())
    result = minimise(objective, get_solver(None, task), base.start)
    assert result.status is Status.CONVERGED
    assert result.error_estimate <= task.tolerance


def test_a_segment_is_calibrated_from_its_start(family):
    start = SolutionOnBase(family.targets[0], family.bases[0])
    context = StepContext(family.problem, family.bases, Settings())
    found = calibrate(context, PathSegment(start, pp.Coefficients(k=1.35)))
    assert found.solved
    assert found.base is start.base
    assert (found.coefficients, found.solution.parent) == (pp.Coefficients(k=1.35), start.coefficients)
    again = calibrate(context, PathSegment(found, found.coefficients))
    assert again.solution.steps == 0
    assert same_bits(again.solution.z, found.solution.z)


class Edge(Decay):
    """A decay whose formula has no meaning beyond k = 2."""

    def residual(self, t, u, c):
        return super().residual(t, u, c) + 0 * torch.sqrt(torch.as_tensor(2.0 - c.k))


def test_a_start_where_residuals_are_not_finite_has_diverged_before_the_first_step(family):
    context = StepContext(Edge(), family.bases, Settings())
    segment = PathSegment(SolutionOnBase(family.targets[1], family.bases[0]), pp.Coefficients(k=2.5))
    found = calibrate(context, segment)
    assert (found.solution.status, found.solution.steps) == (Status.DIVERGED, 0)
    assert same_bits(found.solution.z, segment.start.solution.z)


# Several targets in one batch -----------------------------------------------------------------------------------------


def segments(family, *rates, before=None):
    start = SolutionOnBase(family.targets[-1], family.bases[0])
    return [PathSegment(start, family.problem.at({"k": k}), before) for k in rates]


@pytest.mark.parametrize("secant", [False, True])
def test_each_target_is_solved_as_by_itself(family, secant):
    before = SolutionOnBase(family.targets[0], family.bases[0]) if secant else None
    found = segments(family, 1.7, 1.9, 2.2, before=before)
    context = context_of(family)
    together = calibrate_together(context, found)
    for segment, one in zip(found, together, strict=True):
        alone = calibrate(context, segment)
        assert one.solved
        assert (one.coefficients, one.solution.steps) == (segment.target, alone.solution.steps)
        assert one.solution.error_estimate == pytest.approx(alone.solution.error_estimate, rel=1e-3)
        assert one.solution.error_estimate <= Decay.tolerance
        assert one.base is family.bases[0]
        assert one.solution.parent == segment.start.coefficients
        torch.testing.assert_close(one.solution.z, alone.solution.z, rtol=1e-6, atol=1e-8)


def test_a_target_of_a_batch_goes_on_until_its_error_is_within_the_tolerance(family, monkeypatch):
    """The first round's residual is within the tolerance, and the error is not."""
    real, seen = accuracy.error_estimate, []

    def doubtful(task, masked, z):
        seen.append(task.coefficients)
        found = real(task, masked, z)
        return replace(found, relative=0.1) if seen.count(task.coefficients) == 1 else found

    monkeypatch.setattr("pacpinn.solvers.accuracy.error_estimate", doubtful)
    found = calibrate_together(context_of(family), segments(family, 1.7, 1.9))
    assert all(each.solved for each in found)
    assert [seen.count(each.coefficients) for each in found] == [2, 2]
    assert all(each.solution.error_estimate <= Decay.tolerance for each in found)


def test_the_seconds_of_a_batch_are_shared_equally(family):
    first, second = calibrate_together(context_of(family), segments(family, 1.7, 1.8))
    assert first.solution.seconds == second.solution.seconds > 0


def test_other_solvers_and_data_are_solved_one_by_one(family):
    two = list(family)[:2]
    assert batch_size(context_of(family, batch=4), two) == 4
    assert batch_size(context_of(family, batch=4, solver="lbfgs"), two) == 1
    assert batch_size(StepContext(Waves(), family.bases, Settings(batch=4)), [Waves().source] * 2) == 1


def test_a_batch_that_cannot_fit_is_refused(family, monkeypatch):
    monkeypatch.setattr("pacpinn.solvers.memory_estimate.available_memory", lambda device: 100_000)
    with pytest.raises(NotEnoughMemory, match="of memory"):
        calibrate_together(context_of(family), segments(family, 1.2, 2.0, 3.0))


def test_methods_that_solve_a_target_by_itself_have_no_batches(family):
    assert batch_size(context_of(family, batch=4, method="from-scratch"), list(family)[:2]) == 1


def test_on_a_processor_targets_are_solved_one_at_a_time_by_default(family):
    assert batch_size(context_of(family), list(family)[:2]) == 1
