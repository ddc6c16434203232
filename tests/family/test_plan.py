"""What a run is to solve."""

import pytest

import pacpinn as pp
from pacpinn.errors import CoefficientError, PacpinnError
from pacpinn.family.file.provenance import run_spec
from pacpinn.family.plan import plan_family
from pacpinn.sweep.requests import RangeRequest, TargetRequest
from tests.toys import Decay, Waves


def plan(problem=None, source=None, targets=None, within=None, members=40, **settings):
    return plan_family(problem or Decay(), source, targets, within, members, pp.Settings(**settings))


def test_by_default_the_problems_own_targets_are_solved():
    (request,) = plan().requests
    assert [c.k for c in request.targets] == [1.3, 1.6]
    assert request.begun == 1


def test_targets_come_before_the_range():
    found = plan(targets=[{"k": 1.5}], within={"k": (1, 2)}, tolerance=1e-3, members=7)
    assert [type(each) for each in found.requests] == [TargetRequest, RangeRequest]
    assert found.requests[1] == RangeRequest({"k": (1.0, 2.0)}, 1e-3, 7, begun=2)
    assert found.settings.tolerance == 0.5e-3


def test_targets_that_are_the_source_are_no_request():
    assert plan(targets=[{"k": 1.0}]).requests == []


def test_a_parametric_network_learns_the_range_of_source_and_targets():
    found = plan(method="parametric")
    assert found.problem.span == {"k": (1.0, 1.6)}
    assert isinstance(found.problem, Decay)


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"within": {"k": (2, 1)}}, CoefficientError, "is empty"),
        ({"within": {"k": (1, 2)}, "members": 1}, PacpinnError, "members"),
        ({"within": {"shift": (0, 1)}, "problem": Waves()}, PacpinnError, "no equation"),
    ],
)
def test_ranges_that_cannot_be_refined(asked, error, message):
    with pytest.raises(error, match=message):
        plan(**asked)


def test_a_solved_family_is_what_was_planned(solved_decay):
    source = solved_decay.source.coefficients
    stored = run_spec(solved_decay.problem, source, solved_decay.settings, solved_decay.requests)
    assert run_spec(*plan(keep=0.5)) == stored
