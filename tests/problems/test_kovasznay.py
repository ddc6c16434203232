from __future__ import annotations

import numpy as np
import pytest

from pacpinn.tasks.registry import get_problem

KOVASZNAY = get_problem("kovasznay")


@pytest.mark.parametrize("re", [20.0, 40.0, 200.0])
def test_as_much_flows_through_every_section(re):
    y = np.linspace(-0.5, 0.5, 64, endpoint=False)  # one period, on which the trapezoidal rule is exact
    for x in (-0.5, 0.0, 1.0):
        u, v, _ = KOVASZNAY.reference(np.stack([np.full_like(y, x), y], axis=1), KOVASZNAY.at({"re": re})).T
        assert u.mean() == pytest.approx(1)
        assert v.mean() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("re", [20.0, 40.0, 200.0])
def test_momentum_is_the_same_through_every_section(re):
    y, step, c = np.linspace(-0.5, 0.5, 64, endpoint=False), 1e-5, KOVASZNAY.at({"re": re})

    def flux(x: float) -> float:
        """Of momentum along x: convection, pressure, friction."""
        before, here, after = (
            KOVASZNAY.reference(np.stack([np.full_like(y, x + shift), y], axis=1), c) for shift in (-step, 0, step)
        )
        return np.mean(here[:, 0] ** 2 + here[:, 2] - (after[:, 0] - before[:, 0]) / (2 * step * re))

    assert flux(-0.5) == pytest.approx(flux(0.0))
    assert flux(-0.5) == pytest.approx(flux(1.0))


def test_two_vortices_stand_behind_each_rod():
    x = np.array([[-0.25, 0.0], [0.25, 0.0], [0.0, 0.1], [0.0, -0.1]])
    (u_near, u_far, _, _), (_, _, v_above, v_below) = KOVASZNAY.reference(x, KOVASZNAY.source).T[:2]
    assert u_near < 0 < u_far
    assert v_above == pytest.approx(-v_below)


def test_viscous_limit_decays_with_the_period():
    # At re = 0 the Stokes flow is harmonic in its vorticity: l = -2 pi. At large re convection alone is left: l -> 0.
    rates = [
        np.log(1 - KOVASZNAY.reference(np.array([[1.0, 0.0]]), KOVASZNAY.at({"re": re}))[0, 0]) for re in (20, 200)
    ]
    assert -2 * np.pi < rates[0] < rates[1] < 0
    assert rates[1] == pytest.approx(-4 * np.pi**2 / 200, rel=2e-3)
