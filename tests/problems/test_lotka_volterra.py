from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from pacpinn.problems.lotka_volterra import START, UNIT, populations
from pacpinn.tasks.registry import get_problem

LOTKA_VOLTERRA = get_problem("lotka_volterra")
TIMES = np.linspace(0, 1, 501)[:, None]


def test_a_cycle_closes():
    prey, predators = UNIT * LOTKA_VOLTERRA.reference(TIMES, LOTKA_VOLTERRA.at({"rate": 20.0})).T
    constant = 0.02 * prey - 1.06 * np.log(prey) + 0.04 * predators - 2 * np.log(predators)
    np.testing.assert_allclose(constant, constant[0], atol=1e-9)


def test_the_mean_over_a_cycle_is_the_equilibrium():
    sol = populations(20.0)
    # From where prey first comes back to its start on its way up, one cycle.
    time = np.linspace(0, 1, 20001)
    prey = sol(time)[0]
    returns = [i for i in range(1, len(time)) if prey[i - 1] < START[0] <= prey[i]]
    period = brentq(lambda t: sol(t)[0] - START[0], time[returns[0] - 1], time[returns[0]])
    over = np.linspace(0, period, 4001)[:-1]
    np.testing.assert_allclose(sol(over).mean(axis=1) * UNIT, [1.06 / 0.02, 2 / 0.04], rtol=1e-6)


def test_an_implicit_integrator_finds_the_same():
    def slope(t, y):
        return 5 * np.array([2 - 0.04 * np.exp(y[1]), 0.02 * np.exp(y[0]) - 1.06])

    at = TIMES[::50]
    logs = solve_ivp(slope, (0, 1), np.log([100, 15]), method="Radau", t_eval=at[:, 0], rtol=1e-9, atol=1e-10).y.T
    np.testing.assert_allclose(
        LOTKA_VOLTERRA.reference(at, LOTKA_VOLTERRA.at({"rate": 5.0})), np.exp(logs) / UNIT, 1e-6
    )
