"""What a callback is told."""

import math
from dataclasses import replace

import pytest

from pacpinn.family.progress import Progress, ended, ignore, reporter
from pacpinn.tasks.coefficient import Coefficients


def test_a_reporter_tells_stage_coefficients_step_and_loss():
    told, c = [], Coefficients(k=1.3)
    reporter(told.append, "fit", c)(3, 0.5)
    assert reporter(lambda each: True, "fit", c)(3, 0.5) is None  # what a callback returns ends no solver
    assert told == [Progress("fit", c, 3, 0.5)]
    assert told[0].solution is None


def test_the_end_tells_the_member_with_its_last_loss(solved_decay):
    member = solved_decay.targets[0]
    told = ended("calibrate", member)
    assert (told.step, told.loss, told.solution) == (member.steps, member.history[-1], member)
    assert ignore(told) is None


def test_a_solver_without_a_step_has_no_loss(solved_decay):
    assert math.isnan(ended("calibrate", replace(solved_decay.source, history=[])).loss)


@pytest.mark.parametrize("field", ["stage", "coefficients", "step", "loss", "solution"])
def test_progress_does_not_change(field):
    with pytest.raises(AttributeError):
        setattr(Progress("fit", Coefficients(k=1.0), 0, 1.0), field, None)
