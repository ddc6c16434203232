"""A Jacobian in factors does what the formed one does."""

import pytest
import torch

from pacpinn.networks.factored_jacobian import FactoredJacobian
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from tests.toys import Advection, Decay, Level, SoftDecay, batchnorm_network, wave

PROBLEMS = pytest.mark.parametrize("problem", [Decay, SoftDecay, Advection], ids=lambda each: each.__name__)


def both(problem, dtype=torch.float64) -> tuple[FactoredJacobian, torch.Tensor]:
    """The Jacobian in factors and formed, of a network of which some weights are free."""
    task = problem().task().to(dtype)
    whole = MaskedNetwork(problem().initial_network(seed=1).to(dtype))
    free = torch.rand(len(whole.weights), generator=torch.Generator().manual_seed(0)) < 0.4
    masked = whole.with_mask(free, True)
    there = Objective(task, masked).linearise(masked.start[None])
    factored = Objective(task, masked).linearise(masked.start[None]).factored
    assert factored is not None
    return factored, there.jacobian[0]


def vector(count: int) -> torch.Tensor:
    return torch.rand(count, dtype=torch.float64, generator=torch.Generator().manual_seed(2)) + 0.1


@PROBLEMS
def test_it_multiplies_vectors(problem):
    factored, J = both(problem)
    assert factored.shape == J.shape
    v, u = vector(J.shape[1]), vector(J.shape[0])
    torch.testing.assert_close(factored.times(v), J @ v, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(factored.transposed_times(u), J.T @ u, rtol=1e-10, atol=1e-12)


@PROBLEMS
@pytest.mark.parametrize("size", [1, 800, 2**26])
def test_its_gram_matrix_is_summed_over_blocks_of_columns(problem, size, monkeypatch):
    monkeypatch.setattr("pacpinn.networks.factored_jacobian.BYTES_OF_A_BLOCK", size)
    factored, J = both(problem)
    weights = vector(J.shape[1])
    torch.testing.assert_close(factored.gram(weights).tril(), (J * weights @ J.T).tril(), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(factored.squares(), J.square().sum(0), rtol=1e-10, atol=1e-12)


@PROBLEMS
def test_some_of_its_rows(problem):
    factored, J = both(problem)
    rows = torch.tensor([0, 3, len(J) - 1])
    v = vector(J.shape[1])
    torch.testing.assert_close(factored.at(rows).times(v), J[rows] @ v, rtol=1e-10, atol=1e-12)


def test_it_is_of_double_precision_whatever_the_network():
    factored, J = both(SoftDecay, torch.float32)
    assert factored.times(vector(J.shape[1])).dtype == torch.float64


def test_residuals_that_mix_rows_have_none():
    masked = MaskedNetwork(Level().initial_network(0))
    assert Objective(Level().task(), masked).linearise(masked.start[None]).factored is None


def test_networks_of_other_than_linear_layers_have_none():
    masked = MaskedNetwork(batchnorm_network().double())
    assert Objective(wave().to(torch.float64), masked).linearise(masked.start[None]).factored is None
