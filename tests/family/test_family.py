"""Extending a solved family."""

import numpy as np
import pytest

import pacpinn as pp
from pacpinn.errors import CoefficientError
from tests.toys import same_bits

T = np.linspace(0, 1, 13)[:, None]


def test_extending_leaves_earlier_members_bit_for_bit(family, solved_decay):
    before = {c: each.z.clone() for c, each in solved_decay.items()}
    answers = {c: family.predict(T, **c) for c in solved_decay}
    family.extend([{"k": 0.8}, {"k": 1.45}])
    assert [str(c) for c in family][:3] == ["k=1", "k=1.3", "k=1.6"]
    for c, z in before.items():
        assert same_bits(family[c].z, z)
        assert family.predict(T, **c).tobytes() == answers[c].tobytes()


def test_each_new_target_starts_from_its_nearest_member(family):
    family.extend([{"k": 2.0}, {"k": 0.9}, {"k": 0.8}])
    parents = {each.coefficients.k: each.parent.k for each in family.targets[2:]}
    assert parents == {2.0: 1.6, 0.9: 1.0, 0.8: 0.9}


def test_extending_by_what_is_there_changes_nothing(family):
    family.extend([{"k": 1.3}])
    assert len(family) == 3


def test_extending_by_nothing_is_refused(family):
    with pytest.raises(CoefficientError, match="no targets given"):
        family.extend([])


def test_a_bad_target_is_refused_before_any_is_solved(family):
    with pytest.raises(CoefficientError, match="k=99"):
        family.extend([{"k": 2.0}, {"k": 99}])
    assert len(family) == 3


def test_extended_at_once_or_one_by_one_is_the_same(solved_decay):
    def extended(*batches):
        one = pp.Family(solved_decay.problem, solved_decay.bases, solved_decay.values(), solved_decay.settings)
        for batch in batches:
            one.extend(batch)
        return one

    at_once = extended([{"k": 2.0}, {"k": 2.5}])
    one_by_one = extended([{"k": 2.0}], [{"k": 2.5}])
    assert all(same_bits(at_once[c].z, one_by_one[c].z) for c in at_once)
