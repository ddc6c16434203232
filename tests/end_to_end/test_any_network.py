"""Prune, allocate, calibrate over every kind of network, and what it says of data and networks that do not fit."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import pacpinn as pp
from pacpinn.errors import DataError, NetworkError, PruningError
from tests.toys import CurveFit, TiedNetwork, batchnorm_network, convolutional_network, same_bits, small_network

STEPS = pp.Adam(steps=15, learning_rate=1e-2)


class Recurrent(nn.Module):
    """The last state of a recurrent layer over a sequence ``(rows, times)``, through a linear layer."""

    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.cells, self.head = kind(1, 6, batch_first=True), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.cells(x[:, :, None])
        return self.head(states[:, -1])


class Attention(nn.Module):
    """An encoder layer of attention, normalisation and dropout over a sequence ``(rows, times)``."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(1, 8)
        self.encoder = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
        self.head = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(self.embed(x[:, :, None])).mean(1))


class PartlyFrozen(nn.Module):
    """A frozen embedding below, a buffer that scales, and a weight by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(4, 8).requires_grad_(False)
        self.register_buffer("scale", torch.tensor(2.0))
        self.shift = nn.Parameter(torch.ones(8))
        self.head = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.tanh(self.scale * self.embed(x) + self.shift))


class Noisy(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + torch.randn(())


NETWORKS = {
    "linear": (lambda: nn.Linear(4, 2), (4,)),
    "perceptron": (lambda: nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), (4,)),
    "convolution": (convolutional_network, (1, 4, 4)),
    "LSTM": (lambda: Recurrent(nn.LSTM), (4,)),
    "GRU": (lambda: Recurrent(nn.GRU), (4,)),
    "attention": (Attention, (4,)),
    "tied": (lambda: nn.Sequential(TiedNetwork(), nn.Linear(4, 2)), (4,)),
    "partly frozen": (PartlyFrozen, (4,)),
    "layer normalisation": (lambda: nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.Linear(8, 2)), (4,)),
}


def network_of(kind: str) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return NETWORKS[kind][0]()


def task_of(kind: str, seed: int, outputs: int = 2) -> CurveFit:
    """A regression on random data: `outputs` values a row."""

    class Fit(CurveFit):
        def residuals(self, forward, batch):
            x, y = batch
            rows = torch.arange(len(x))[:, None]
            return [pp.Block(f"{j}", forward(x)[:, j] - y[:, j], rows) for j in range(1)]

        def loss(self, forward, batch):
            return (forward(batch[0]) - batch[1]).square().mean()

    rng = np.random.default_rng(seed)
    return Fit(rng.normal(size=(24, *NETWORKS[kind][1])), rng.normal(size=(24, outputs)), batch_size=12)


def allocated(kind: str) -> pp.PAC:
    pac = pp.PAC(network_of(kind))
    pac.fit(task_of(kind, 0), STEPS)
    pac.prune(keep=0.5)
    pac.allocate(task_of(kind, 0), STEPS)
    return pac


@pytest.mark.parametrize("kind", NETWORKS)
def test_targets_are_learnt_and_the_source_stays_bit_for_bit(kind):
    pac, x = allocated(kind), torch.as_tensor(task_of(kind, 0).x, dtype=torch.float32)
    source = pac.network("source")
    with torch.no_grad():
        answers = source(x)
    history = pac.calibrate(task_of(kind, 1), "target", pp.Adam(steps=60, learning_rate=1e-2)).history
    assert np.mean(history[-4:]) < np.mean(history[:4])
    assert same_bits(pac.network("source"), source)
    with torch.no_grad():
        assert torch.equal(pac.network("source")(x), answers)
    assert list(pac.network("target").state_dict()) == list(network_of(kind).state_dict())


@pytest.mark.parametrize("kind", [kind for kind in NETWORKS if kind != "linear"])
def test_a_target_may_have_a_head_of_its_own(kind):
    pac = allocated(kind)
    head = nn.Linear(pac.network("source").get_submodule(last(kind)).in_features, 3)
    pac.calibrate(task_of(kind, 1, outputs=3), "three", STEPS, head=head)
    x = torch.as_tensor(task_of(kind, 0).x, dtype=torch.float32)
    assert pac.network("three")(x).shape == (24, 3)
    assert pac.network("source")(x).shape == (24, 2)
    kept, three = pac.base.by_name(~pac.base.free), pac.network("three")
    for name, weights in pac.network("source").named_parameters():
        if name in kept and not name.startswith(f"{last(kind)}."):
            assert torch.equal(weights[kept[name]], three.get_parameter(name)[kept[name]])


def last(kind: str) -> str:
    return [name for name, _ in network_of(kind).named_parameters()][-1].rpartition(".")[0]


def test_what_was_frozen_stays_frozen():
    pac = allocated("partly frozen")
    pac.calibrate(task_of("partly frozen", 1), "target", STEPS)
    assert same_bits(pac.network("target").embed, network_of("partly frozen").embed)


def test_tied_weights_stay_tied():
    pac = allocated("tied")
    pac.calibrate(task_of("tied", 1), "target", STEPS)
    tied = pac.network("target")[0]
    assert tied.first.weight is tied.second.weight


def test_a_target_that_starts_at_another_has_its_head():
    pac = allocated("perceptron")
    pac.calibrate(task_of("perceptron", 1, outputs=3), "three", STEPS, head=nn.Linear(8, 3))
    pac.calibrate(task_of("perceptron", 2, outputs=3), "three more", STEPS, start="three")
    assert pac.network("three more")[2].out_features == 3
    with pytest.raises(NetworkError, match="here 'three', has its head"):
        pac.calibrate(task_of("perceptron", 2, outputs=3), "again", STEPS, start="three", head=nn.Linear(8, 3))


def test_a_network_that_is_not_deterministic_is_refused():
    pac = pp.PAC(Noisy(4, 2))
    pac.prune(keep=0.5)
    with pytest.raises(NetworkError, match="gives different outputs for the same inputs"):
        pac.allocate(task_of("linear", 0), STEPS)
    with pytest.raises(NetworkError, match="gives different outputs for the same inputs"):
        pac.prune_gradually(task_of("linear", 0), solver=STEPS)


def test_statistics_of_normalisation_are_the_sources_for_all_targets():
    pac = pp.PAC(batchnorm_network())
    task = CurveFit(np.linspace(-1, 1, 24)[:, None], np.ones((24, 1)))
    pac.fit(task, STEPS)
    pac.prune(keep=0.5)
    pac.allocate(task, STEPS)
    pac.calibrate(task, "target", STEPS)
    assert same_bits(pac.network("target")[1].running_mean, pac.network("source")[1].running_mean)


# Data that do not fit -------------------------------------------------------------------------------------------------

X_OF_TWO = np.random.default_rng(0).normal(size=(30, 2))


def of_regression(inputs: int = 2, outputs: int = 3) -> pp.RegressionTask:
    return pp.RegressionTask(pp.Samples(X_OF_TWO[:, :1].repeat(inputs, 1), X_OF_TWO[:, :1].repeat(outputs, 1)))


def of_classes(inputs: int = 2, classes: int = 3) -> pp.ClassificationTask:
    return pp.ClassificationTask(pp.Samples(X_OF_TWO[:, :1].repeat(inputs, 1), np.arange(30) % classes))


KINDS_OF_DATA = {"regression": of_regression, "classification": of_classes}
each_kind_of_data = pytest.mark.parametrize("make", KINDS_OF_DATA.values(), ids=KINDS_OF_DATA)


def learnt(make, network=None) -> pp.PAC:
    pac = pp.PAC(network or small_network(inputs=2, outputs=3, dtype=torch.float32))
    pac.fit(make(), pp.Adam(5))
    pac.prune(0.5)
    pac.allocate(make(), pp.Adam(5))
    return pac


@pytest.mark.parametrize("solver", ["levenberg-marquardt", "adam", "lbfgs", "nncg", ["adam", "levenberg-marquardt"]])
@each_kind_of_data
def test_a_target_of_other_inputs_is_named_whatever_the_solver(make, solver):
    pac = learnt(make)
    with pytest.raises(
        DataError, match=r"the network does not take inputs of shape \(\d+, 4\): .*; expected the shape that"
    ):
        pac.calibrate(make(inputs=4), "target", solver)
    with pytest.raises(DataError, match=r"the network does not take inputs of shape \(\d+, 4\)"):
        pp.PAC(small_network(inputs=2, outputs=3)).fit(make(inputs=4), solver)
    assert pac.names == ["source"]


@each_kind_of_data
def test_a_source_of_other_inputs_than_a_network_trained_elsewhere_is_named(make):
    pac = pp.PAC(small_network(inputs=2, outputs=3, dtype=torch.float32))
    with pytest.raises(DataError, match=r"the network does not take inputs of shape \(\d+, 4\)"):
        pac.prune_gradually(make(inputs=4), 0.5)
    pac.prune(0.5)
    with pytest.raises(DataError, match=r"the network does not take inputs of shape \(\d+, 4\)"):
        pac.allocate(make(inputs=4))


@pytest.mark.parametrize("solver", ["levenberg-marquardt", "adam", "lbfgs"])
@each_kind_of_data
def test_a_target_of_other_outputs_is_told_to_bring_a_head(make, solver):
    pac, other = learnt(make), make(2, 5)
    with pytest.raises(DataError, match=r"outputs have shape \(\d+, 3\); expected .* needs a new head: calibrate"):
        pac.calibrate(other, "five", solver)
    pac.calibrate(other, "five", pp.Adam(5), head=nn.Linear(8, 5))
    assert pac.network("five")[2].out_features == 5


@each_kind_of_data
def test_a_mask_that_leaves_nothing_free_or_kept_is_named_and_changes_nothing(make):
    pac = learnt(make)
    for settings in ({"keep": 0.999}, {"keep": 0.001}, {"always_kept": ["*"]}, {"always_free": ["*"]}):
        with pytest.raises(PruningError, match=r"(frees|keeps) none of 51 weights; choose another fraction"):
            pac.prune(**settings)
    pac.calibrate(make(), "target", pp.Adam(5))


@each_kind_of_data
def test_a_network_that_is_not_deterministic_is_named_for_data_too(make):
    with pytest.raises(NetworkError, match="gives different outputs for the same inputs in evaluation mode; expected"):
        learnt(make, Noisy(2, 3))


@each_kind_of_data
def test_tied_weights_stay_tied_for_data_too(make):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.head = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 3)
            self.second.weight = self.first.weight

        def forward(self, x):
            return self.head(torch.tanh(self.second(torch.tanh(self.first(x)))))

    pac = learnt(make, Tied())
    before = pac.network("source")
    for solver in (pp.Adam(5), pp.LevenbergMarquardt(5)):
        pac.calibrate(make(), "target", solver)
        target = pac.network("target")
        assert target.first.weight is target.second.weight
        assert same_bits(pac.network("source"), before)
