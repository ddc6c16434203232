"""Estimated errors, compared with errors that are known."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.continuation.error_estimate import error_estimate
from pacpinn.errors import NotSolved, PacpinnError
from pacpinn.solvers.base import Status
from tests.command_line import run
from tests.toys import Decay, SoftDecay, Waves, problem_file

T = np.linspace(0, 1, 21)[:, None]


def astray(family, c, size):
    """The member with noise on its free weights: its task, base and weights."""
    member = family[c]
    noise = torch.randn(len(member.z), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return family.task(**c), family.bases[member.base].masked, member.z + size * noise


@pytest.mark.parametrize("problem", [Decay(), SoftDecay()], ids=["exact conditions", "soft conditions"])
@pytest.mark.parametrize("size", [1e-5, 1e-4, 1e-3])
def test_an_error_of_a_known_size_is_found(problem, size):
    family = pp.solve_family(problem, targets=[{"k": 1.3}], keep=0.5, tolerance=1e-5)
    task, masked, z = astray(family, {"k": 1.3}, size)
    found, score = error_estimate(task, masked, z), task.score(masked.forward(z))
    assert found.relative == pytest.approx(score.value, rel=0.1)
    exact = task.predict(masked.forward(z), T) - np.exp(-1.3 * T)
    assert np.abs(found.at(T) - exact).max() < 0.1 * np.abs(exact).max()


def test_what_is_taken_away_with_the_estimate_is_nearer_the_truth(solved_decay):
    for c in solved_decay:
        u, e = solved_decay.predict(T, **c), solved_decay.error_estimate(**c).at(T)
        exact = np.exp(-c.k * T)
        assert np.abs(u - e - exact).max() < 0.2 * np.abs(u - exact).max()


def test_an_estimate_is_the_same_to_the_last_bit_and_changes_nothing(solved_decay):
    state = torch.get_rng_state()
    one, other = (solved_decay.error_estimate(k=1.3).relative for _ in range(2))
    assert one == other
    assert torch.equal(torch.get_rng_state(), state)


def test_the_reference_is_not_asked(solved_decay):
    class Secret(Decay):
        name = "decay"

        def reference(self, t, c):
            raise AssertionError("asked")

    family = pp.Family(Secret(), solved_decay.bases, solved_decay.values(), solved_decay.settings)
    assert family.error_estimate(k=1.3).relative == solved_decay.error_estimate(k=1.3).relative


def test_single_precision_and_large_networks_are_estimated_too():
    class Large(Decay):
        hidden = (50, 50)

    small = pp.solve_family(Decay(), targets=[{"k": 1.1}], keep=0.5, dtype=torch.float32, tolerance=0.02)
    large = pp.solve_family(Large(), targets=[{"k": 1.1}], keep=0.5, tolerance=1e-3)
    assert len(large.bases[0].masked.weights) > 2000
    for family in (small, large):
        member = family[{"k": 1.1}]
        assert member.score.value / 3 < family.error_estimate(k=1.1).relative < 3 * member.score.value


def test_integrals_are_estimated_too():
    family = pp.solve_family("volterra", targets=[{"strength": 1.2}])
    found = family.error_estimate(strength=1.2).relative
    assert family[{"strength": 1.2}].score.value / 3 < found < 3 * family[{"strength": 1.2}].score.value


def test_a_solution_that_went_astray_shows(solved_decay):
    task, masked, z = astray(solved_decay, {"k": 1.3}, 0.3)
    found = error_estimate(task, masked, z).relative
    assert found > 10 * solved_decay.error_estimate(k=1.3).relative


def test_only_members_of_equations_have_one(solved_decay):
    with pytest.raises(NotSolved, match="not solved at k=7"):
        solved_decay.error_estimate(k=7.0)
    data = pp.solve_family(Waves(), keep=0.5, solver=pp.Adam(steps=1))
    with pytest.raises(PacpinnError, match="is no equation"):
        data.error_estimate()


# In the table ---------------------------------------------------------------------------------------------------------


def test_estimates_are_made_once_and_kept_in_the_file(family, tmp_path, monkeypatch):
    assert [row["estimate"] for row in family.table()] == [None] * 3
    family.estimate_errors()
    estimates = [row["estimate"] for row in family.table()]
    assert all(0 < each < 0.1 for each in estimates)
    loaded = pp.load(family.save(tmp_path / "f.pac"), Decay())
    monkeypatch.setattr("pacpinn.family.queries.error_estimate", None)
    loaded.estimate_errors()
    assert [row["estimate"] for row in loaded.table()] == estimates


def test_the_command_shows_them_beside_the_true_errors(tmp_path):
    file = problem_file(tmp_path)
    outcome = run("solve", file, "--targets", "k=1.1,1.2", "--output", tmp_path / "run", "--json")
    for each in outcome.json()["targets"]:
        assert each["error"] / 3 < each["error_estimate"] < 3 * each["error"]
    shown = run("info", tmp_path / "run" / "decay.pac", "--problem", file).out
    assert "estimate" in shown
    assert "estimate" in (tmp_path / "run" / "table.csv").read_text().splitlines()[0]


def test_one_that_is_not_finite_is_no_json_number_and_is_asked_for_anew(solved_decay, tmp_path):
    family = pp.Family(solved_decay.problem, solved_decay.bases, solved_decay.values(), solved_decay.settings)
    c = family.targets[0].coefficients
    family._solutions[c] = replace(family[c], error_estimate=float("inf"), status=Status.DIVERGED)
    loaded = pp.load(family.save(tmp_path / "f.pac"), Decay())
    assert loaded[c].error_estimate is None
