"""Rivals whose targets start from no member."""

import pytest
import torch

import pacpinn as pp
from pacpinn.errors import PacpinnError
from tests.toys import Decay, Waves, batchnorm_network, same_bits


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
