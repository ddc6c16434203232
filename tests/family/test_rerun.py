"""A family solved again from what its file says."""

from dataclasses import replace

import pytest

import pacpinn as pp
from pacpinn.errors import FamilyFileError
from pacpinn.family.rerun import compared, rerun
from tests.family.file.test_journal import After, interrupt
from tests.toys import Decay, same_family


@pytest.fixture(scope="module")
def extended():
    """A family that was solved, extended and refined."""
    family = pp.solve_family(Decay(), targets=pp.grid(k=[1.3, 1.6]), keep=0.5, seed=1)
    family.extend([{"k": 2.0}, {"k": 2.2}])
    family.refine({"k": (1.0, 2.0)}, 1e-3)
    return family


def test_a_loaded_family_is_solved_again_to_the_last_bit(extended, tmp_path):
    loaded = pp.load(extended.save(tmp_path / "f.pac"), Decay())
    again = rerun(loaded)
    assert again.requests == extended.requests
    assert same_family(again, extended)
    assert all(each.same and each.difference == 0 for each in compared(loaded, again))


def test_what_was_interrupted_is_compared_as_far_as_it_came():
    family = pp.solve_family(Decay(), targets=[{"k": 1.1}], keep=0.5)
    with pytest.raises(KeyboardInterrupt):
        family.extend(pp.grid(k=[1.2, 1.3]), After(1, interrupt))
    found = list(compared(family, rerun(family)))
    assert [each.same for each in found] == [True, True, True]


def test_a_difference_is_seen_and_measured(extended):
    z = extended.targets[0].z.clone()
    z[3] += 1e-6
    changed = pp.Family(extended.problem, extended.bases, extended.values(), extended.settings)
    changed._solutions[extended.targets[0].coefficients] = replace(extended.targets[0], z=z)
    found = {each.coefficients: each for each in compared(changed, extended)}
    assert found[extended.targets[0].coefficients].difference == pytest.approx(1e-6)
    assert [each.same for each in found.values()].count(False) == 1


def test_a_missing_member_differs(extended):
    short = pp.Family(extended.problem, extended.bases, list(extended.values())[:2], extended.settings)
    assert [each.same for each in compared(extended, short)][:3] == [True, True, False]


def test_a_family_that_does_not_say_how_it_came_about_is_refused(family):
    with pytest.raises(FamilyFileError, match="does not say how it came about"):
        rerun(family)


def test_one_that_was_interrupted_and_then_extended_otherwise_is_refused():
    family = pp.solve_family(Decay(), targets=[{"k": 1.1}], keep=0.5)
    with pytest.raises(KeyboardInterrupt):
        family.extend(pp.grid(k=[1.2, 1.3]), After(1, interrupt))
    family.extend([{"k": 1.15}])
    assert family.finished
    with pytest.raises(FamilyFileError, match="interrupted and then extended otherwise"):
        rerun(family)
