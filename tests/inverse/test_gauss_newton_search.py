"""The search by calibration, on families in closed form."""

import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.errors import NotIdentifiable, NotSolved
from pacpinn.inverse.gauss_newton_search import Search
from pacpinn.inverse.inverse_problem import InverseProblem, Unknowns
from pacpinn.inverse.recalibration import Start
from tests.inverse.stubs import ClosedForm
from tests.reduced_basis.test_greedy import Spring

T = np.linspace(0, 1, 30)[:, None]
START = pp.Coefficients(k=1.0, force=0.5)


def exact(t, c):
    return Spring().reference(t, c)


def search(values, names=("k", "force"), function=exact, fails=lambda c: False, deviation=1e-3):
    measurements = pp.Measurements(T, values, deviation)
    problem = InverseProblem(measurements, Unknowns(Spring(), names), START, None)
    return Search(ClosedForm(function, fails), problem)


def test_exact_measurements_give_the_coefficients_in_few_steps():
    found = search(exact(T, pp.Coefficients(k=2.0, force=0.7)))
    point, status = found.minimise(START)
    assert status is pp.Status.CONVERGED
    assert dict(point.coefficients) == pytest.approx({"k": 2.0, "force": 0.7}, rel=1e-4)
    assert point.cost < 1e-4
    assert found.solved == len(found.recalibration.asked) < 10


def test_every_solve_starts_along_the_tangent_of_the_best_point():
    found = search(exact(T, pp.Coefficients(k=2.0, force=0.7)))
    found.minimise(START)
    (_, first), (c, start), *_ = found.recalibration.asked
    assert first is None
    moved = [np.log(c.k), c.force - 0.5]  # dk / dlog k = 1 at k = 1; the force's range is 1
    assert start.z.numpy() == pytest.approx(np.array([START.k, START.force]) + moved)


def test_the_first_solve_starts_from_a_solution_nearby():
    found = search(exact(T, pp.Coefficients(k=2.0, force=0.7)))
    nearby = Start(None, torch.zeros(2))
    found.minimise(START, nearby)
    assert found.recalibration.asked[0] == (START, nearby)


def test_a_bounded_step_is_the_best_of_the_steps_that_stay_in_the_range():
    values = exact(T, pp.Coefficients(k=1.4, force=-0.3))  # beyond the force's range, which begins at 0
    point, status = search(values).minimise(pp.Coefficients(k=1.0, force=0.0))
    assert status is pp.Status.CONVERGED
    assert point.coefficients.force == 0
    ks = np.linspace(1, 4, 3001)
    costs = [np.linalg.norm(exact(T, pp.Coefficients(k=k, force=0.0)) - values) for k in ks]
    assert point.coefficients.k == pytest.approx(ks[int(np.argmin(costs))], abs=2e-3)


def test_an_unknown_at_its_end_comes_back_into_its_range():
    point, _ = search(exact(T, pp.Coefficients(k=2.0, force=0.7))).minimise(pp.Coefficients(k=1.0, force=0.0))
    assert point.coefficients.force == pytest.approx(0.7, rel=1e-4)


def test_without_a_bound_at_hand_the_step_is_that_of_plain_least_squares():
    found = search(exact(T, pp.Coefficients(k=2.0, force=0.7)))
    point = found._iterate(START, None).point
    expected = np.linalg.lstsq(point.slopes, -point.differences, rcond=None)[0]
    assert (found._step(point) == expected).all()


def test_a_start_that_is_not_solved():
    with pytest.raises(NotSolved, match=r"cannot be solved at k=1,force=0.5, where the search begins"):
        search(0 * T, fails=lambda c: True).minimise(START)


def test_it_stalls_where_the_equation_is_not_solved():
    values = exact(T, pp.Coefficients(k=2.0, force=0.7))
    found = search(values, fails=lambda c: c.k > 1)
    point, status = found.minimise(START)
    assert (point.coefficients, status) == (START, pp.Status.STALLED)
    assert found.solved == 3  # the start, and two that fail


def test_what_measurements_do_not_determine():
    with pytest.raises(NotIdentifiable, match="force cannot be found"):
        search(np.exp(-T), function=lambda t, c: np.exp(-c.k * t)).minimise(START)
