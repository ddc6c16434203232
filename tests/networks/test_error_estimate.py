"""Estimated errors, compared with errors that are known."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.equations.curriculum import Horizon
from pacpinn.errors import NotSolved, PacpinnError
from pacpinn.networks.error_estimate import error_estimate
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.solvers.base import Status
from tests.command_line import run
from tests.networks.known_errors import Perturbed, cooling, jump, perturbed, saturated
from tests.toys import AbsoluteError, Decay, SoftDecay, Waves, problem_file, small_network, wave

T = np.linspace(0, 1, 21)[:, None]
CHANGES = {
    "slow": lambda share: 1e-3 * torch.sin(3 * share),
    "fast": lambda share: 1e-3 * torch.sin(12 * share),
    "from a wrong start": lambda share: 1e-2 * torch.exp(-share),
    "tiny": lambda share: 1e-5 * share**2,
    "as large as the solution": lambda share: 0.3 * share,
}
UNITS = {
    "unit": {},
    "kelvin": {"offset": 293.0},
    "seconds": {"amplitude": 1e3, "duration": 3600.0},
    "milliseconds": {"offset": 293.0, "amplitude": 40.0, "duration": 1e-3},
}
each_change = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)


def estimate_of(solution: Perturbed):
    return error_estimate(solution.task, solution.masked, solution.masked.start)


# Known errors ---------------------------------------------------------------------------------------------------------


@each_change
@pytest.mark.parametrize("units", UNITS.values(), ids=UNITS)
def test_an_error_is_found_within_a_factor_of_two_in_any_units(change, units):
    solution = perturbed(cooling(**units), change)
    found = estimate_of(solution)
    assert solution.error / 2 < found.relative < 2 * solution.error
    assert found.relative <= found.bound < 2.1 * solution.error
    assert found.by_output == (found.relative,)


@each_change
def test_a_change_of_units_changes_no_estimate(change):
    here, there = (estimate_of(perturbed(cooling(**units), change)) for units in (UNITS["unit"], UNITS["seconds"]))
    assert there.relative == pytest.approx(here.relative, rel=1e-6)
    assert there.bound == pytest.approx(here.bound, rel=1e-6)


def test_an_offset_makes_no_error_look_small():
    here, there = (estimate_of(perturbed(cooling(offset=offset), CHANGES["slow"])) for offset in (0.0, 293.0))
    assert there.relative == pytest.approx(here.relative, rel=1e-3)
    x = np.linspace(0, 1, 11)[:, None]
    assert there.at(x) == pytest.approx(here.at(x), rel=1e-3, abs=1e-9)


def test_where_the_error_is_and_of_which_sign():
    solution = perturbed(cooling(offset=20.0, amplitude=5.0), CHANGES["slow"])
    exact = 5e-3 * np.sin(3 * T)
    assert np.abs(estimate_of(solution).at(T) - exact).max() < 0.1 * np.abs(exact).max()


@pytest.mark.parametrize("width", [1e-1, 1e-2, 1e-3, 1e-4])
@pytest.mark.parametrize("place", [0.251, 0.5137, 0.77])
def test_a_jump_between_the_training_points_is_seen(width, place):
    solution = perturbed(cooling(), jump(width=width, place=place))
    found = estimate_of(solution)
    assert found.relative > solution.error / 2
    assert found.bound >= found.relative


@pytest.mark.parametrize("factor", [10, 100, 1000])
def test_saturated_units_hide_no_error(factor):
    solution = perturbed(cooling(), CHANGES["from a wrong start"], saturated(factor, slice(1)))
    found = estimate_of(solution)
    assert solution.error / 2 < found.relative < 2 * solution.error


@pytest.mark.parametrize("factor", [3, 10, 100, 1000])
def test_a_saturated_network_that_solves_nothing_has_no_small_error(factor):
    task, masked = Decay().task(), MaskedNetwork(saturated(factor))
    assert task.score(masked.forward(masked.start)).value > 0.5
    found = error_estimate(task, masked, masked.start)
    assert max(found.relative, found.bound / 10) > 0.5
    assert found.bound >= found.relative


def test_infinite_residuals_have_no_bound():
    class Root(SoftDecay):
        def residual(self, t, u, c):
            return super().residual(t, u, c) + torch.sqrt(-1 - u**2)

    task, masked = Root().task(), MaskedNetwork(small_network())
    found = error_estimate(task, masked, masked.start)
    assert math.isinf(found.relative)
    assert math.isinf(found.bound)


# Members --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[Decay(), SoftDecay()], ids=["exact conditions", "soft conditions"])
def accurate(request):
    return pp.solve_family(request.param, targets=[{"k": 1.3}], keep=0.5, tolerance=1e-5)


def astray(family, c, size):
    """The member with noise on its free weights: its task, base and weights."""
    member = family[c]
    noise = torch.randn(len(member.z), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return family.task(**c), family.bases[member.base].masked, member.z + size * noise


@pytest.mark.parametrize("size", [1e-5, 1e-4, 1e-3])
def test_an_error_of_a_known_size_is_found(accurate, size):
    task, masked, z = astray(accurate, {"k": 1.3}, size)
    found, score = error_estimate(task, masked, z), task.score(masked.forward(z))
    assert found.relative == pytest.approx(score.value, rel=0.1)
    exact = task.predict(masked.forward(z), T) - np.exp(-1.3 * T)
    assert np.abs(found.at(T) - exact).max() < 0.1 * np.abs(exact).max()


def test_what_is_taken_away_with_the_estimate_is_nearer_the_truth(solved_decay):
    for c in solved_decay:
        u, e = solved_decay.predict(T, **c), solved_decay.error_estimate(**c).at(T)
        exact = np.exp(-c.k * T)
        assert np.abs(u - e - exact).max() < 0.2 * np.abs(u - exact).max()


def test_a_solution_that_went_astray_shows(solved_decay):
    task, masked, z = astray(solved_decay, {"k": 1.3}, 0.3)
    found = error_estimate(task, masked, z).relative
    assert found > 10 * solved_decay.error_estimate(k=1.3).relative


def test_an_estimate_is_the_same_to_the_last_bit_and_changes_nothing(solved_decay):
    state = torch.get_rng_state()
    one, other = (solved_decay.error_estimate(k=1.3) for _ in range(2))
    assert (one.relative, one.bound) == (other.relative, other.bound)
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


def test_members_have_the_estimates_of_their_solves(solved_decay):
    for c, member in solved_decay.items():
        found = solved_decay.error_estimate(**c)
        assert (member.error_estimate, member.error_bound) == (found.relative, found.bound)
        assert member.error_estimate <= solved_decay.settings.task(solved_decay.problem, c).tolerance


# In the table ---------------------------------------------------------------------------------------------------------


def test_estimates_are_in_the_table_and_in_the_file(solved_decay, tmp_path):
    estimates = [row["estimate"] for row in solved_decay.table()]
    assert estimates == [each.error_estimate for each in solved_decay.values()]
    loaded = pp.load(solved_decay.save(tmp_path / "f.pac"), Decay())
    assert [row["estimate"] for row in loaded.table()] == estimates


def test_members_without_an_estimate_are_given_one_once(family, monkeypatch):
    solved = {c: replace(each, error_estimate=None, error_bound=None) for c, each in family.items()}
    bare = pp.Family(family.problem, family.bases, solved.values(), family.settings)
    assert [row["estimate"] for row in bare.table()] == [None] * 3
    bare.estimate_errors()
    assert [row["estimate"] for row in bare.table()] == [row["estimate"] for row in family.table()]
    monkeypatch.setattr("pacpinn.family.queries.error_estimate", None)
    bare.estimate_errors()


def test_the_command_shows_them_beside_the_true_errors(tmp_path):
    file = problem_file(tmp_path)
    outcome = run("solve", file, "--targets", "k=1.1,1.2", "--output", tmp_path / "run", "--json")
    assert outcome.code == 0, outcome.err
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


# Where there is none --------------------------------------------------------------------------------------------------


def test_data_have_no_estimate():
    for task in (wave().to(torch.float64), AbsoluteError([[0.5]], [[1.0]])):
        masked = MaskedNetwork(small_network())
        assert error_estimate(task, masked, masked.start) is None


def test_measurements_and_causal_windows_have_no_estimate():
    class Late(Decay):
        windows = 2

    masked = MaskedNetwork(Late().initial_network(0))
    measured = Late().task().with_measurements(pp.Measurements([[0.5]], [[0.6]], 0.01))
    for task in (Late().task().easier()[0], measured):
        assert error_estimate(task, masked, masked.start) is None
    assert error_estimate(Late().task(), masked, masked.start) is not None


def test_a_horizon_has_the_error_of_its_part_of_the_time():
    solution = perturbed(cooling(), lambda share: torch.where(share < 0.5, 0 * share, 0.3 * (share - 0.5) ** 2))
    first_half = solution.task.at_stage(Horizon(0.4))
    assert error_estimate(first_half, solution.masked, solution.masked.start).relative < 1e-3 * solution.error


def test_only_members_of_equations_have_one(solved_decay):
    with pytest.raises(NotSolved, match="not solved at k=7"):
        solved_decay.error_estimate(k=7.0)
    data = pp.solve_family(Waves(), keep=0.5, solver=pp.Adam(steps=1))
    with pytest.raises(PacpinnError, match="is no equation"):
        data.error_estimate()
