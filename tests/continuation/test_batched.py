"""Several targets in one batch: the same as one by one, where that is possible."""

import pytest
import torch

import pacpinn as pp
from pacpinn.continuation.batched import batch_size, calibrate_together
from pacpinn.continuation.calibration import calibrate
from pacpinn.continuation.predictor import PathSegment
from pacpinn.continuation.solution import SolutionOnBase
from pacpinn.errors import NotEnoughMemory
from tests.toys import Waves


def segments(family, *rates, before=None):
    start = SolutionOnBase(family.targets[-1], family.bases[0])
    return [PathSegment(start, family.problem.at({"k": k}), before) for k in rates]


@pytest.mark.parametrize("secant", [False, True])
def test_each_target_is_solved_as_by_itself(family, secant):
    before = SolutionOnBase(family.targets[0], family.bases[0]) if secant else None
    found = segments(family, 1.7, 1.9, 2.2, before=before)
    together = calibrate_together(family.problem, found, family.settings)
    for segment, one in zip(found, together, strict=True):
        alone = calibrate(family.problem, segment, family.settings)
        assert one.solved
        assert (one.coefficients, one.solution.steps) == (segment.target, alone.solution.steps)
        assert one.base is family.bases[0]
        assert one.solution.parent == segment.start.coefficients
        torch.testing.assert_close(one.solution.z, alone.solution.z, rtol=1e-6, atol=1e-8)


def test_the_seconds_of_a_batch_are_shared_equally(family):
    first, second = calibrate_together(family.problem, segments(family, 1.7, 1.8), family.settings)
    assert first.solution.seconds == second.solution.seconds > 0


def test_other_solvers_and_data_are_solved_one_by_one(family):
    base, two = family.bases[0], list(family)[:2]
    assert batch_size(family.problem, two, base, pp.Settings(batch=4)) == 4
    assert batch_size(family.problem, two, base, pp.Settings(batch=4, solver="lbfgs")) == 1
    assert batch_size(Waves(), [Waves().source] * 2, base, pp.Settings(batch=4)) == 1


def test_a_batch_that_cannot_fit_is_refused(family, monkeypatch):
    monkeypatch.setattr("pacpinn.solvers.memory_estimate.available_memory", lambda device: 100_000)
    with pytest.raises(NotEnoughMemory, match="of memory"):
        calibrate_together(family.problem, segments(family, 1.2, 2.0, 3.0), family.settings)


def test_methods_that_solve_a_target_by_itself_have_no_batches(family):
    two, settings = list(family)[:2], pp.Settings(batch=4, method="from-scratch")
    assert batch_size(family.problem, two, family.bases[0], settings) == 1


def test_on_a_processor_targets_are_solved_one_at_a_time_by_default(family):
    assert batch_size(family.problem, list(family)[:2], family.bases[0], pp.Settings()) == 1
