"""Guesses of a member's weights from its parent's."""

import pytest

import pacpinn as pp
import solver_parts
from tests.toys import Decay


@pytest.fixture(scope="module")
def family() -> pp.Family:
    return pp.solve_family(Decay(), targets=pp.grid(k=[1.05, 1.1]), tolerance=1e-6)


def loss(family: pp.Family, member: pp.Solution, kind: str) -> float:
    guess = solver_parts.kinds(family, family[member.parent], member)[kind]()
    return float(solver_parts.of(family, member).residuals(guess).square().sum())


@pytest.mark.parametrize("kind", ["true tangent", "damped Gauss-Newton step", "secant"])
def test_guesses_are_nearer_than_the_parent_for_a_short_way(family, kind):
    member = family.targets[-1]
    assert loss(family, member, kind) < 0.1 * loss(family, member, solver_parts.PARENT)


def test_the_source_has_no_secant(family):
    first = family.targets[0]
    assert solver_parts.SECANT not in solver_parts.kinds(family, family.source, first)


def test_residuals_change_with_the_coefficient_as_they_do_to_first_order(family):
    parent, member = family.targets
    z = parent.z[None]
    change = solver_parts.of(family, member).residuals(z) - solver_parts.of(family, parent).residuals(z)
    slope = solver_parts.towards(family, parent, member)
    assert (change - slope).norm() < 0.05 * change.norm()
