"""Systems on which algebra is hard: no exception, no NaN, and a status that is true."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.solvers.adam import Adam
from pacpinn.solvers.base import Status
from pacpinn.solvers.lbfgs import LBFGS
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from pacpinn.solvers.nncg import NNCG
from tests.solvers.problems import loss_at
from tests.toys import CurveFit

DTYPES = [torch.float64, torch.float32]
SOLVERS = [LevenbergMarquardt(), LBFGS(), NNCG(), Adam(steps=200)]
ROWS, WEIGHTS = 12, 6


def linear(matrix: np.ndarray, y: np.ndarray, dtype: torch.dtype, tolerance: float | None = None) -> Objective:
    """Least squares ``|A w - y|²`` over the weights of a linear layer, begun at small weights."""
    task = CurveFit(matrix, y[:, None]).to(dtype)
    task.tolerance = tolerance
    layer = torch.nn.Linear(matrix.shape[1], 1, bias=False, dtype=dtype)
    torch.nn.init.constant_(layer.weight, 0.1)
    return Objective(task, MaskedNetwork(layer))


def gradient(matrix: np.ndarray, y: np.ndarray, w: torch.Tensor) -> float:
    return float(np.linalg.norm(matrix.T @ (matrix @ w.double().numpy() - y)))


def spectrum(values: np.ndarray, rows: int = ROWS, seed: int = 0) -> np.ndarray:
    """A matrix of given singular values."""
    rng = np.random.default_rng(seed)
    u, _ = np.linalg.qr(rng.normal(size=(rows, len(values))))
    v, _ = np.linalg.qr(rng.normal(size=(len(values), len(values))))
    return u[:, : len(values)] @ np.diag(values[: u.shape[1]]) @ v[: u.shape[1]]


def twice(columns: np.ndarray) -> np.ndarray:
    return np.hstack([columns, columns])


RNG = np.random.default_rng(1)
Y = RNG.normal(size=ROWS)
MATRICES = {
    "well conditioned": spectrum(np.linspace(1, 2, WEIGHTS)),
    "weights that do the same": twice(spectrum(np.linspace(1, 2, WEIGHTS // 2))),
    "a weight that does nothing": spectrum(np.linspace(1, 2, WEIGHTS)) @ np.diag([1, 1, 0, 1, 1, 1]),
    "no weight that does anything": np.zeros((ROWS, WEIGHTS)),
    "singular values down to 1e-14": spectrum(np.logspace(0, -14, WEIGHTS)),
    "columns of sizes from 1e-6 to 1e6": spectrum(np.linspace(1, 2, WEIGHTS)) * np.logspace(-6, 6, WEIGHTS),
    "more weights than residuals": RNG.normal(size=(ROWS, 3 * ROWS)),
}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("solver", SOLVERS, ids=lambda each: type(each).__name__)
def test_no_nan_and_never_worse_than_the_start(solver, name, dtype):
    objective = linear(MATRICES[name], Y, dtype)
    result = solver(objective, objective.masked.start)
    single = dtype == torch.float32  # in which a product may overflow; then the best so far is the result
    assert result.z.isfinite().all()
    assert result.z.dtype == dtype
    assert np.isfinite(result.history).all()
    assert loss_at(objective, result.z) <= 1.0001 * loss_at(objective, objective.masked.start)
    assert result.status in (Status.CONVERGED, Status.MAX_STEPS, *([Status.DIVERGED] if single else []))


@pytest.mark.parametrize(("dtype", "share"), [(torch.float64, 1e-6), (torch.float32, 1e-3)], ids=str)
@pytest.mark.parametrize("name", MATRICES)
def test_levenberg_marquardt_converges_to_where_the_gradient_vanishes(name, dtype, share):
    matrix = MATRICES[name]
    objective = linear(matrix, Y, dtype)
    result = LevenbergMarquardt()(objective, objective.masked.start)
    assert result.status is Status.CONVERGED
    rounding = 20 * torch.finfo(dtype).eps * np.linalg.norm(matrix, 2) ** 2 * float(result.z.norm())
    assert gradient(matrix, Y, result.z) <= share * gradient(matrix, Y, objective.masked.start) + rounding


@pytest.mark.parametrize("scale", [1e-120, 1e-30, 1e30, 1e120])
@pytest.mark.parametrize("part", ["equation", "unknowns"])
def test_levenberg_marquardt_does_not_mind_the_scale(scale, part):
    """The loss falls by as many orders as at scale one: of an equation in other units, or of its unknowns."""
    matrix, y = MATRICES["well conditioned"], MATRICES["well conditioned"] @ np.ones(WEIGHTS)
    objective = linear(scale * matrix, scale * y if part == "equation" else y, torch.float64)
    result = LevenbergMarquardt()(objective, objective.masked.start)
    assert result.z.isfinite().all()
    assert np.isfinite(result.history).all()
    if part == "equation":
        assert result.status is Status.CONVERGED
        assert result.history[-1] <= 1e-6 * result.history[0]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("solver", SOLVERS, ids=lambda each: type(each).__name__)
def test_residuals_that_are_zero_from_the_start(solver, dtype):
    matrix = MATRICES["weights that do the same"].astype(np.float32).astype(float)
    objective = linear(matrix, np.zeros(ROWS), dtype)
    zero = torch.zeros_like(objective.masked.start)
    result = solver(objective, zero)
    assert torch.equal(result.z, zero)
    assert result.status is Status.CONVERGED
    assert set(result.history) <= {0.0}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_tolerance_below_what_the_numbers_can_hold_is_never_said_to_be_met(dtype):
    objective = linear(MATRICES["well conditioned"], Y, dtype, tolerance=1e-30)
    result = LevenbergMarquardt()(objective, objective.masked.start)
    assert result.status is Status.STALLED


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 20),
    exponents=st.lists(st.floats(-18, 18), min_size=1, max_size=12),
    zeros=st.integers(0, 3),
    seed=st.integers(0, 2**16),
    dtype=st.sampled_from(DTYPES),
)
def test_any_spectrum(rows, exponents, zeros, seed, dtype):
    """Whatever the singular values: all is finite, and no step makes it worse."""
    values = np.concatenate([10.0 ** np.array(exponents), np.zeros(zeros)])
    matrix = spectrum(values, rows, seed)
    y = np.random.default_rng(seed).normal(size=rows)
    objective = linear(matrix, y, dtype)
    result = LevenbergMarquardt(max_steps=60)(objective, objective.masked.start)
    assert result.z.isfinite().all()
    assert all(math.isfinite(loss) for loss in result.history)
    assert all(after < before for before, after in zip(result.history, result.history[1:], strict=False))
