"""What a run is to solve."""

import deepxde as dde
import pytest

import pacpinn as pp
from pacpinn.errors import CoefficientError, PacpinnError, PruningError, ResidualError
from pacpinn.family.file.provenance import run_spec
from pacpinn.family.plan import plan_family
from pacpinn.sweep.requests import RangeRequest, TargetRequest
from tests.toys import Decay, SoftDecay, Waves


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


class Misplaced(SoftDecay):
    """A condition on another interval, and features that ask for sizes, which need all of the statement."""

    def conditions(self, geometry, c):
        other = dde.geometry.TimeDomain(0, 2)
        return [dde.icbc.IC(other, lambda t: 1, lambda _, on_initial: on_initial)]

    def features(self, t, c):
        return self.sizes_at(c).scaled_inputs(t)

    def network(self, seed):
        raise AssertionError("a network was made")


def test_what_is_wrong_in_the_statement_is_said_before_a_network_is_made():
    with pytest.raises(ResidualError, match="has been made with another geometry"):
        plan(Misplaced())


def test_settings_that_are_wrong_for_every_network_are_said_first():
    for wrong, message in (({"keep": 1.5}, "keep=1.5; expected"), ({"criterion": "random"}, "no pruning criterion")):
        with pytest.raises(PruningError, match=message):
            plan(Misplaced(), **wrong)


def test_settings_that_do_not_fit_the_network_are_refused():
    with pytest.raises(PruningError, match="keeps none of 97 weights"):
        plan(SoftDecay(), always_free=["*"])
