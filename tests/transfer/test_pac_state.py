"""The state of PAC: the order of the steps, names, copies, what is given out."""

import copy

import pytest
import torch

import pacpinn as pp
from pacpinn.errors import NetworkError, OrderError
from tests.toys import batchnorm_network, same_bits, wave
from tests.transfer.networks import allocated, batchnorm, decay


def test_allocate_before_prune():
    pac, source, _ = decay()
    with pytest.raises(OrderError, match=r"call prune\(keep=\.\.\.\) first"):
        pac.allocate(source)


def test_calibrate_before_prune():
    pac, _, target = decay()
    with pytest.raises(OrderError, match=r"call prune\(keep=\.\.\.\) and then allocate\(source\) first"):
        pac.calibrate(target)


def test_calibrate_before_allocate():
    pac, _, target = decay()
    pac.prune()
    with pytest.raises(OrderError, match=r"call allocate\(source\) first"):
        pac.calibrate(target)


def test_network_before_allocate():
    pac, _, _ = decay()
    with pytest.raises(OrderError, match="no allocated network yet"):
        pac.network()


def test_fit_undoes_pruning():
    pac, source, _ = allocated(decay)
    pac.fit(source, pp.Adam(steps=2))
    with pytest.raises(OrderError, match="prune"):
        pac.allocate(source)


def test_a_network_that_is_not_calibrated_lists_those_that_are():
    pac, _, target = allocated(decay)
    pac.calibrate(target)
    with pytest.raises(OrderError, match=r"'k=2' is not calibrated; there are: source, k=1\.5"):
        pac.network("k=2")
    with pytest.raises(OrderError, match="'k=2' is not calibrated"):
        pac.calibrate(target, start="k=2")


def test_what_becomes_of_a_copy_leaves_a_network_as_it_is():
    pac = pp.PAC(batchnorm_network())
    pac.prune(0.5)
    other = copy.copy(pac)
    other.dtype = torch.float64
    other.fit(wave(), pp.Adam(steps=5))
    pac.adopt(pac.to_allocate())
    assert {each.dtype for each in pac.network().parameters()} == {torch.float32}
    assert pac.network()(torch.ones(3, 1)).dtype == torch.float32


def test_a_network_given_out_is_independent():
    pac, _, _ = allocated(decay)
    before = pac.network()
    with torch.no_grad():
        for each in pac.network().parameters():
            each.zero_()
    assert same_bits(pac.network(), before)


# Names ----------------------------------------------------------------------------------------------------------------


def test_a_target_is_called_after_its_coefficients():
    pac, _, target = allocated(decay)
    pac.calibrate(target, solver=pp.Adam(steps=1))
    pac.calibrate(target, "mine", pp.Adam(steps=1))
    assert pac.names == ["source", "k=1.5", "mine"]


def test_targets_without_coefficients_are_counted():
    pac, _, target = allocated(batchnorm)
    pac.calibrate(target, solver=pp.Adam(steps=1))
    pac.calibrate(target, solver=pp.Adam(steps=1))
    assert pac.names == ["source", "target 1", "target 2"]


def test_no_target_is_called_source():
    pac, _, target = allocated(decay)
    with pytest.raises(OrderError, match="'source'"):
        pac.calibrate(target, name="source")


def test_a_default_name_does_not_come_twice_because_of_a_name_that_was_given():
    pac, _, target = allocated(batchnorm)
    pac.calibrate(target, "mine", pp.Adam(steps=1))
    pac.calibrate(target, solver=pp.Adam(steps=1))
    assert pac.names == ["source", "mine", "target 2"]


# Calibrations ---------------------------------------------------------------------------------------------------------


def test_a_calibration_starts_at_the_source_or_at_a_target():
    pac, _, target = allocated(decay)
    assert torch.equal(pac.to_calibrate().z, pac.base.start)
    pac.calibrate(target, "first", pp.Adam(steps=3))
    trained = pac.to_calibrate(start="first")
    assert not trained.z.equal(pac.base.start)
    pac.adopt(trained, "second")
    assert same_bits(pac.network("second"), pac.network("first"))


def test_a_start_and_a_head_exclude_each_other():
    pac, _, target = allocated(decay)
    pac.calibrate(target, "first", pp.Adam(steps=1))
    with pytest.raises(NetworkError, match="here 'first', has its head: leave out one of the two"):
        pac.to_calibrate(start="first", head=torch.nn.Linear(8, 2))


def test_a_new_base_drops_the_targets_and_modules_made_earlier():
    pac, source, target = allocated(decay)
    earlier = pac.to_calibrate()
    pac.calibrate(target, solver=pp.Adam(steps=1))
    pac.allocate(source, pp.Adam(steps=1))
    assert pac.names == ["source"]
    with pytest.raises(OrderError, match="pruned or allocated anew"):
        pac.adopt(earlier)
