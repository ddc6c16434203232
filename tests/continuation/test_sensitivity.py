"""Sensitivities against closed forms."""

import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.continuation.sensitivity import Calibrated
from pacpinn.errors import NotSolved, PacpinnError
from tests.reduced_basis.test_greedy import Spring
from tests.toys import Decay, Rotation, Waves

T = np.linspace(0, 1, 21)[:, None]


class StretchedDecay(Decay):
    """Decay with the coefficient in transform and features as well as in the equation."""

    def features(self, t, c):
        return c.k * t

    def transform(self, t, u, c):
        return torch.exp(-c.k * t) * (1 + t * u)


def relative(found: np.ndarray, exact: np.ndarray) -> float:
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


@pytest.mark.parametrize("problem", [Decay, StretchedDecay])
@pytest.mark.parametrize("k", [1.0, 1.3, 1.6])
def test_of_a_member(problem, k, solved_decay):
    family = solved_decay if problem is Decay else pp.solve_family(problem(), keep=0.5)
    found = family.sensitivity(T, k=k)
    assert found.shape == (21, 1, 1)
    assert relative(found[..., 0], -T * np.exp(-k * T)) < 2e-2


def test_of_a_sharply_solved_member():
    family = pp.solve_family(Decay(), keep=0.5, tolerance=1e-5)
    assert relative(family.sensitivity(T, k=1.3)[..., 0], -T * np.exp(-1.3 * T)) < 1e-4


def test_the_error_of_differences_to_measurements(solved_decay):
    member, deviation = solved_decay[{"k": 1.3}], 1e-3
    solution = Calibrated(solved_decay.task(k=1.3), solved_decay.bases[member.base].masked, member.z)
    exact = (solution.predict(T) - np.exp(-1.3 * T))[:, 0] / deviation
    found = solution.error_of(pp.Measurements(T, np.zeros_like(T), deviation))
    assert relative(found, exact) < 0.1


def test_of_several_outputs():
    family = pp.solve_family(Rotation(), keep=0.5)
    exact = np.hstack([T * np.cos(1.2 * T), -T * np.sin(1.2 * T)])
    assert relative(family.sensitivity(T, w=1.2)[..., 0], exact) < 5e-3


def test_between_members_of_two_coefficients():
    family = pp.solve_family(Spring(), within={"k": (1, 2), "force": (0.25, 0.75)}, tolerance=1e-4, keep=0.5)
    found, h = family.sensitivity(T, k=1.55, force=0.45), 1e-5

    def slope(name: str) -> np.ndarray:
        c = {"k": 1.55, "force": 0.45}
        ahead, behind = (family.problem.reference(T, pp.Coefficients(**{**c, name: c[name] + s})) for s in (h, -h))
        return (ahead - behind) / (2 * h)

    assert family.varying == ["k", "force"]
    assert relative(found[..., 0], slope("k")) < 1e-2
    assert relative(found[..., 1], slope("force")) < 1e-2


def test_both_ways_agree(solved_decay):
    by_weights = solved_decay.sensitivity(T, k=1.3)
    in_the_span = solved_decay.sensitivity(T, k=1.3 * (1 + 1e-6))
    assert relative(in_the_span, by_weights) < 5e-2


def test_a_source_alone(solved_decay):
    family = pp.Family(solved_decay.problem, solved_decay.bases, [solved_decay.source], solved_decay.settings)
    assert relative(family.sensitivity(T)[..., 0], -T * np.exp(-T)) < 2e-2
    with pytest.raises(NotSolved, match="not solved at k=2"):
        family.sensitivity(T, k=2)


def test_bad_input(solved_decay):
    with pytest.raises(PacpinnError, match="points of shape"):
        solved_decay.sensitivity(T[:, 0], k=1.3)
    with pytest.raises(PacpinnError, match="lie outside the domain"):
        solved_decay.sensitivity(T + 1, k=1.3)


def test_data_have_none(solved_decay):
    family = pp.Family(Waves(), solved_decay.bases, [solved_decay.source], solved_decay.settings)
    with pytest.raises(PacpinnError, match="equation"):
        family.sensitivity(T)
