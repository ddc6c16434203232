"""Where the solve of a target starts."""

import pytest
import torch

import pacpinn as pp
from pacpinn.continuation.predictor import PathSegment, secant_predictor
from pacpinn.continuation.solution import Base, SolutionOnBase
from pacpinn.networks.objective import Objective
from tests.toys import Waves, same_bits


def guess(family, before, base=None, **target):
    task = family.problem.task(**target)
    start = SolutionOnBase(family.targets[1], family.bases[0])
    before = None if before is None else SolutionOnBase(before, base or family.bases[0])
    segment = PathSegment(start, task.coefficients, before)
    return secant_predictor(family.problem, Objective(task, family.bases[0].masked), [segment])[0]


@pytest.fixture
def family(solved_decay):
    return solved_decay


def test_it_lies_on_the_secant_where_the_residual_is_smaller_there(family):
    before, parent = family.targets
    share = family.problem.space.beyond(before.coefficients, parent.coefficients, pp.Coefficients(k=1.7))
    assert share > 0
    torch.testing.assert_close(guess(family, before, k=1.7), parent.z + share * (parent.z - before.z))


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
