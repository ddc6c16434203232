"""Ways to store the weights of a target, and to read them back."""

import pytest
import torch

import storage


def values(count: int = 40) -> torch.Tensor:
    return torch.randn(count, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("kind", "size", "accuracy"),
    [("float64", 320, 0), ("float32", 160, 1e-7), ("float16", 80, 1e-3), ("int8", 44, 0.02)],
)
def test_values_come_back_as_exactly_as_their_type_can(kind, size, accuracy):
    stored, back = storage.whole(values(), kind)
    assert stored <= size
    torch.testing.assert_close(back, values(), rtol=accuracy, atol=accuracy)


def test_the_largest_values_come_back_and_the_others_are_zero():
    size, back = storage.largest(values(), 10, "float64")
    kept = values().abs() >= values().abs().sort().values[-10]
    assert torch.equal(back, torch.where(kept, values(), 0.0))
    assert size <= 10 * 8 + 5


def test_a_matrix_of_low_rank_and_a_vector_come_back():
    matrix, vector = values(8)[:, None] * values(10)[None], values(3)
    flat = torch.cat([matrix.flatten(), vector])
    size, back = storage.of_rank(flat, {"matrix": matrix.shape, "vector": vector.shape}, 1, "float64")
    torch.testing.assert_close(back, flat)
    assert size <= (8 + 10 + 3) * 8
