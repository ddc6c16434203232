"""Low-rank adapters, checked against those of PEFT."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn
from torch.func import functional_call

from pacpinn.errors import PruningError
from pacpinn.networks.heads import with_head
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from pacpinn.transfer import methods
from paper.lora import adapted
from tests.toys import batchnorm_network, convolutional_network, same_bits, small_network, wave

X = torch.linspace(-1, 1, 7, dtype=torch.float64)[:, None]


@pytest.fixture
def source() -> MaskedNetwork:
    return MaskedNetwork(small_network(inputs=3, outputs=2))


def test_at_its_start_it_answers_as_the_source(source):
    x = torch.rand(7, 3, dtype=torch.float64)
    masked = adapted(source, rank=2)
    assert torch.equal(masked.forward(masked.start)(x), source.forward(source.start)(x))


def test_it_is_the_lora_of_peft(source):
    x = torch.rand(7, 3, dtype=torch.float64)
    masked = adapted(source, rank=2, alpha=6)
    z = torch.randn(masked.start.shape, generator=torch.Generator().manual_seed(0)).double().requires_grad_()
    ours = masked.forward(z)(x)

    config = LoraConfig(r=2, lora_alpha=6, target_modules=["0", "2"])
    theirs = get_peft_model(source.module(source.start), config).double()
    names = {"a": "lora_A", "b": "lora_B"}
    values = {}
    for name, value in masked.by_name(z).items():  # adapters.0.a, adapters.0.b, adapters.1.a, ...
        layer, factor = {"0": "0", "1": "2"}[name.split(".")[1]], name.split(".")[-1]
        values[f"base_model.model.{layer}.{names[factor]}.default.weight"] = value
    assert values.keys() == {name for name, each in theirs.named_parameters() if each.requires_grad}
    answers = functional_call(theirs, values, (x,))
    torch.testing.assert_close(ours, answers)
    torch.testing.assert_close(*(torch.autograd.grad(each.square().sum(), z)[0] for each in (ours, answers)))


def test_a_module_has_the_adapters_added_under_the_usual_keys(source):
    masked = adapted(source, rank=2)
    z = torch.ones_like(masked.start)
    module, x = masked.module(z), torch.rand(7, 3, dtype=torch.float64)
    assert list(module.state_dict()) == list(source.network.state_dict())
    torch.testing.assert_close(module(x), masked.forward(z)(x))


def test_the_source_stays_as_it_is(source):
    before = source.module(source.start)
    masked = adapted(source)
    masked.module(torch.ones_like(masked.start))
    assert same_bits(source.module(source.start), before)


@pytest.mark.parametrize(("network", "shape"), [(batchnorm_network(), (3, 1)), (convolutional_network(), (3, 1, 4, 4))])
def test_kernels_are_adapted_and_statistics_stay(network, shape):
    source, x = MaskedNetwork(network), torch.rand(shape)
    masked = adapted(source, rank=2)
    assert masked.frozen_buffers
    torch.testing.assert_close(masked.forward(masked.start)(x), source.forward(source.start)(x))
    assert masked.forward(masked.start + 0.1)(x).isfinite().all()


def test_only_adapters_and_a_new_head_are_free(source):
    masked = adapted(with_head(source, nn.Linear(8, 4)), rank=2)
    assert list(masked.shapes) == ["plain.2.weight", "plain.2.bias", "adapters.0.a", "adapters.0.b"]


def test_a_rank_above_a_matrixs_own_is_that(source):
    assert adapted(source, rank=100).shapes["adapters.0.a"] == (3, 3)


def test_a_copy_of_another_dtype_is_adapted_too(source):
    masked = adapted(source).to(torch.float32, torch.device("cpu"))
    assert "0.weight" in masked.module(masked.start).state_dict()


def test_the_seed_draws_the_adapters(source):
    assert torch.equal(adapted(source, seed=1).start, adapted(source, seed=1).start)
    assert not torch.equal(adapted(source, seed=1).start, adapted(source, seed=2).start)


def test_a_network_without_matrices_and_a_rank_of_nothing_are_refused():
    with pytest.raises(PruningError, match="no matrix"):
        adapted(MaskedNetwork(nn.BatchNorm1d(3)))
    with pytest.raises(PruningError, match="rank=0"):
        adapted(MaskedNetwork(small_network()), rank=0)


def test_levenberg_marquardt_trains_adapters_too():
    masked = adapted(MaskedNetwork(small_network()), rank=1)
    method = methods.TransferMethod(masked, masked.start, torch.zeros_like(masked.start))
    result = method.train(wave(0.4).to(torch.float64), LevenbergMarquardt(max_steps=30), penalty=0.0)
    assert result.history[-1] < 0.1 * result.history[0]
