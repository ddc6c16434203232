"""Families whose numbers are compared: equations, regression, classification, and the paths that solving can take."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import pacpinn as pp
from same.answers import ROWS, Items, all_of, estimates, members_and_file, of_member, points


@dataclass(frozen=True)
class EquationCase:
    """A family of an equation, and what is asked of it.

    Args:
        low, high: corners of a box in its domain.
        between: coefficients of no member.
        line: some more of them at once, by arrays.
        unknown: what is to be found from measurements.
        few: targets of a quick run.
        loose: tolerance of a quick run.
        heavy: whether a quick run leaves out what takes long: figures, inference, most estimates.
    """

    low: Sequence[float]
    high: Sequence[float]
    between: dict[str, float]
    line: dict[str, np.ndarray]
    unknown: Sequence[str]
    few: Sequence[dict[str, float]]
    loose: float
    heavy: bool = False


EQUATIONS = {
    "burgers": EquationCase(
        [-1, 0], [1, 1], {"nu": 0.0365}, {"nu": np.array([0.034, 0.041, 0.048])}, ["nu"],
        few=pp.grid(nu=[0.034]), loose=5e-3, heavy=True,
    ),
    "heat": EquationCase(
        [0, 0], [1, 1], {"alpha": 0.37}, {"alpha": np.array([0.32, 0.43, 0.49])}, ["alpha"],
        few=pp.grid(alpha=[0.4, 0.3]), loose=2e-3,
    ),
    "oscillator": EquationCase(
        [0], [5], {"damping": 1.3}, {"damping": np.array([0.5, 1.1, 1.9])}, ["damping"],
        few=pp.grid(damping=[0.6, 1.0, 2.0]), loose=3e-4,
    ),
    "lorenz": EquationCase(
        [0], [2], {"rho": 14.3}, {"rho": np.array([14.1, 14.6, 15.2])}, ["rho"],
        few=pp.grid(rho=[14.0, 16.0]), loose=2e-2, heavy=True,
    ),
    "kovasznay": EquationCase(
        [-0.5, -0.5], [1, 1.5], {"re": 35.0}, {"re": np.array([31.0, 34.0, 38.0])}, ["re"],
        few=pp.grid(re=[40.0]), loose=3e-2, heavy=True,
    ),
}  # fmt: skip


def equation(name: str, quick: bool) -> Items:
    """A family of an installed equation with its default targets."""
    case = EQUATIONS[name]
    asked = {"targets": case.few, "tolerance": case.loose} if quick else {}
    family = pp.solve_family(name, **asked)
    whole = not (quick and case.heavy)
    yield from all_of(family, points(case.low, case.high), case.between, case.line, case.unknown, whole=whole)


def within(quick: bool) -> Items:
    """A family that chooses its members in a range of two coefficients."""
    ends = {"nu": (0.3, 1.0), "rho": (1.0, 3.0)}
    asked = {"tolerance": 3e-2, "members": 5} if quick else {"members": 16}
    family = pp.solve_family("reaction_diffusion", within=ends, **asked)
    refinement = family.refinement
    yield "range", [refinement.reached, refinement.tolerance]
    yield "rounds", [[each.members, each.estimate, str(each.at)] for each in refinement.rounds]
    between, line = {"nu": 0.6, "rho": 1.7}, {"nu": np.array([0.35, 0.5, 0.9]), "rho": np.array([1.1, 2.9, 2.0])}
    unknown = ["rho"] if quick else ["nu", "rho"]
    yield from all_of(family, points([0, 0], [2 * np.pi, 1]), between, line, unknown)


def friedman(quick: bool) -> Items:
    """A regression."""
    asked = {"source": {"samples": 500}, "solver": pp.Adam(steps=100)} if quick else {}
    yield from members_and_file(pp.solve_family("friedman", **asked), points([0] * 10, [1] * 10))


def digits(quick: bool) -> Items:
    """A classification, by a network with buffers."""
    images = np.random.default_rng(1).random((ROWS, 1, 8, 8))
    asked = {"source": {"samples": 300}, "solver": pp.Adam(steps=60)} if quick else {}
    yield from members_and_file(pp.solve_family("digits", **asked), images)


def from_deepxde(quick: bool) -> Items:
    """DeepXDE's own objects, with conditions as residuals and anchors."""
    problem = waves()
    asked = {"tolerance": 3e-2} if quick else {}
    family = pp.solve_family(problem, targets=pp.grid(speed=[1.1, 1.25]), **asked)
    line = {"speed": np.array([1.02, 1.17, 1.21])}
    yield from all_of(family, points([0, 0], [1, 1]), {"speed": 1.15}, line, ["speed"], problem, whole=not quick)


def waves() -> pp.GivenEquation:
    """Advection of a wave, as DeepXDE code that knows nothing of families."""
    import deepxde as dde  # after pacpinn, which tells it its backend

    def advection(c: pp.Coefficients) -> Any:
        domain = dde.geometry.GeometryXTime(dde.geometry.Interval(0, 1), dde.geometry.TimeDomain(0, 1))

        def exact(x: np.ndarray) -> np.ndarray:
            return np.sin(2 * (x[:, 0:1] - c.speed * x[:, 1:2]))

        def residual(x: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
            return dde.grad.jacobian(u, x, j=1) + c.speed * dde.grad.jacobian(u, x, j=0)

        inflow = dde.icbc.DirichletBC(domain, exact, lambda x, on: on and dde.utils.isclose(x[0], 0))
        begin = dde.icbc.IC(domain, exact, lambda _, on: on)
        anchors = np.array([[0.5, 0.5], [0.25, 0.75]])
        return dde.data.TimePDE(domain, residual, [inflow, begin], 128, 32, 16, anchors=anchors, solution=exact)

    return pp.from_deepxde(
        advection,
        lambda: dde.nn.FNN([2, 16, 16, 1], "tanh", "Glorot normal"),
        {"speed": pp.Coefficient(1.0, low=0.5, high=2.0, doc="of the wave")},
        name="waves",
        tolerance=3e-3,
    )


def integral(quick: bool) -> Items:
    """An equation with an integral in it."""
    problem = pp.get_problem("volterra")
    name = next(iter(problem.coefficients))
    end = problem.coefficients[name]
    target = {name: end.value_at(0.9 * end.position(end.default) + 0.1 * end.position(end.low))}
    family = pp.solve_family(problem, targets=[target], **({"tolerance": 1e-2} if quick else {}))
    x = points([0] * len(problem.inputs), [1] * len(problem.inputs))
    yield from members_and_file(family, x)
    yield from estimates(family, x)


def methods(quick: bool) -> Items:
    """The baselines to PAC, on the same family."""
    for method in ("fine-tuning", "last-layer", "from-scratch", "parametric"):
        targets = pp.grid(damping=[0.6, 1.0] if quick else [0.5, 0.6, 0.8, 1.0, 1.5])
        loose = {"tolerance": 3e-3} if quick else {}
        family = pp.solve_family("oscillator", targets=targets, method=method, **loose)
        for name, value in members_and_file(family, points([0], [5]), figures=False):
            yield f"{method}/{name}", value


def batched(quick: bool) -> Items:
    """Targets solved several at once, along a spine; and one by one along a spine, and with other settings."""
    targets = pp.grid(damping=np.linspace(0.5, 1.5, 5 if quick else 17))
    loose = {"tolerance": 1e-3} if quick else {}
    choices: dict[str, dict[str, Any]] = {
        "batch": {"batch": 4},
        "spine": {"tree": "spine"},
        "layer": {"criterion": "layer", "keep": 0.5, "always_kept": ["*.bias"]},
        "single precision": {"dtype": torch.float32, "tolerance": 1e-2},
    }
    for what, settings in choices.items():
        family = pp.solve_family("oscillator", targets=targets, **{**loose, **settings})
        for name, value in members_and_file(family, points([0], [5]), figures=False):
            yield f"{what}/{name}", value


def going_on(quick: bool) -> Items:
    """A family that is saved, loaded, extended, refined, and taken up again from its file."""
    x, asked = points([0], [5]), {"tolerance": 1e-3} if quick else {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "oscillator.pac")
        targets = pp.grid(damping=[0.6, 0.9, 1.2])

        def cut_short(progress: Any) -> None:
            if progress.solution is not None and progress.coefficients == pp.Coefficients(**second):
                raise KeyboardInterrupt

        second = {**pp.get_problem("oscillator").source, "damping": 0.9}
        with suppress(KeyboardInterrupt):
            pp.solve_family("oscillator", targets=targets, save=path, progress=cut_short, **asked)
        yield "interrupted", [str(c) for c in pp.load(path)]
        family = pp.solve_family("oscillator", targets=targets, resume=path, **asked)
        yield "resumed", [family.predict(x, **c) for c in family]
        family = pp.load(path)
        family.extend([{"damping": 1.5}])
        yield "extended", [family.predict(x, **c) for c in family]
        family.refine({"damping": (0.4, 1.5)}, tolerance=1e-2 if quick else 1e-3, members=8)
        yield from members_and_file(family, x)


def detours(quick: bool) -> Items:
    """Ways that are not straight: over a resonance, up to a fold, by shorter steps, to a further base; cold starts."""
    over, up_to = (swing(), pp.grid(k=[2.6, 4.0])), (bratu(), pp.grid(lam=[3.4, 3.8]))
    for problem, targets in [over] if quick else [over, up_to]:
        family = pp.solve_family(problem, targets=targets, keep=0.5)
        for name, value in members_and_file(family, points([0], [1]), problem, figures=False):
            yield f"{problem.name}/{name}", value
    far = [{"mass": 0.5, "stiffness": 8.0, "damping": 0.0}]
    ways: dict[str, dict[str, Any]] = {
        "not solved": {"keep": 0.97, "halvings": 1},
        "further base": {"keep": 0.9, "tolerance": 3e-3},
        "shorter steps": {"keep": 0.85},
    }
    for what, settings in list(ways.items())[: 1 if quick else None]:
        family = pp.solve_family("oscillator", targets=far, **settings)
        for name, value in members_and_file(family, points([0], [5]), figures=False):
            yield f"{what}/{name}", value
    oscillator = type(pp.get_problem("oscillator"))
    for aid, attributes in {
        "warm-up": {"warm_up": 50},
        "windows": {"windows": 3},
        "easy": {"easy": {"stiffness": 1.0}},
        "adaptive": {"adaptive": 2, "points": pp.Points(domain=32), "tolerance": 3e-4},
    }.items():
        problem = type("Aided", (oscillator,), attributes)()
        family = pp.solve_family(problem, targets=pp.grid(damping=[0.5]), **({"tolerance": 1e-3} if quick else {}))
        yield aid, [of_member(each) for each in family.values()]
        yield f"{aid}/network", family.network()


def swing() -> pp.GivenEquation:
    """-u'' - k² u = 1 between fixed ends: a resonance at k = pi."""
    return beam(lambda x, u, u_xx, c: u_xx + c.k**2 * u + 1, "k", pp.Coefficient(2.0, low=0.5, high=8.0))


def bratu() -> pp.GivenEquation:
    """-u'' = lam e^u between fixed ends: no solution beyond lam = 3.514."""
    return beam(lambda x, u, u_xx, c: u_xx + c.lam * torch.exp(u), "lam", pp.Coefficient(3.3, low=0.1, high=4.0))


def beam(residual: Callable[..., torch.Tensor], name: str, coefficient: pp.Coefficient) -> pp.GivenEquation:
    """An equation of second order on [0, 1], with ends at zero by a transform."""
    import deepxde as dde

    def data(c: pp.Coefficients) -> Any:
        def pde(x: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
            return residual(x, u, dde.grad.hessian(u, x), c)

        return dde.data.PDE(dde.geometry.Interval(0, 1), pde, [], 32)

    return pp.from_deepxde(
        data,
        lambda: dde.nn.FNN([1, 12, 12, 1], "tanh", "Glorot normal"),
        {name: coefficient},
        name=f"beam over {name}",
        transform=lambda x, y, c: x * (1 - x) * y,
        tolerance=1e-4,
    )


def soft_conditions(quick: bool) -> Items:
    """Conditions as residuals in place of the transform that makes them exact."""
    problem = pp.soft(pp.get_problem("oscillator"))
    family = pp.solve_family(problem, targets=pp.grid(damping=[0.6]), **({"tolerance": 1e-2} if quick else {}))
    yield from members_and_file(family, points([0], [5]), figures=False)
    yield from estimates(family, points([0], [5]))
