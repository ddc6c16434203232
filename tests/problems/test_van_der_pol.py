from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from pacpinn.problems.van_der_pol import jump, motion
from pacpinn.tasks.registry import get_problem

VAN_DER_POL = get_problem("van_der_pol")
TIMES = np.linspace(0, 7, 701)[:, None]


def test_an_implicit_integrator_of_the_second_order_form_finds_the_same():
    mu = 5.0

    def slope(t, u):
        return u[1], mu * (1 - u[0] ** 2) * u[1] - u[0]

    x = solve_ivp(slope, (0, 7), (2, 0), method="Radau", t_eval=TIMES[:, 0], rtol=1e-9, atol=1e-10).y[0]
    np.testing.assert_allclose(VAN_DER_POL.reference(TIMES, VAN_DER_POL.at({"mu": mu}))[:, 0], x, atol=1e-5)


def test_energy_is_what_friction_gives_and_takes():
    # x²/2 + v²/2 changes by mu (1 - x²) v², v = mu (x - x³/3 - y).
    mu, time = 2.0, np.linspace(0, 7, 7001)
    x, y = motion(mu)(time)
    v = mu * (x - x**3 / 3 - y)
    power = mu * (1 - x**2) * v**2
    work = np.cumsum((power[1:] + power[:-1]) / 2 * time[1])
    np.testing.assert_allclose((x**2 + v**2)[1:] / 2 - 2, work, atol=1e-4)


@pytest.mark.parametrize("mu", [1.25, 2.5, 5.0])
def test_it_jumps_where_it_is_said_to(mu):
    time = np.linspace(0, 7, 7001)
    falls = time[np.argmax(motion(mu)(time)[0] < 0)]
    assert falls == pytest.approx(jump(VAN_DER_POL.at({"mu": mu})), abs=0.15)
