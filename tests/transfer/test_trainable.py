"""Training loops of one's own on the free weights: plain torch, Lightning, skorch."""

import copy
import gc
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import pacpinn as pp
from pacpinn.errors import OrderError
from tests.toys import CurveFit, batchnorm_network, same_bits, small_network, wave

QUIETENED = ("checkpointing", "progress_bar", "model_summary")
X = torch.linspace(-1, 1, 40, dtype=torch.float64)[:, None]


def values(shift: float) -> torch.Tensor:
    return torch.sin(3 * X + shift)


def pruned(network: nn.Module | None = None) -> pp.PAC:
    """A source network, trained by nobody, of which half the weights are kept."""
    pac = pp.PAC(network or small_network())
    pac.prune(keep=0.5)
    return pac


def based() -> pp.PAC:
    """The same with its kept weights as they are for a base."""
    pac = pruned()
    pac.adopt(pac.to_allocate())
    return pac


def held() -> int:
    """Bytes of all tensors there are."""
    gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names in torch that are to go
        tensors = [each for each in gc.get_objects() if isinstance(each, torch.Tensor)]
    tensors += [each.grad for each in tensors if each.is_leaf and each.grad is not None]
    storages = {each.untyped_storage().data_ptr(): each.untyped_storage().nbytes() for each in tensors}
    return sum(storages.values())


def by_plain_torch(module: nn.Module, y: torch.Tensor) -> None:
    optimizer = torch.optim.AdamW(module.parameters(), lr=3e-2, weight_decay=0.01)
    for _ in range(150):
        optimizer.zero_grad()
        (nn.functional.mse_loss(module(X), y) + 1e-6 * module.penalty()).backward()
        optimizer.step()


def by_lightning(module: nn.Module, y: torch.Tensor) -> None:
    import pytorch_lightning as pl

    class Fit(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.target = module

        def training_step(self, batch, index):
            x, y = batch
            return nn.functional.mse_loss(self.target(x), y) + 1e-6 * self.target.penalty()

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=3e-2)

    quiet = dict.fromkeys(["logger", *(f"enable_{each}" for each in QUIETENED)], False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its loader's workers
        trainer = pl.Trainer(max_epochs=60, accelerator="cpu", **quiet)
        trainer.fit(Fit(), DataLoader(TensorDataset(X, y), batch_size=40))


def by_skorch(module: nn.Module, y: torch.Tensor) -> None:
    from skorch import NeuralNetRegressor

    class Fit(NeuralNetRegressor):
        def get_loss(self, *given, **named):
            return super().get_loss(*given, **named) + 1e-6 * self.module_.penalty()

    fit = Fit(module, max_epochs=60, lr=3e-2, optimizer=torch.optim.Adam, train_split=None, verbose=0, batch_size=40)
    fit.fit(X, y)
    with torch.no_grad():
        module.z.copy_(fit.module_.z)


LOOPS = {"torch": by_plain_torch, "lightning": by_lightning, "skorch": by_skorch}


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
def test_a_loop_of_ones_own_allocates_and_calibrates(loop):
    pac = pruned()
    allocation = pac.to_allocate()
    loop(allocation, values(0.0))
    pac.adopt(allocation)
    source = pac.network("source")
    target = pac.to_calibrate()
    before = float(nn.functional.mse_loss(target(X), values(0.5)).detach())
    loop(target, values(0.5))
    pac.adopt(target, "shifted")
    with torch.no_grad():
        assert nn.functional.mse_loss(pac.network("shifted")(X), values(0.5)) < 0.5 * before
    assert same_bits(pac.network("source"), source)
    kept = pac.base.by_name(~pac.base.free)
    for name, weights in pac.network("shifted").named_parameters():
        assert torch.equal(weights[kept[name]], source.get_parameter(name)[kept[name]])


def test_the_only_parameters_are_the_free_weights():
    pac = based()
    module = pac.to_calibrate()
    assert [name for name, _ in module.named_parameters()] == ["z"]
    assert module.z.shape == (int(pac.base.free.sum()),)
    assert list(module.state_dict()) == ["z"]


def test_the_penalty_is_the_methods():
    pac = pruned()
    allocation = pac.to_allocate()
    assert allocation.penalty() == 0
    with torch.no_grad():
        allocation.z += 0.5
    assert float(allocation.penalty().detach()) == pytest.approx(0.25 * len(allocation.z))
    pac.adopt(allocation)
    assert pac.to_calibrate().penalty() == 0


def test_gradients_are_those_of_the_library():
    pac = based()
    target, masked = pac.to_calibrate(), pac.base
    z = torch.linspace(-1, 1, len(target.z), dtype=torch.float64).requires_grad_()
    with torch.no_grad():
        target.z.copy_(z)
    ours = (target(X) - values(0.5)).square().mean() + 0.1 * target.penalty()
    theirs = (masked.forward(z)(X) - values(0.5)).square().mean() + 0.1 * z.square().sum()
    ours.backward()
    theirs.backward()
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(target.z.grad, z.grad)


def test_two_evaluations_may_come_before_one_backward_pass():
    target = based().to_calibrate()
    (target(X[:5]).sum() + target(X[5:]).sum()).backward()
    together, target.z.grad = target.z.grad.clone(), None
    target(X).sum().backward()
    torch.testing.assert_close(target.z.grad, together)


def test_a_backward_pass_through_values_that_a_step_has_changed_is_an_error():
    target = based().to_calibrate()
    loss = target(X).square().sum()
    with torch.no_grad():
        target.z.add_(1.0)
    target(X)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_changes_that_autograd_does_not_see_are_seen():
    target = based().to_calibrate()
    before = target(X)
    target.z.data.add_(1.0)
    assert not torch.equal(target(X), before)


def test_a_new_head_is_free_with_the_pruned_weights():
    pac = based()
    target = pac.to_calibrate(head=nn.Linear(8, 3))
    assert target(X).shape == (40, 3)
    pac.adopt(target, "three")
    assert pac.network("three")(X).shape == (40, 3)
    assert pac.network("source")(X).shape == (40, 1)


def test_a_target_starts_at_another():
    pac = based()
    pac.calibrate(wave(0.5).to(torch.float64), "near", pp.Adam(steps=5))
    assert torch.equal(pac.to_calibrate(start="near")(X), pac.network("near")(X))


def test_dropout_is_active_in_training_only_and_statistics_stay():
    pac = pp.PAC(batchnorm_network())
    pac.fit(wave(), pp.Adam(steps=10))
    pac.prune(keep=0.5)
    pac.allocate(wave(), pp.Adam(steps=10))
    target, x = pac.to_calibrate(), X.float()
    assert not torch.equal(target(x), target(x))
    target.eval()
    assert torch.equal(target(x), target(x))
    pac.adopt(target, "same")
    assert same_bits(pac.network("same"), pac.network("source"))


def test_a_module_moves_with_all_of_its_weights():
    target = based().to_calibrate().float()
    assert target(X.float()).dtype == torch.float32


def test_a_module_moved_to_where_it_is_needs_no_more_memory():
    pac = based()
    target = pac.to_calibrate()
    answers = target(X).detach()
    before = held()
    target.to("cpu", torch.float64)
    assert held() == before
    assert torch.equal(target(X), answers)


def test_the_penalty_of_an_allocation_moves_with_it():
    allocation = pruned().to_allocate().float()
    assert allocation.penalty() == 0
    allocation.z.data.add_(0.5)
    assert float(allocation.penalty().detach()) == pytest.approx(0.25 * len(allocation.z))


@pytest.mark.parametrize("keep", [0.3, 0.5, 0.7])
def test_little_is_held_beyond_what_training_needs(keep):
    before = held()
    pac = pp.PAC(nn.Linear(200, 100))
    counts = pac.prune(keep)
    pac.adopt(pac.to_allocate())
    target = pac.to_calibrate()
    optimizer = torch.optim.Adam(target.parameters())
    (target(torch.ones(1, 200)).square().sum() + target.penalty()).backward()
    optimizer.step()
    networks = 3 * (counts.kept + counts.free)  # as given, as allocated, with the target's weights in place
    masks = (counts.kept + counts.free) / 4
    free = 5 * counts.free  # values, gradients, two moments, places
    assert held() - before <= 4 * (networks + masks + free) + 2000


def test_a_network_of_several_inputs_can_be_called():
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(2, 1)

        def forward(self, x, y, scale=1.0):
            return scale * self.inner(torch.cat([x, y], 1))

    pac = pruned(Sum())
    module, x = pac.to_allocate(), torch.rand(5, 1)
    assert torch.equal(module(x, x, scale=2.0), 2 * module(x, x))


def test_a_copy_can_be_adopted():
    pac = based()
    pac.adopt(copy.deepcopy(pac.to_calibrate()), "copy")
    assert pac.names == ["source", "copy"]


def test_steps_out_of_order_are_told():
    with pytest.raises(OrderError, match="call prune"):
        pp.PAC(small_network()).to_allocate()
    with pytest.raises(OrderError, match="call allocate"):
        pruned().to_calibrate()
    pac = based()
    early = pac.to_calibrate()
    pac.prune(keep=0.4)
    with pytest.raises(OrderError, match="pruned or allocated anew"):
        pac.adopt(early, "late")
    pac = based()
    with pytest.raises(OrderError, match="'source' is taken"):
        pac.adopt(pac.to_calibrate(), "source")


def test_a_loop_of_ones_own_ends_where_calibrate_does():
    """On a linear network, where there is one minimum."""
    rng = np.random.default_rng(0)
    task = CurveFit(rng.normal(size=(20, 6)), rng.normal(size=(20, 1))).to(torch.float64)
    pac = pruned(nn.Linear(6, 1).double())
    pac.allocate(task, pp.LevenbergMarquardt(max_steps=50))
    pac.calibrate(task, "library", pp.LevenbergMarquardt(max_steps=50), penalty=0.1)
    target, (x, y) = pac.to_calibrate(), task.everything()
    optimizer = torch.optim.LBFGS(target.parameters(), max_iter=200, tolerance_grad=1e-12, tolerance_change=1e-15)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(target(x), y) + 0.1 * target.penalty()
        loss.backward()
        return loss

    optimizer.step(closure)
    pac.adopt(target, "own")
    torch.testing.assert_close(pac.network("own").weight, pac.network("library").weight, rtol=1e-5, atol=1e-7)
