"""Prune, allocate, calibrate by hand, over any network and any task."""

import pickle

import numpy as np
import pytest
import torch
from torch import nn

import pacpinn as pp
from pacpinn.errors import DeviceError, PruningError, SolverError
from tests.toys import AbsoluteError, Decay, Rotation, batchnorm_network, same_bits, small_network, wave
from tests.transfer.networks import allocated, batchnorm, decay

SOLVERS = {
    "levenberg-marquardt": pp.LevenbergMarquardt(max_steps=20),
    "adam": pp.Adam(steps=5),
    "lbfgs": pp.LBFGS(steps=10),
    "in turn": [pp.Adam(steps=3), pp.LBFGS(steps=5)],
}
each_solver = pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)


each_kind = pytest.mark.parametrize("kind", [decay, batchnorm], ids=["decay", "batchnorm"])


# The three steps ------------------------------------------------------------------------------------------------------


def test_the_seven_lines():
    net, source, target = Decay().initial_network(0), Decay().task(k=1.0), Decay().task(k=1.5)
    pac = pp.PAC(net)
    pac.fit(source)
    pac.prune(keep=0.5)
    pac.allocate(source)
    pac.calibrate(target, name="k=1.5")
    t = np.linspace(0, 1, 50)[:, None]
    for name, task in (("source", source), ("k=1.5", target)):
        assert np.abs(task.predict(pac.network(name), t) - np.exp(-task.coefficients.k * t)).max() < 2e-3


@each_kind
@each_solver
def test_the_source_stays_bit_for_bit_whatever_calibrates(kind, solver):
    pac, source, target = allocated(kind)
    x = source.inputs(source.everything())
    before, answers = pac.network("source"), pac.network("source")(x)
    pac.calibrate(target, solver=solver)
    assert same_bits(pac.network("source"), before)
    assert same_bits(pac.network("source")(x).detach(), answers.detach())


@each_kind
@each_solver
def test_a_target_differs_from_the_source_in_free_weights_only(kind, solver):
    pac, _, target = allocated(kind)
    pac.calibrate(target, name="target", solver=solver)
    source, calibrated = pac.network("source").state_dict(), pac.network("target").state_dict()
    free = pac.base.by_name(pac.base.free)
    assert any(not same_bits(source[name], calibrated[name]) for name in free)
    for name, each in source.items():
        frozen = ~free[name] if name in free else torch.ones_like(each, dtype=torch.bool)
        assert same_bits(each[frozen], calibrated[name][frozen]), name


@each_kind
def test_later_targets_leave_earlier_ones_bit_for_bit(kind):
    pac, source, target = allocated(kind)
    pac.calibrate(target, "first", pp.Adam(steps=5))
    first = pac.network("first")
    pac.calibrate(source, "second", pp.Adam(steps=5))
    assert same_bits(pac.network("first"), first)


def test_allocation_moves_kept_weights_and_holds_the_others_at_zero():
    pac, source, _ = decay()
    pac.fit(source)
    counts = pac.prune(keep=0.5)
    fitted = pac._source.weights
    pac.allocate(source)
    base = pac.base
    assert (counts.kept, counts.free) == (int((~base.free).sum()), int(base.free.sum()))
    assert not base.weights[base.free].any()
    assert not torch.equal(base.weights[~base.free], fitted[~base.free])


def test_batchnorm_statistics_are_learnt_by_fit():
    pac, source, _ = batchnorm()
    pac.fit(source, pp.Adam(steps=5))
    pac.prune(0.5)
    pac.allocate(source, pp.Adam(steps=5))
    assert pac.network("source")[1].num_batches_tracked == 10


def test_counts_say_how_many_weights_are_kept_and_free():
    counts = pp.PAC(small_network()).prune(keep=0.4)
    assert (counts.kept, counts.free) == (10, 15)
    assert str(counts) == "10 of 25 weights kept (40%), 15 free"


@each_solver
def test_every_solver_lowers_the_loss_of_a_target(solver):
    pac, _, target = allocated(decay)
    result = pac.calibrate(target, solver=solver)
    assert result.history[-1] < result.history[0]


def test_a_start_is_the_source_or_a_target_calibrated_before():
    pac, _, target = allocated(decay)
    pac.calibrate(target, "near")
    assert pac.calibrate(target, "again", start="near").steps == 0
    assert pac.calibrate(target, "from the source").steps > 0


def test_a_huge_penalty_leaves_a_target_at_the_source():
    pac, _, target = allocated(decay)
    pac.calibrate(target, "held", pp.LevenbergMarquardt(max_steps=20), penalty=1e10)
    for a, b in zip(pac.network("held").parameters(), pac.network("source").parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6)


def test_a_system_of_equations():
    pac = pp.PAC(Rotation().initial_network(0))
    source, target = Rotation().task(), Rotation().task(w=1.3)
    pac.fit(source)
    pac.prune(0.5)
    pac.allocate(source)
    assert pac.calibrate(target).status == pp.Status.CONVERGED
    assert target.score(pac.network("w=1.3")).value < 5e-3


def test_a_task_with_a_loss_only():
    x = np.linspace(-1, 1, 20)[:, None]
    pac = pp.PAC(small_network())
    source, target = AbsoluteError(x, x**2), AbsoluteError(x, x**2 + 0.5)
    pac.fit(source, "lbfgs")
    pac.prune(0.5)
    pac.allocate(source, pp.Adam(steps=50))
    pac.calibrate(target, "up", pp.Adam(steps=300, learning_rate=0.01))
    assert target.score(pac.network("up")).value < 0.5 * target.score(pac.network("source")).value


def test_levenberg_marquardt_refuses_a_task_with_a_loss_only():
    with pytest.raises(SolverError, match="AbsoluteError has a loss"):
        pp.PAC(small_network()).fit(AbsoluteError([[0.0]], [[1.0]]), "levenberg-marquardt")


# Order ----------------------------------------------------------------------------------------------------------------


def test_a_trained_network_needs_no_fit():
    trained = small_network(seed=1)
    pac = pp.PAC(trained)
    pac.prune(keep=0.5)
    assert torch.equal(pac._source.weights, torch.cat([each.detach().flatten() for each in trained.parameters()]))
    source = wave()
    pac.allocate(source, pp.Adam(steps=3))
    pac.calibrate(wave(0.3), "shifted", pp.Adam(steps=3))
    assert pac.names == ["source", "shifted"]


def test_pruning_again_starts_from_the_fitted_weights_not_from_the_allocated():
    once, source, target = allocated(decay, keep=0.3)
    twice, *_ = allocated(decay, keep=0.8)
    twice.calibrate(target, solver=pp.Adam(steps=2))
    assert twice.prune(keep=0.3) == once.prune(keep=0.3)
    for pac in (once, twice):
        pac.allocate(source, pp.Adam(steps=5))
    assert same_bits(once.network(), twice.network())
    assert twice.names == ["source"]


def test_allocating_again_keeps_the_same_weights_and_starts_from_the_fitted():
    pac, source, target = allocated(decay)
    free, first = pac.base.free, pac.network()
    pac.calibrate(target, solver=pp.Adam(steps=2))
    pac.allocate(source, pp.Adam(steps=20))
    assert torch.equal(pac.base.free, free)
    assert same_bits(pac.network(), first)
    assert pac.names == ["source"]
    again = pac.to_allocate()
    assert len(again.z) == int((~free).sum())
    pac.adopt(again)
    assert torch.equal(pac.base.free, free)


def test_a_fit_after_pruning_starts_from_the_network_given():
    once, source, _ = decay()
    once.fit(source, pp.Adam(steps=5))
    twice, *_ = allocated(decay)
    twice.fit(source, pp.Adam(steps=5))
    pruned, *_ = decay()
    pruned.prune(0.5)
    pruned.fit(source, pp.Adam(steps=5))
    for each in (once, twice, pruned):
        each.prune(0.5)
        each.allocate(source, pp.Adam(steps=5))
    assert same_bits(once.network(), twice.network())
    assert same_bits(once.network(), pruned.network())


def test_a_bad_keep_leaves_everything_as_it_was():
    pac, _, target = allocated(decay)
    pac.calibrate(target, "target", pp.Adam(steps=2))
    before = pac.network("target")
    with pytest.raises(PruningError, match="keep=1"):
        pac.prune(keep=1)
    assert same_bits(pac.network("target"), before)


# Modules, dtypes, devices ---------------------------------------------------------------------------------------------


@each_kind
def test_networks_have_the_state_dict_keys_of_the_one_given(kind):
    pac, _, target = allocated(kind)
    pac.calibrate(target, "target", pp.Adam(steps=1))
    keys = kind()[0]._network.state_dict().keys()
    assert pac.network("source").state_dict().keys() == pac.network("target").state_dict().keys() == keys


def test_the_users_module_never_changes():
    network = batchnorm_network().train()
    network[4].weight.requires_grad_(False)
    before = {name: each.clone() for name, each in network.state_dict().items()}
    pac = pp.PAC(network)
    pac.fit(wave(), pp.Adam(steps=5))
    pac.prune(0.5)
    pac.allocate(wave(), pp.Adam(steps=5))
    pac.calibrate(wave(0.5), "target", pp.Adam(steps=5))
    assert all(same_bits(each, before[name]) for name, each in network.state_dict().items())
    assert network.training
    assert [each.requires_grad for each in network.parameters()] == [True, True, True, True, False, True]
    assert all(each.grad is None for each in network.parameters())


def test_a_float32_network_computes_an_equation_in_float64():
    network = small_network(dtype=torch.float32)
    pac = pp.PAC(network)
    source = Decay().task()
    pac.prune(0.5)
    pac.allocate(source)
    pac.calibrate(Decay().task(k=1.2), "target")
    assert {each.dtype for each in pac.network("target").parameters()} == {torch.float64}
    assert {each.dtype for each in network.parameters()} == {torch.float32}


def test_an_equation_is_computed_in_float32_if_asked_for():
    pac = pp.PAC(small_network(), dtype=torch.float32)
    pac.fit(Decay().task(), pp.LevenbergMarquardt(max_steps=3))
    pac.prune(0.5)
    pac.allocate(Decay().task(), pp.LevenbergMarquardt(max_steps=3))
    assert {each.dtype for each in pac.network().parameters()} == {torch.float32}


def test_a_device_that_is_not_there():
    with pytest.raises(DeviceError, match="'cuda:77' is not there"):
        pp.PAC(small_network(), device="cuda:77")


def test_a_network_of_ones_own_class():
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleDict({"in": nn.Linear(1, 8), "out": nn.Linear(8, 1)})

        def forward(self, x):
            return x + self.layers["out"](torch.tanh(self.layers["in"](x)))

    pac = pp.PAC(Residual())
    pac.fit(Decay().task())
    pac.prune(0.5, always_kept=["layers.out.bias"])
    pac.allocate(Decay().task())
    assert isinstance(pac.network(), Residual)
    assert "layers.in.weight" in pac.network().state_dict()


def test_the_same_seed_gives_the_same_bits():
    def run(seed):
        pac = pp.PAC(batchnorm_network(), seed=seed)
        pac.fit(wave(), pp.Adam(steps=5))
        pac.prune(0.5)
        pac.allocate(wave(), pp.Adam(steps=5))
        pac.calibrate(wave(0.5), "target", pp.Adam(steps=5))
        return pac.network("target")

    torch.manual_seed(1)
    first = run(seed=0)
    torch.manual_seed(2)
    assert same_bits(run(seed=0), first)
    assert not same_bits(run(seed=1), first)


def test_every_step_is_reported():
    reported = []
    pac, source, _ = decay()
    result = pac.fit(source, pp.Adam(steps=3), report=lambda step, loss: reported.append((step, loss)))
    assert reported == list(enumerate(result.history, start=1))


# Which weights --------------------------------------------------------------------------------------------------------


def test_pruning_in_rounds_keeps_what_is_asked_for_and_the_source_well():
    source, solver = wave(), pp.LevenbergMarquardt(max_steps=40)
    pac = pp.PAC(small_network(dtype=torch.float32))
    pac.fit(source, solver)
    counts = pac.prune_gradually(source, keep=0.6, rounds=3, solver=solver)
    assert str(counts) == "15 of 25 weights kept (60%), 10 free"
    assert int((~pac.base.free).sum()) == 15
    assert not pac.base.start.any()
    assert source.loss(pac.network("source"), source.everything()) < 1e-2
    pac.calibrate(wave(0.5), "target", pp.LevenbergMarquardt(max_steps=5))


def test_pruning_in_no_rounds_is_refused():
    with pytest.raises(PruningError, match="rounds=0"):
        pp.PAC(small_network()).prune_gradually(wave(), rounds=0)


def test_pruning_by_saliency_asks_the_source_task():
    pac = pp.PAC(small_network(dtype=torch.float32))
    pac.fit(wave(), pp.LevenbergMarquardt(max_steps=30))
    assert pac.prune(keep=0.5, criterion="saliency", task=wave()).free == 13
    pac.allocate(wave(), pp.Adam(steps=3))
    with pytest.raises(PruningError, match="give one, as prune"):
        pac.prune(keep=0.5, criterion="saliency")


# Pickles --------------------------------------------------------------------------------------------------------------


def test_a_pickle_names_the_public_class_and_answers_alike():
    pac, _, target = allocated(decay)
    pac.calibrate(target, "target", pp.Adam(steps=2))
    assert pp.PAC.__module__ == "pacpinn"
    other = pickle.loads(pickle.dumps(pac))
    for name in pac.names:
        assert same_bits(other.network(name), pac.network(name))
