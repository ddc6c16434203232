"""The loop around full-batch optimisers: when it ends, with which status, at which weights."""

import pytest
import torch

from pacpinn.networks.objective import Objective
from pacpinn.solvers.base import Result, Status, silent
from pacpinn.solvers.full_batch import minimise_full_batch
from tests.solvers.problems import shaped


def bowl(tolerance: float | None = None) -> Objective:
    return shaped(lambda a, b: a**2 + b**2, a=2.0, b=0.0, tolerance=tolerance)


def by_factors(*factors: float):
    """An optimiser that multiplies the weights by these factors, one a call, and then cannot go on."""

    def optimiser(z, closure):
        script = iter(factors)

        def advance(count):
            factor = next(script, None)
            if factor is None:
                return False
            closure()
            with torch.no_grad():
                z.mul_(factor)
            return True

        return advance

    return optimiser


def run(objective: Objective, *factors: float, steps: int = 100, chunk: int = 10, report=silent) -> Result:
    start = objective.masked.start
    return minimise_full_batch(objective, start, by_factors(*factors), steps, chunk, report)


def test_steps_are_taken_in_chunks_and_the_last_may_be_smaller():
    counts = []

    def optimiser(z, closure):
        def advance(count):
            counts.append(count)
            with torch.no_grad():
                z.mul_(0.5)
            return True

        return advance

    objective = bowl()
    result = minimise_full_batch(objective, objective.masked.start, optimiser, 25, 10, silent)
    assert counts == [10, 10, 5]
    assert result.status is Status.MAX_STEPS
    assert result.history == [4.0, 1.0, 0.25, 0.0625]


def test_a_loss_within_the_tolerance_ends_it():
    result = run(bowl(tolerance=0.6), 0.5, 0.5, 0.5)
    assert (result.status, result.history[-1]) == (Status.CONVERGED, 0.25)


def test_a_start_within_the_tolerance_takes_no_step():
    result = run(bowl(tolerance=3.0), 0.5)
    assert (result.status, result.steps, result.history) == (Status.CONVERGED, 0, [4.0])


@pytest.mark.parametrize(("tolerance", "status"), [(None, Status.CONVERGED), (1e-3, Status.STALLED)])
def test_a_loss_that_falls_no_further_ends_it_with_the_weights_before(tolerance, status):
    result = run(bowl(tolerance), 0.5, 1.5)
    assert result.status is status
    assert result.z.tolist() == [1.0, 0.0]
    assert result.history == [4.0, 1.0, 2.25]


@pytest.mark.parametrize("factors", [(0.5, float("inf")), (0.5,)], ids=["not finite", "no step"])
def test_a_loss_or_an_optimiser_that_fails_has_diverged_with_the_best_weights(factors):
    result = run(bowl(), *factors)
    assert result.status is Status.DIVERGED
    assert result.z.tolist() == [1.0, 0.0]


def test_steps_count_the_optimisers_evaluations_and_every_check_is_reported():
    reported = []
    result = run(bowl(), 0.5, 0.5, steps=20, report=lambda step, loss: reported.append((step, loss)))
    assert result.steps == 2
    assert reported == [(10, 1.0), (20, 0.25)]


def test_no_steps_leave_the_start():
    result = run(bowl(), steps=0)
    assert (result.status, result.z.tolist()) == (Status.MAX_STEPS, [2.0, 0.0])
