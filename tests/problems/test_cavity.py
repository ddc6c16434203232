from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import spsolve

from pacpinn.problems.cavity import evaluate, galerkin, lid, slope
from pacpinn.tasks.registry import get_problem

CAVITY = get_problem("cavity")


def centre_lines(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Points along x = 1/2 and along y = 1/2, `size` intervals each."""
    place, half = np.linspace(0, 1, size + 1), np.full(size + 1, 0.5)
    return np.stack([half, place], axis=1), np.stack([place, half], axis=1)


def of_reference(re: float, size: int) -> tuple[np.ndarray, np.ndarray]:
    """u over y and v over x on the centre-lines."""
    upright, level = centre_lines(size)
    return evaluate(slope(galerkin(re), 0, 1), upright), -evaluate(slope(galerkin(re), 1, 0), level)


def by_finite_differences(re: float, size: int, speed: Callable) -> tuple[np.ndarray, np.ndarray]:
    """The same by another method: central differences, the walls' vorticity as by Thom (1933), Newton's method."""
    h, n = 1 / size, size + 1
    eye, zero = sp.identity(n, format="csr"), np.zeros(n)
    first = sp.diags([-1.0, 1.0], [-1, 1], (n, n), format="csr") / (2 * h)
    second = sp.diags([1.0, -2.0, 1.0], [-1, 0, 1], (n, n), format="csr") / h**2
    by_x, by_y = sp.kron(first, eye, "csr"), sp.kron(eye, first, "csr")
    laplacian = sp.kron(second, eye, "csr") + sp.kron(eye, second, "csr")  # beyond the walls psi counts as 0
    grid = np.arange(n * n).reshape(n, n)
    inside = grid[1:-1, 1:-1].ravel()
    on_lid = np.zeros((n, n))
    on_lid[:, -1] = speed(np.linspace(0, 1, n))
    # At a wall psi_nn = 2 psi(h) / h², with 2 speed / h more at the lid: there the Laplacian holds half of it.
    doubled = sp.diags(np.where(np.isin(grid.ravel(), inside), 1.0, 2.0))
    to_omega, omega_of_lid = (-doubled @ laplacian)[:, inside], -2 * on_lid.ravel() / h
    psi = np.zeros(len(inside))
    widen = sp.identity(n * n, format="csr")[:, inside]
    x, y, lap = by_x[inside], by_y[inside], laplacian[inside]
    for _ in range(12):
        omega, whole = to_omega @ psi + omega_of_lid, widen @ psi
        left = (y @ whole) * (x @ omega) - (x @ whole) * (y @ omega) - lap @ omega / re
        jacobian = (
            (sp.diags(y @ whole) @ x - sp.diags(x @ whole) @ y - lap / re) @ to_omega
            + sp.diags(x @ omega) @ y @ widen
            - sp.diags(y @ omega) @ x @ widen
        )
        step = spsolve(jacobian.tocsc(), -left)
        psi += step
        if np.abs(step).max() < 1e-10:
            break
    whole = (widen @ psi).reshape(n, n)
    u, v = np.gradient(whole[size // 2], h), -np.gradient(whole[:, size // 2], h)
    return np.append(np.append(zero[:1], u[1:-1]), speed(0.5)), np.append(np.append(zero[:1], v[1:-1]), zero[:1])


@pytest.mark.parametrize(
    ("re", "size", "u_lowest", "v_lowest", "v_highest"),
    [(100.0, 64, -0.2109, -0.24533, 0.17527), (400.0, 96, -0.32726, -0.44993, 0.30203)],
)
def test_finite_differences_meet_published_values_for_a_lid_of_one_speed(re, size, u_lowest, v_lowest, v_highest):
    # Ghia, Ghia and Shin (1982), tables I and II.
    u, v = by_finite_differences(re, size, np.ones_like)
    assert u.min() == pytest.approx(u_lowest, rel=0.03)
    assert v.min() == pytest.approx(v_lowest, rel=0.03)
    assert v.max() == pytest.approx(v_highest, rel=0.03)


@pytest.mark.parametrize("re", [100.0, 400.0])
def test_centre_line_velocities_by_finite_differences(re):
    coarse, fine = (by_finite_differences(re, size, lid) for size in (32, 64))
    for few, many, exact in zip(coarse, fine, of_reference(re, 32), strict=True):
        extrapolated = (4 * many[::2] - few) / 3  # errors are of second order
        assert np.linalg.norm(extrapolated - exact) < 5e-3 * np.linalg.norm(exact)


@pytest.mark.parametrize("re", [100.0, 400.0])
def test_the_reference_does_not_change_when_refined(re):
    x = np.random.default_rng(0).uniform(size=(500, 2))
    fine, coarse = galerkin(re), galerkin(re, (36, 72))
    for i, j, error in [(0, 0, 1e-10), (0, 1, 1e-8), (1, 0, 1e-8), (2, 0, 1e-4), (0, 2, 1e-4)]:
        np.testing.assert_allclose(evaluate(slope(coarse, i, j), x), evaluate(slope(fine, i, j), x), rtol=0, atol=error)


def test_the_lid_moves_and_the_walls_do_not_slip():
    place, psi = np.linspace(0, 1, 50), galerkin(200.0)
    for wall, speed in [((place, 0), 0), ((0, place), 0), ((1, place), 0), ((place, 1), lid(place))]:
        x = np.stack(np.broadcast_arrays(*wall), axis=1).astype(float)
        np.testing.assert_allclose(evaluate(psi, x), 0, atol=1e-12)
        np.testing.assert_allclose(evaluate(slope(psi, 0, 1), x), speed, atol=1e-9)
        np.testing.assert_allclose(evaluate(slope(psi, 1, 0), x), 0, atol=1e-9)


def test_creeping_flow_is_symmetric_and_inertia_carries_the_vortex_along():
    x = np.random.default_rng(0).uniform(size=(500, 2))
    mirrored = np.array([1, 0]) + x * [-1, 1]
    creeping = galerkin(1e-3, (36,))
    np.testing.assert_allclose(evaluate(creeping, x), evaluate(creeping, mirrored), atol=1e-5)
    along = np.stack([np.linspace(0, 1, 201), np.full(201, 0.75)], axis=1)
    assert along[np.argmin(evaluate(galerkin(100.0), along)), 0] > 0.55  # downstream


def test_outputs_are_stream_function_and_vorticity():
    x = np.random.default_rng(0).uniform(0.1, 0.9, (50, 2))
    psi, omega = CAVITY.reference(x, CAVITY.at({"re": 100.0})).T
    assert psi.max() < 1e-4  # one vortex, clockwise, but for what turns in the corners
    step = 1e-3
    around = sum(evaluate(galerkin(100.0), x + shift) for shift in step * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]]))
    np.testing.assert_allclose((4 * psi - around) / step**2, omega, atol=1e-3)
