"""Classical solvers for the same problems: the method of lines by SciPy, for comparison with the networks.

Fourth-order differences in space on a regular grid; in time SciPy's ODE solvers with an error tolerance that falls with
the error of the grid; the solution is interpolated by cubic splines to the grid on which networks are scored.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicSpline

import pacpinn as pp

Values = Mapping[str, float]
Array = np.ndarray


@dataclass(frozen=True)
class Lines:
    """``u_t = rate(c, u, u_x, u_xx)`` on [low, high], periodic or with the value `wall` at both ends.

    At a wall the solution is extended as an odd function: exact for heat and Burgers, nearly so with a reaction.
    """

    low: float
    high: float
    initial: Callable[[Array], Array]
    rate: Callable[[Values, Array, Array, Array], Array]
    wall: float | None = None

    def __call__(self, c: Values, x: Array, resolution: int) -> Array:
        """The solution at points `x` ``(rows, 2)`` of a regular grid, time the faster: ``(rows, 1)``."""
        places, times = np.unique(x[:, 0]), np.unique(x[:, 1])
        grid = np.linspace(self.low, self.high, resolution + 1)
        unknown = slice(0, -1) if self.wall is None else slice(1, -1)
        # Diffusion between walls is stiff, with a banded Jacobian; a periodic wave is neither.
        method = {"method": "RK45"} if self.wall is None else {"method": "LSODA", "lband": 2, "uband": 2}
        lines = solve_ivp(
            lambda t, u: self.rate(c, u, *self.derivatives(u, grid[1] - grid[0])),
            (times[0], times[-1]),
            self.initial(grid[unknown]),
            t_eval=times,
            **tolerances(resolution),
            **method,
        )
        if self.wall is None:
            along, ends = np.vstack([lines.y, lines.y[:1]]), "periodic"
        else:
            along, ends = np.pad(lines.y, ((1, 1), (0, 0)), constant_values=self.wall), "not-a-knot"
        return CubicSpline(grid, along, bc_type=ends)(places).reshape(-1, 1)

    def derivatives(self, u: Array, h: float) -> tuple[Array, Array]:
        """u_x and u_xx by fourth-order central differences at distance `h`."""
        if self.wall is None:
            u = np.pad(u, 2, mode="wrap")
        else:
            u = np.concatenate([[2 * self.wall - u[0], self.wall], u, [self.wall, 2 * self.wall - u[-1]]])
        far_left, left, middle, right, far_right = u[:-4], u[1:-3], u[2:-2], u[3:-1], u[4:]
        u_x = (8 * (right - left) - (far_right - far_left)) / (12 * h)
        u_xx = (16 * (left + right) - (far_left + far_right) - 30 * middle) / (12 * h**2)
        return u_x, u_xx


def oscillate(c: Values, t: Array, resolution: int) -> Array:
    """The damped oscillator's position at times `t` ``(rows, 1)``, by Dormand and Prince's method of order 8."""
    steps = solve_ivp(
        lambda t, y: (y[1], -(c["damping"] * y[1] + c["stiffness"] * y[0]) / c["mass"]),
        (t[0, 0], t[-1, 0]),
        (1.0, 0.0),
        t_eval=t[:, 0],
        method="DOP853",
        **tolerances(resolution),
    )
    return steps.y[0][:, None]


def tolerances(resolution: int) -> dict[str, float]:
    """Of the time integration: as the error of `resolution` intervals in space, which falls with their fourth power."""
    return {"rtol": resolution**-4.0, "atol": resolution**-4.0}


BURGERS = Lines(-1, 1, lambda x: -np.sin(np.pi * x), lambda c, u, u_x, u_xx: c["nu"] * u_xx - u * u_x, wall=0.0)
SOLVERS: dict[str, Callable[[Values, Array, int], Array]] = {
    "burgers": BURGERS,
    "steep_burgers": BURGERS,
    "advection": Lines(0, 2 * np.pi, np.sin, lambda c, u, u_x, u_xx: -c["beta"] * u_x),
    "heat": Lines(0, 1, lambda x: 16 / 5 * (x - 2 * x**3 + x**4), lambda c, u, u_x, u_xx: c["alpha"] * u_xx, wall=0.0),
    "allen_cahn": Lines(
        -1, 1, lambda x: x**2 * np.cos(np.pi * x), lambda c, u, u_x, u_xx: c["d"] * u_xx + 5 * (u - u**3), wall=-1.0
    ),
    "oscillator": oscillate,
    "reaction_diffusion": Lines(
        0,
        2 * np.pi,
        lambda x: np.exp(-2 * (1 + np.cos(x))),
        lambda c, u, u_x, u_xx: c["nu"] * u_xx + c["rho"] * u * (1 - u),
    ),
}
RESOLUTIONS = (32, 64, 128, 256, 512)


def solve(name: str, c: Values, resolution: int) -> tuple[float, float]:
    """Seconds to solve a problem on the grid on which networks are scored, and the relative L2 error there.

    Args:
        name: of one of :data:`SOLVERS`.
        c: its coefficients.
        resolution: intervals in space; it sets the tolerance of the time integration too.
    """
    x, exact = pp.get_problem(name).task(**c).reference_on_grid()
    began = time.perf_counter()
    found = SOLVERS[name](c, x, resolution)
    seconds = time.perf_counter() - began
    return seconds, float(np.linalg.norm(found - exact) / np.linalg.norm(exact))
