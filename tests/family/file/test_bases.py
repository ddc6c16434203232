"""Bases as tensors and back."""

import pytest
import torch
from hypothesis import given, strategies as st

from pacpinn.family.file.bases import base_tensors, checked, packed, read_bases, shapes_of, unpacked
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
