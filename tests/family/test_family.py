"""Solving a family, and what one can ask of it."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.errors import (
    CoefficientError,
    DeviceError,
    NotSolved,
    PacpinnError,
    PruningError,
    UnknownProblem,
    UnknownSolver,
)
from tests.toys import Advection, Decay, Rotation, SoftDecay, Waves, problem_file, same_bits

T = np.linspace(0, 1, 13)[:, None]


class Spring(Decay):
    """Decay with two coefficients more, which change little."""

    mass = pp.Coefficient(1.0, low=0.5, high=2.0)
    length = pp.Coefficient(1.0, low=0.5, high=2.0)

    def scale(self, c):
        return c.mass * c.length


# Solving --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("problem", [Decay, SoftDecay, Rotation, Advection], ids=lambda each: each.__name__)
def test_every_target_of_an_equation_converges_to_its_reference(problem):
    family = pp.solve_family(problem(), keep=0.5)
    assert {each.status for each in family.values()} == {pp.Status.CONVERGED}
    assert all(each.score.value < 1e-2 for each in family.values())


def test_a_family_of_curve_fits_learns_its_targets():
    family = pp.solve_family(Waves(), keep=0.5, solver=pp.Adam(steps=150, learning_rate=0.03))
    before = family.task(shift=0.3).loss(family.network(), family.task(shift=0.3).everything())
    after = family.task(shift=0.3).loss(family.network(shift=0.3), family.task(shift=0.3).everything())
    assert after < 0.3 * before


def test_members_are_the_source_then_the_targets(solved_decay):
    assert [str(c) for c in solved_decay] == ["k=1", "k=1.3", "k=1.6"]
    assert solved_decay.source.parent is None
    assert [str(each.parent) for each in solved_decay.targets] == ["k=1", "k=1.3"]


def test_a_family_of_a_problem_in_a_users_own_file(tmp_path):
    family = pp.solve_family(problem_file(tmp_path), targets=[{"k": 1.1}], keep=0.5)
    assert family.problem.name == "decay"


def test_targets_inherit_from_the_source():
    family = pp.solve_family(Spring(), {"mass": 2}, [{"k": 1.1}, {"k": 1.2, "mass": 1}], keep=0.5)
    assert [dict(each.coefficients) for each in family.targets] == [
        {"k": 1.1, "mass": 2.0, "length": 1.0},
        {"k": 1.2, "mass": 1.0, "length": 1.0},
    ]
    assert family.varying == ["k", "mass"]


def test_targets_may_come_from_any_iterable():
    family = pp.solve_family(Decay(), targets=({"k": k} for k in (1.1, 1.2)), keep=0.5)
    assert len(family) == 3


def test_a_target_given_twice_is_solved_once():
    family = pp.solve_family(Decay(), targets=pp.grid(k=[1.1, 1.1, 1.1 * (1 + 1e-12), 1.0]), keep=0.5)
    assert [str(c) for c in family] == ["k=1", "k=1.1"]


def test_the_order_of_targets_does_not_change_the_result():
    one, other = (pp.solve_family(Decay(), targets=pp.grid(k=k), keep=0.5) for k in ([1.2, 1.5, 0.9], [0.9, 1.5, 1.2]))
    assert list(one) == list(other)
    assert all(same_bits(one[c].z, other[c].z) for c in one)


def test_the_same_seed_gives_the_same_bits(solved_decay):
    torch.manual_seed(5)
    again = pp.solve_family(Decay(), keep=0.5)
    assert same_bits(again.bases[0].masked.weights, solved_decay.bases[0].masked.weights)
    assert all(same_bits(again[c].z, solved_decay[c].z) for c in solved_decay)
    assert [each.residual for each in again.values()] == [each.residual for each in solved_decay.values()]


def test_another_seed_gives_another_network():
    one, other = (
        pp.solve_family(Waves(), keep=0.5, solver=pp.Adam(steps=2), seed=seed).bases[0].masked.weights
        for seed in (0, 1)
    )
    assert not torch.equal(one, other)


def test_the_source_counts_fit_and_allocation(solved_decay):
    seen = []
    pp.solve_family(Decay(), targets=[{"k": 1.1}], keep=0.5, progress=seen.append)
    ended = {each.coefficients: each for each in seen if each.solution is not None}
    steps = [each for each in seen if each.solution is None]
    assert [c.k for c in ended] == [1.0, 1.1]
    assert list(dict.fromkeys(each.stage for each in steps)) == ["fit", "allocate", "calibrate"]
    assert ended[pp.Coefficients(k=1.0)].step == solved_decay.source.steps


# Bad input: before any work -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"targets": []}, CoefficientError, r"no targets given for untouched; expected at least one, such as k=1"),
        ({"targets": [{"nu": 1}]}, CoefficientError, "no coefficient 'nu'; its coefficients are: k"),
        ({"targets": [{"k": "thin"}]}, CoefficientError, "k='thin' is not a number"),
        ({"targets": [{"k": float("nan")}]}, CoefficientError, "k=nan is not finite"),
        ({"targets": [{"k": 99}]}, CoefficientError, "k=99 lies outside its range; expected 0.1 to 10"),
        ({"source": {"k": float("inf")}}, CoefficientError, "k=inf is not finite"),
        ({"source": {"k": 0}}, CoefficientError, "k=0 lies outside its range"),
        ({"keep": 0}, PruningError, "keep=0; expected"),
        ({"keep": 1}, PruningError, "keep=1; expected"),
        ({"keep": float("nan")}, PruningError, "keep=nan; expected"),
        ({"criterion": "random"}, PruningError, "no pruning criterion 'random'"),
        ({"solver": "newton"}, UnknownSolver, "no solver 'newton'; known are"),
        ({"device": "cuda:77"}, DeviceError, "'cuda:77' is not there"),
        ({"targets": {"k": 1.2}}, CoefficientError, "is one mapping; expected a list of them"),
        ({"tolerance": 0.0}, PacpinnError, "tolerance=0"),
        ({"tolerance": float("nan")}, PacpinnError, "tolerance=nan"),
        ({"halvings": -1}, PacpinnError, "halvings=-1"),
        ({"penalty": -1.0}, PacpinnError, "penalty=-1"),
    ],
)
def test_bad_input_is_refused_before_any_work(arguments, error, message):
    class Untouched(Decay):
        def residual(self, t, u, c):
            raise AssertionError("work was begun")

    with pytest.raises(error, match=message):
        pp.solve_family(Untouched(), **arguments)


def test_solving_works_within_no_grad(solved_decay):
    with torch.no_grad():
        family = pp.solve_family(Decay(), keep=0.5)
    assert same_bits(family.targets[-1].z, solved_decay.targets[-1].z)


def test_families_are_compared_by_identity(solved_decay, family):
    assert solved_decay == solved_decay
    assert solved_decay != family


def test_the_penalty_follows_a_tighter_tolerance():
    task = pp.Settings(tolerance=1e-8).task(Decay(), Decay().source)
    assert 0 < task.penalty < 1e-4 * 1e-8**2


def test_an_unknown_problem():
    with pytest.raises(UnknownProblem, match="no problem 'burger'"):
        pp.solve_family("burger")


# A mapping ------------------------------------------------------------------------------------------------------------


def test_a_family_is_a_mapping_from_coefficients_to_solutions(solved_decay):
    assert len(solved_decay) == 3
    for c, solution in solved_decay.items():
        assert solution.coefficients == c
        assert solved_decay[c] is solved_decay[dict(c)] is solution


def test_coefficients_are_matched_to_1e_9(solved_decay):
    assert solved_decay[{"k": 1.3 * (1 + 1e-10)}] is solved_decay[{"k": 1.3}]
    assert {"k": 1.3 * (1 + 1e-10)} in solved_decay
    assert {"k": 1.3 * (1 + 1e-7)} not in solved_decay


@pytest.mark.parametrize("stranger", [{"k": 2.0}, {"k": 99}, {"nu": 1}, {"k": "thin"}, 1.3, "k=1.3", None])
def test_what_is_not_a_member_is_not_in_the_family(solved_decay, stranger):
    assert stranger not in solved_decay


def test_get_has_a_default(solved_decay):
    assert solved_decay.get({"k": 1.3}) is solved_decay.targets[0]
    assert solved_decay.get({"k": 2.0}) is None


def test_text_names_problem_source_and_counts(solved_decay):
    assert repr(solved_decay) == "Family(decay, source k=1, 2 targets, 48 of 97 weights kept (49%), 49 free)"


# Asking ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1.0, 1.3, 1.6])
def test_predict_gives_the_solution_of_a_member(solved_decay, k):
    answer = solved_decay.predict(T, k=k)
    assert answer.shape == T.shape
    np.testing.assert_allclose(answer, np.exp(-k * T), atol=2e-3)


def test_predict_takes_lists_and_whole_numbers(solved_decay):
    np.testing.assert_array_equal(solved_decay.predict([[0], [1]]), solved_decay.predict(np.array([[0.0], [1.0]])))


def test_predict_without_coefficients_is_the_source(solved_decay):
    np.testing.assert_array_equal(solved_decay.predict(T), solved_decay.predict(T, k=1.0))


@pytest.mark.parametrize("points", [[0.0, 1.0], [[0.0, 1.0]], 0.5, [[[0.0]]]], ids=["flat", "two", "scalar", "deep"])
def test_points_of_the_wrong_shape(solved_decay, points):
    with pytest.raises(PacpinnError, match=r"points of shape .*; expected \(rows, 1\) with columns t"):
        solved_decay.predict(points)


def test_no_points_give_no_values(solved_decay):
    assert solved_decay.predict(np.zeros((0, 1))).shape == (0, 1)


def test_a_coefficient_not_solved_names_the_nearest_and_how_to_extend(solved_decay):
    message = r"decay is not solved at k=1\.5; the nearest member is k=1\.6\. family\.extend\(\[\{'k': 1\.5\}\]\)"
    with pytest.raises(NotSolved, match=message):
        solved_decay[{"k": 1.5}]


def test_a_coefficient_out_of_range_is_refused(solved_decay):
    with pytest.raises(CoefficientError, match="k=99 lies outside its range"):
        solved_decay.predict(T, k=99)


def test_nearest_measures_in_the_coefficients_own_scale(solved_decay):
    between = (1.3 * 1.6) ** 0.5
    assert solved_decay.nearest(k=between * 1.001).coefficients.k == 1.6
    assert solved_decay.nearest(k=between * 0.999).coefficients.k == 1.3


def test_the_table_has_a_row_for_each_member(solved_decay):
    rows = solved_decay.table()
    assert [row["k"] for row in rows] == [1.0, 1.3, 1.6]
    assert list(rows[0]) == [
        "k",
        "status",
        "base",
        "residual",
        "metric",
        "error",
        "estimate",
        "singular",
        "steps",
        "seconds",
    ]
    assert {(row["status"], row["metric"]) for row in rows} == {("converged", "relative L2 error")}
    assert all(isinstance(row["error"], float) and row["residual"] > 0 for row in rows)


def test_the_table_shows_the_coefficients_that_vary():
    family = pp.solve_family(Spring(), targets=[{"mass": 2}], keep=0.5)
    assert list(family.table()[0])[:2] == ["mass", "status"]


def test_the_table_without_reference_has_no_error():
    family = pp.solve_family(Waves(), keep=0.5, solver=pp.Adam(steps=1))
    assert [(row["metric"], row["error"]) for row in family.table()] == [(None, None)] * 2


def test_a_network_is_an_independent_module(solved_decay):
    network = solved_decay.network(k=1.3)
    t = torch.tensor(T)
    answer = (1 + t * network(t)).detach().numpy()
    np.testing.assert_allclose(answer, solved_decay.predict(T, k=1.3), rtol=1e-14)
    with torch.no_grad():
        next(network.parameters()).zero_()
    np.testing.assert_array_equal(solved_decay.predict(T, k=1.3), solved_decay.predict(T, k=1.3))
    assert not same_bits(network, solved_decay.network(k=1.3))


def test_the_source_is_the_base_with_its_pruned_weights_at_zero(solved_decay):
    base = solved_decay.bases[0].masked
    assert same_bits(solved_decay.source.z, torch.zeros_like(base.start))
    assert same_bits(solved_decay.network(), base.module(torch.zeros_like(base.start)))


# Extending ------------------------------------------------------------------------------------------------------------


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


def test_a_solver_that_fails_at_once_is_told_in_the_table():
    """A solver may end without a single loss to show."""

    def helpless(objective, z, report):
        return pp.Result(z, pp.Status.FAILED, steps=0, seconds=0.0, history=[])

    family = pp.solve_family(Decay(), targets=[{"k": 1.1}], keep=0.5, solver=helpless, halvings=0)
    assert [row["status"] for row in family.table()] == ["failed", "failed"]


def test_progress_may_be_anything_callable():
    namespace = SimpleNamespace(last=None)
    pp.solve_family(
        Decay(), targets=[{"k": 1.1}], keep=0.5, progress=lambda progress: setattr(namespace, "last", progress)
    )
    assert namespace.last.solution.coefficients.k == 1.1
