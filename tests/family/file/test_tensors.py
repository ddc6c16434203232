"""Bases and members as tensors and headers, and back."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, strategies as st

from pacpinn.continuation.solution import Singularity, SingularPoint
from pacpinn.family.file.tensors import (
    base_tensors,
    checked,
    member_header,
    member_tensors,
    packed,
    read_bases,
    read_members,
    shapes_of,
    unpacked,
)
from pacpinn.tasks.coefficient import Coefficients
from tests.toys import Decay, same_bits


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_masks_come_back_from_an_eighth_of_their_bytes(bits):
    mask = torch.tensor(bits)
    assert len(packed(mask)) == -(-len(mask) // 8)
    assert torch.equal(unpacked(packed(mask), len(mask)), mask)


@pytest.mark.parametrize("mask", [torch.zeros(3), torch.zeros(3, dtype=torch.uint8), torch.zeros(1, 2).byte()])
def test_a_mask_of_another_size_or_type(mask):
    with pytest.raises(ValueError, match="for 9 weights"):
        unpacked(mask, 9)


def test_bases_come_back_bit_for_bit(solved_decay):
    (base,) = solved_decay.bases
    tensors = base_tensors([base], first=2)
    assert set(tensors) == {"base.2.weights", "base.2.free"}
    shapes = shapes_of(base.masked)
    (back,) = read_bases(Decay(), solved_decay.settings, shapes, [base.coefficients], 2, tensors)
    assert back.coefficients == base.coefficients
    assert same_bits(back.masked.weights, base.masked.weights)
    assert torch.equal(back.masked.free, base.masked.free)


def test_weights_that_are_not_finite(solved_decay):
    (base,) = solved_decay.bases
    tensors = base_tensors([base], first=0)
    tensors["base.0.weights"] = tensors["base.0.weights"] * float("inf")
    with pytest.raises(ValueError, match="not finite"):
        read_bases(Decay(), solved_decay.settings, shapes_of(base.masked), [base.coefficients], 0, tensors)


def test_coefficients_of_other_names():
    assert checked(Decay(), Coefficients(k=2.0)) == Coefficients(k=2.0)
    with pytest.raises(ValueError, match="expected k"):
        checked(Decay(), Coefficients(q=2.0))


def back(family, solutions, first=0):
    targets = solutions if first else solutions[1:]
    return read_members(
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
        read_members(Decay(), solved_decay.bases, [member_header(each) for each in solutions], 0, tensors)


def test_targets_are_stacked_by_their_base():
    assert list(member_tensors([], [])) == ["losses"]
    assert member_tensors([], [])["losses"].dtype == torch.float64
