"""Allocation: a base that keeps the source."""

import pytest
import torch
from torch import nn

from pacpinn.errors import NetworkError
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.solvers.adam import Adam
from pacpinn.solvers.base import silent
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from pacpinn.transfer.allocation import allocate, allocate_gradually, frozen_base, require_deterministic
from pacpinn.transfer.pruning import kept_weights
from tests.toys import AbsoluteError, same_bits, small_network, wave

KEPT = torch.arange(25) % 3 != 0
TASK = wave().to(torch.float64)


@pytest.fixture
def source() -> MaskedNetwork:
    return MaskedNetwork(small_network())


def test_the_base_keeps_the_retrained_weights_and_frees_the_others_at_zero(source):
    base, result = allocate(source, KEPT, TASK, Adam(steps=5), 0.0, 0, silent)
    assert torch.equal(base.free, ~KEPT)
    assert same_bits(base.weights[KEPT], result.z)
    assert same_bits(base.weights[~KEPT], torch.zeros(9, dtype=torch.float64))
    assert base.frozen_buffers


def test_a_base_without_targets_answers_as_the_allocation(source):
    masked = source.with_mask(KEPT, False, torch.where(KEPT, source.weights, 0.0))
    z, x = masked.start + 1, torch.rand(5, 1, dtype=torch.float64)
    base = frozen_base(masked, z)
    assert torch.equal(base.forward(base.start)(x), masked.forward(z)(x))


def test_a_huge_penalty_holds_the_kept_weights_at_the_sources(source):
    base, _ = allocate(source, KEPT, TASK, LevenbergMarquardt(), 1e8, 0, silent)
    torch.testing.assert_close(base.weights[KEPT], source.weights[KEPT], rtol=0, atol=1e-6)


def test_by_default_the_penalty_is_the_tasks(source):
    bases = [allocate(source, KEPT, TASK, Adam(steps=5), penalty, 0, silent)[0] for penalty in (None, TASK.penalty)]
    assert same_bits(*(base.weights for base in bases))


def test_gradually_every_round_keeps_the_same_share(source, monkeypatch):
    fractions = []

    def watched(masked, keep, *given, **settings):
        fractions.append(keep)
        return kept_weights(masked, keep, *given, **settings)

    monkeypatch.setattr("pacpinn.transfer.allocation.kept_weights", watched)
    base = allocate_gradually(source, 0.2, 3, "global", TASK, Adam(steps=2), 0.0, 0, silent)
    assert fractions == pytest.approx([0.2 ** (1 / 3), 0.2 ** (2 / 3), 0.2])
    assert (~base.free).sum() == 5


def test_in_one_round_it_is_pruning_and_allocation(source):
    base = allocate_gradually(source, 0.4, 1, "global", TASK, Adam(steps=2), 0.0, 0, silent)
    once, _ = allocate(source, kept_weights(source, 0.4), TASK, Adam(steps=2), 0.0, 0, silent)
    assert same_bits(base.weights, once.weights)
    assert torch.equal(base.free, once.free)


class Noisy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1, dtype=torch.float64)

    def forward(self, x):
        return self.layer(x) + torch.rand_like(x)


def test_a_network_that_draws_random_numbers_in_evaluation_mode_is_refused():
    with pytest.raises(NetworkError, match="different outputs for the same inputs in evaluation mode"):
        require_deterministic(MaskedNetwork(Noisy()), TASK)


def test_dropout_and_tasks_without_residuals_are_no_reason_to_refuse(source):
    require_deterministic(MaskedNetwork(nn.Sequential(nn.Linear(1, 1), nn.Dropout(0.5)).double()), TASK)
    require_deterministic(MaskedNetwork(Noisy()), AbsoluteError([[0.0]], [[0.0]]))
