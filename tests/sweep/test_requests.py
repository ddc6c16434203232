"""What a family was asked for."""

import pacpinn as pp
from pacpinn.sweep.requests import RangeRequest, TargetRequest

ONE, TWO = pp.Coefficients(k=1.5), pp.Coefficients(k=2.0)


def test_targets_are_solved_along_a_chain_unless_they_are_batched():
    assert TargetRequest((ONE, TWO), begun=1).in_chain
    assert not TargetRequest((ONE, TWO), begun=1, batch=2).in_chain
    assert not TargetRequest((ONE, TWO), begun=1, tree="spine").in_chain
    assert TargetRequest((ONE, TWO), begun=1, batch=2, tree="chain").in_chain


def test_what_is_asked_does_not_depend_on_what_there_was_before():
    assert TargetRequest((ONE, TWO), begun=1).what == TargetRequest((ONE, TWO), begun=5, batch=3).what
    assert TargetRequest((ONE, TWO), begun=1).what != TargetRequest((TWO, ONE), begun=1).what
    within = {"k": (1.0, 2.0)}
    assert RangeRequest(within, 1e-3, 40, begun=1).what == RangeRequest(within, 1e-3, 40, begun=7).what
    assert RangeRequest(within, 1e-3, 40, begun=1).what != RangeRequest(within, 1e-4, 40, begun=1).what


def test_requests_are_named_in_messages():
    assert str(TargetRequest((ONE,), begun=1)) == "the target k=1.5"
    assert str(TargetRequest((ONE, TWO), begun=1)) == "2 targets (k=1.5 to k=2)"
    assert str(RangeRequest({"k": (1.0, 2.0)}, 1e-3, 40, begun=1)) == "the range k=1:2 to 0.001 with 40 members"
