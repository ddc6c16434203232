"""Bases by each transfer method: what is free, and that the base still solves its source."""

import pytest
import torch

import pacpinn as pp
from pacpinn.continuation.family_methods import FAMILY_METHODS, build_base
from pacpinn.continuation.settings import Settings
from pacpinn.errors import PacpinnError
from pacpinn.networks.objective import Objective
from pacpinn.solvers.base import Status
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from pacpinn.transfer.from_scratch import cold_start
from tests.toys import Decay, Waves, batchnorm_network, same_bits

EVERY_METHOD = pytest.mark.parametrize("method", FAMILY_METHODS)


@pytest.fixture(scope="module")
def trained():
    task = Decay().task()
    return cold_start(Decay().initial_network(seed=0), task)[0], task


def base(trained, method, **settings):
    source, task = trained
    return build_base(source, task, Settings(method=method, keep=0.5, **settings), lambda step, loss: None)


@EVERY_METHOD
def test_a_base_solves_its_source(trained, method):
    masked, _ = base(trained, method)
    assert trained[1].score(masked.forward(masked.start)).value < 1e-3


def test_pac_frees_what_it_prunes(trained):
    masked, results = base(trained, "pac")
    assert int((~masked.free).sum()) == round(0.5 * len(masked.free))
    assert (masked.start == 0).all()
    assert len(results) == 1


def test_pac_keeps_more_where_too_few_weights_hold_the_source(trained):
    source, task = trained
    masked, results = build_base(source, task, Settings(keep=0.03), lambda step, loss: None)
    assert len(results) > 1
    assert results[-1].status is Status.CONVERGED
    kept = 1 - 0.97 / 2 ** (len(results) - 1)
    assert int((~masked.free).sum()) == round(kept * len(masked.free))


def test_fine_tuning_frees_all_weights_at_their_values(trained):
    masked, results = base(trained, "fine-tuning")
    assert masked.free.all()
    assert same_bits(masked.start, trained[0].weights)
    assert results == []


def test_last_layer_frees_the_last_layer_alone(trained):
    masked, results = base(trained, "last-layer")
    free = masked.by_name(masked.free)
    assert [name for name, each in free.items() if each.all()] == ["linears.2.weight", "linears.2.bias"]
    assert not any(each.any() for name, each in free.items() if "linears.2" not in name)
    assert results == []


def test_on_the_last_layer_a_linear_equation_is_linear_least_squares(trained):
    masked, _ = base(trained, "last-layer")
    objective = Objective(Decay().task(k=1.05), masked)
    z = masked.start[None]
    here, there = objective.linearise(z), objective.linearise(z + 1)
    torch.testing.assert_close(here.jacobian, there.jacobian)
    least = torch.linalg.lstsq(here.jacobian[0], -here.residuals[0, :, None], driver="gelsd").solution[:, 0]
    best = float((here.residuals[0] + here.jacobian[0] @ least).square().sum())
    objective.task.tolerance = None
    assert LevenbergMarquardt()(objective, masked.start).history[-1] == pytest.approx(best, rel=1e-3, abs=1e-18)


@EVERY_METHOD
def test_every_method_solves_a_family_that_can_be_stored(tmp_path, method):
    family = pp.solve_family(Decay(), targets=pp.grid(k=[1.05, 1.1]), keep=0.5, method=method)
    assert [each.status for each in family.targets] == [Status.CONVERGED] * 2
    again = pp.load(family.save(tmp_path / "decay.pac"), Decay())
    assert again.settings.method == method
    x = [[0.3], [0.9]]
    assert same_bits(torch.tensor(again.predict(x, k=1.1)), torch.tensor(family.predict(x, k=1.1)))


def test_from_scratch_every_target_is_trained_by_itself():
    family = pp.solve_family(Decay(), targets=pp.grid(k=[1.3, 1.6]), method="from-scratch")
    alone = pp.solve_family(Decay(), targets=pp.grid(k=[1.6]), method="from-scratch")
    assert [each.status for each in family.targets] == ["converged"] * 2
    assert all(each.parent is None and each.score.value < 2 * Decay.tolerance for each in family.targets)
    assert same_bits(family[{"k": 1.6}].z, alone[{"k": 1.6}].z)


def test_from_scratch_starts_at_the_initial_network():
    family = pp.solve_family(Decay(), targets=pp.grid(k=[1.3]), method="from-scratch", solver=pp.Adam(steps=0))
    initial = torch.cat([each.flatten() for each in Decay().initial_network(0).parameters()])
    assert same_bits(family[{"k": 1.3}].z, initial.detach())


def test_a_family_from_scratch_comes_back_from_its_file(tmp_path):
    family = pp.solve_family(Decay(), targets=pp.grid(k=[1.3]), method="from-scratch")
    again = pp.load(family.save(tmp_path / "decay.pac"), problem=Decay())
    assert same_bits(again[{"k": 1.3}].z, family[{"k": 1.3}].z)


def test_a_network_with_statistics_is_refused():
    class Normalised(Waves):
        def network(self, seed):
            return batchnorm_network()

    with pytest.raises(PacpinnError, match="the network has buffers"):
        pp.solve_family(Normalised(), targets=[{"shift": 0.1}], method="from-scratch", solver=pp.Adam(steps=1))
