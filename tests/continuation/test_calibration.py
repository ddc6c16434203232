"""Calibration on a base: what is minimised, from where, and how it is judged."""

import torch

import pacpinn as pp
from pacpinn.continuation.calibration import calibrate, calibration_objective, solve_calibration
from pacpinn.continuation.predictor import PathSegment
from pacpinn.continuation.settings import Settings
from pacpinn.continuation.solution import SolutionOnBase
from pacpinn.solvers.base import Status
from tests.toys import same_bits


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
    result = solve_calibration(objective, Settings(), base.start)
    assert result.status is Status.CONVERGED
    assert objective.solved(result.z, result.history[-1])


def test_a_segment_is_calibrated_from_its_start(family):
    start = SolutionOnBase(family.targets[0], family.bases[0])
    found = calibrate(family.problem, PathSegment(start, pp.Coefficients(k=1.35)), Settings())
    assert found.solved
    assert found.base is start.base
    assert (found.coefficients, found.solution.parent) == (pp.Coefficients(k=1.35), start.coefficients)
    again = calibrate(family.problem, PathSegment(found, found.coefficients), Settings())
    assert again.solution.steps == 0
    assert same_bits(again.solution.z, found.solution.z)
