"""The POD basis of given functions."""

import pytest
import torch

from pacpinn.reduced_basis.pod import PODBasis, with_mean


@pytest.fixture
def values():
    return torch.randn(40, 2, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_members_lie_in_their_own_span(values):
    basis = PODBasis.of(values)
    assert torch.allclose(values @ basis.weights(basis.coordinates).T, values)


def test_weights_of_any_point_of_the_span_sum_to_one(values):
    b = torch.randn(3, 4, dtype=torch.float64)
    assert torch.allclose(PODBasis.of(values).weights(b).sum(1), torch.ones(3, dtype=torch.float64))


def test_modes_are_orthonormal_in_the_mean(values):
    modes = (values @ PODBasis.of(values).modes[:, 1:]).flatten(0, 1)
    assert torch.allclose(modes.T @ modes / len(modes), torch.eye(4, dtype=torch.float64))


def test_functions_that_depend_on_others_add_no_mode(values):
    twice = torch.cat([values, values[..., :2]], dim=-1)
    assert PODBasis.of(twice).coordinates.shape == (7, 4)


def test_the_span_of_a_subset_gives_no_weight_to_the_others(values):
    basis = PODBasis.of_subset(values, [0, 3, 4])
    alone = PODBasis.of(values[..., [0, 3, 4]])
    assert not basis.modes[[1, 2]].any()
    assert not basis.coordinates[[1, 2]].any()
    assert torch.equal(values[..., [0, 3, 4]] @ alone.modes, values[..., [0, 3, 4]] @ basis.modes[[0, 3, 4]])


def test_one_function_has_no_modes(values):
    basis = PODBasis.of(values[..., :1])
    assert basis.coordinates.shape == (1, 0)
    assert torch.allclose(values[..., :1] @ basis.weights(basis.coordinates).T, values[..., :1])


def test_the_mean_comes_first():
    assert with_mean(torch.tensor([[2.0, 3.0]])).tolist() == [[1, 2, 3]]
