"""DELTA, BSS and LoRA as transfer methods."""

import pytest
import torch

from pacpinn.errors import SolverError
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.solvers.adam import Adam
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from paper.baselines import bss, delta, lora
from paper.feature_penalties import channel_attention, hidden_places
from tests.benchmarks.paper.networks import TASK, even, penalty_of
from tests.toys import Decay, same_bits, small_network


@pytest.fixture
def source() -> MaskedNetwork:
    return MaskedNetwork(small_network())


def test_delta_and_bss_train_all_weights_from_the_source(source):
    for method in (delta(source, even(source)), bss(source)):
        assert method.masked.free.all()
        assert torch.equal(method.start, source.weights)


def test_lora_trains_the_adapters_alone_and_starts_as_the_source(source):
    method, x = lora(source, rank=1), torch.rand(5, 1, dtype=torch.float64)
    assert all("adapters" in name for name in method.masked.shapes)
    assert torch.equal(method.masked.forward(method.start)(x), source.forward(source.start)(x))


@pytest.mark.parametrize("row", [lambda source: delta(source, even(source)), bss, lora], ids=["DELTA", "BSS", "LoRA"])
def test_every_method_learns_a_target_and_leaves_the_source_alone(source, row):
    before = source.module(source.start)
    result = row(source).train(TASK, Adam(steps=300, learning_rate=3e-2), penalty=1e-6)
    assert result.history[-1] < 0.7 * result.history[0]
    assert same_bits(source.module(source.start), before)


def test_features_of_an_equation_have_attention_and_are_held_too():
    source, task = MaskedNetwork(Decay().initial_network(0).double()), Decay().task(k=1.5)
    method = delta(source, channel_attention(source, source.start, task, hidden_places(source.network)))
    assert [len(each) for each in method.features.attention.values()] == [8, 8]
    result = method.train(task, Adam(steps=20), penalty=1.0)
    assert result.history[-1] < result.history[0]


def test_delta_with_strength_keeps_features_nearer(source):
    def distance(strength: float) -> float:
        method = delta(source, even(source))
        result = method.train(TASK, Adam(steps=100, learning_rate=1e-2), strength)
        return penalty_of(method, result.z)

    assert distance(100.0) < 0.1 * distance(0.0)


def test_a_least_squares_solver_refuses_penalties_on_features(source):
    for method in (delta(source, even(source)), bss(source)):
        with pytest.raises(SolverError, match=r"(Delta|BatchSpectralShrinkage) penalises hidden features.*'adam'"):
            method.train(TASK, LevenbergMarquardt(), 1.0)
