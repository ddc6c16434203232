"""Solving a family from its source on."""

from types import SimpleNamespace

import pytest
import torch

import pacpinn as pp
from pacpinn.errors import CoefficientError, DeviceError, PacpinnError, PruningError, UnknownProblem, UnknownSolver
from tests.toys import Advection, Decay, Rotation, SoftDecay, Waves, problem_file, same_bits


class Spring(Decay):
    """Decay with two coefficients more, which change little."""

    mass = pp.Coefficient(1.0, low=0.5, high=2.0)
    length = pp.Coefficient(1.0, low=0.5, high=2.0)

    def scale(self, c):
        return c.mass * c.length


class WideAdvection(Advection):
    """Advection with a network wide enough for it."""

    hidden = (16, 16)


@pytest.mark.parametrize("problem", [Decay, SoftDecay, Rotation, WideAdvection], ids=lambda each: each.__name__)
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


# Bad input: refused before any work -----------------------------------------------------------------------------------


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


def test_the_penalty_follows_a_tighter_tolerance():
    task = pp.Settings(tolerance=1e-8).task(Decay(), Decay().source)
    assert 0 < task.penalty < 1e-4 * 1e-8**2


def test_an_unknown_problem():
    with pytest.raises(UnknownProblem, match="no problem 'burger'"):
        pp.solve_family("burger")
