"""Members as headers and tensors and back."""

import math
from dataclasses import replace

import pytest
import torch

from pacpinn.continuation.solution import Singularity, SingularPoint
from pacpinn.family.file.members import member_header, member_tensors, read_solutions
from pacpinn.tasks.coefficient import Coefficients
from tests.toys import Decay, same_bits


def back(family, solutions, first=0):
    targets = solutions if first else solutions[1:]
    return read_solutions(
        Decay(), family.bases, [member_header(each) for each in solutions], first, member_tensors(solutions, targets)
    )


def test_every_field_comes_back(solved_decay):
    singular = SingularPoint(Singularity.JUMP, Coefficients(k=1.4))
    source, first, second = solved_decay.values()
    second = replace(second, singular=singular, reached=Coefficients(k=1.5), error_estimate=1e-3)
    for mine, its in zip([source, first, second], back(solved_decay, [source, first, second]), strict=True):
        assert same_bits(mine.z, its.z)
        assert {**vars(mine), "z": None} == {**vars(its), "z": None}


def test_a_target_alone_comes_back(solved_decay):
    (target,) = back(solved_decay, [solved_decay.targets[0]], first=1)
    assert same_bits(target.z, solved_decay.targets[0].z)


def test_losses_may_be_infinite_and_of_any_number(solved_decay):
    source, target, _ = solved_decay.values()
    histories = [[1.0, math.inf], []]
    solutions = [replace(each, history=history) for each, history in zip((source, target), histories, strict=True)]
    assert [each.history for each in back(solved_decay, solutions)] == histories


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: {**t, "losses": t["losses"][1:]}, "losses, its members"),
        (lambda t: {**t, "losses": t["losses"].float()}, "losses of type"),
        (lambda t: {**t, "base.0.targets": t["base.0.targets"][1:]}, "member 2 does not have"),
        (lambda t: {**t, "base.0.targets": t["base.0.targets"] * math.nan}, "member 1 does not have"),
        (lambda t: {"losses": t["losses"]}, "member 1 does not have"),
    ],
)
def test_tensors_that_do_not_fit(solved_decay, change, message):
    solutions = list(solved_decay.values())
    tensors = change(member_tensors(solutions, solutions[1:]))
    with pytest.raises(ValueError, match=message):
        read_solutions(Decay(), solved_decay.bases, [member_header(each) for each in solutions], 0, tensors)


def test_targets_are_stacked_by_their_base():
    assert list(member_tensors([], [])) == ["losses"]
    assert member_tensors([], [])["losses"].dtype == torch.float64
