"""Are all numbers the same, to the last bit, as those of another tree?

Solves a fixed set of families at seed 0, fits estimators and runs PAC by hand, and writes ``DIR/same_numbers.json``:
the SHA-256 of every array that comes of it, every float in hexadecimal, everything else as text; of seconds nothing. To
be run before and after a change that is to change no number, on one machine, with the same torch and one thread:

    OMP_NUM_THREADS=1 python benchmarks/same_numbers.py --output before
    OMP_NUM_THREADS=1 python benchmarks/same_numbers.py --output after --against before/same_numbers.json

It uses public names alone, so that it runs unchanged on both trees: ``PYTHONPATH=FOLDER`` names that of another one,
where ``pip install --no-deps --target FOLDER TREE`` has put it. ``--quick`` asks less of every case (a minute in all).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.image import imread
from safetensors import safe_open
from torch import nn

import pacpinn as pp
from report import console, machine

Items = Iterator[tuple[str, Any]]  # names, and what is to be the same
ROWS = 40  # points of a prediction
LONG = 100  # characters: of a longer text the digest
ONLY = "cases to run; others stay in DIR as they are"
SHOWN = 8  # differences of a case that are printed


# Cases ----------------------------------------------------------------------------------------------------------------


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


def regressor(quick: bool) -> Items:
    """scikit-learn's way in, for values: source, target, a head of its own, a scale, early stopping."""
    rng = np.random.default_rng(2)
    x, new, asked = rng.normal(size=(200, 4)), rng.normal(size=(40, 4)), rng.normal(size=(ROWS, 4))
    y, y_new = np.sin(x[:, 0]) + x[:, 1], np.sin(new[:, 0] + 0.5) + new[:, 1]
    steps = 40 if quick else 300
    for what, options in {
        "chosen prior": {},
        "one prior": {"prior": 1.0, "hidden": (20, 20), "scale": False, "patience": 3, "validation_fraction": 0.2},
    }.items():
        model = pp.PACRegressor(keep=0.7, steps=steps, random_state=0, **options).fit(x, y)
        yield f"{what}/source", [model.predict(asked), model.score(x, y), model.network_]
        model.transfer(new, y_new)
        yield f"{what}/target", [model.predict(asked), model.score(new, y_new), model.prior_, model.network_]
        yield f"{what}/source still", model.source_.predict(asked)
        model.transfer(new, np.stack([y_new, -y_new, new[:, 2]], axis=1), head="new")
        yield f"{what}/new head", [model.predict(asked), model.network_]


def classifier(quick: bool) -> Items:
    """The same for classes."""
    rng = np.random.default_rng(3)
    x, new, asked = rng.normal(size=(200, 4)), rng.normal(size=(60, 4)), rng.normal(size=(ROWS, 4))
    labels = np.array(["low", "middle", "high"])[np.digitize(x[:, 0], [-0.5, 0.5])]
    of_new = np.array(["low", "middle", "high"])[np.digitize(new[:, 0] + 0.3 * new[:, 1], [-0.5, 0.5])]
    steps = 40 if quick else 300
    for what, options in {"plain": {}, "balanced": {"class_weight": "balanced", "prior": 0.1}}.items():
        model = pp.PACClassifier(hidden=(30,), steps=steps, random_state=0, **options).fit(x, labels)
        yield f"{what}/source", [model.predict_proba(asked), list(model.predict(asked)), model.network_]
        model.transfer(new, of_new)
        yield f"{what}/target", [model.predict_proba(asked), model.score(new, of_new), model.prior_, model.network_]
        yield f"{what}/source still", model.source_.predict_proba(asked)
        model.transfer(new, np.digitize(new[:, 1], [-1, 0, 1]), head="new")
        yield f"{what}/new head", [model.predict_proba(asked), model.network_]


def by_hand(quick: bool) -> Items:
    """Prune, allocate, calibrate on an equation: every criterion, every solver, measurements, choosing."""
    problem = pp.get_problem("oscillator")
    source, target = problem.task(), problem.task(damping=1.0)
    for task in (source, target):
        task.tolerance = 1e-2 if quick else 1e-3
    pac = pp.PAC(problem.initial_network(seed=0))
    yield "fit", of_result(pac.fit(source))
    for criterion in ("layer", "saliency", "global"):
        yield f"{criterion}/counts", str(pac.prune(keep=0.7, criterion=criterion, task=source))
        yield f"{criterion}/allocate", of_result(pac.allocate(source))
        yield f"{criterion}/network", pac.network()
    steps = 20 if quick else 200
    solvers: dict[str, Any] = {
        "levenberg-marquardt": "levenberg-marquardt",
        "adam": pp.Adam(steps=steps),
        "lbfgs": pp.LBFGS(steps=steps),
        "in turn": [pp.Adam(steps=steps), pp.LBFGS(steps=5), pp.NNCG(steps=3, cg_steps=20)],
    }
    t = points([0], [5])
    for name, solver in solvers.items():
        yield f"{name}/calibrate", of_result(pac.calibrate(target, name=name, solver=solver))
        yield f"{name}/network", pac.network(name)
        yield f"{name}/prediction", target.predict(pac.network(name), t)
    pac.calibrate(problem.task(damping=1.1), start="levenberg-marquardt")
    yield "from a target", pac.network("mass=1,damping=1.1,stiffness=4")
    measured = target.predict(pac.network("levenberg-marquardt"), t)
    seen = target.with_measurements(pp.Measurements(t, measured + 0.01 * np.cos(30 * t), deviation=0.01))
    yield "measurements/calibrate", of_result(pac.calibrate(seen, name="seen"))
    yield "measurements/network", pac.network("seen")
    yield "measurements/fit", list(seen.fit(pac.network("seen")))
    yield "source still", [pac.network(), source.predict(pac.network(), t)]
    choice = pp.choose(pac, source, target, keep=(0.5, 0.7), penalty=(0.0, 1e-6))
    yield "choice", [choice.keep, choice.penalty, {str(pair): loss for pair, loss in choice.losses.items()}]


def by_hand_on_data(quick: bool) -> Items:
    """The same on data: batch normalisation, dropout, validation, a head, rounds of pruning, a loop of one's own."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(240, 3))
    samples = pp.Samples.split(x, np.sin(x[:, :1]) * x[:, 1:2], test=0.2, validation=0.2)
    others = pp.Samples.split(x, np.cos(x[:, :1]) * x[:, 1:2], test=0.5, validation=0.1)
    source, target = pp.RegressionTask(samples, batch_size=32), pp.RegressionTask(others, batch_size=16, penalty=1e-4)
    torch.manual_seed(0)
    layers = (nn.Linear(3, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Dropout(0.1), nn.Linear(24, 24), nn.Tanh())
    pac, head = pp.PAC(nn.Sequential(*layers, nn.Linear(24, 1)).double(), seed=1), nn.Linear(24, 2)
    steps = 60 if quick else 600
    adam = pp.Adam(steps=steps)
    yield "fit", of_result(pac.fit(source, pp.Adam(steps=2 * steps, patience=5)))
    yield "counts", str(pac.prune_gradually(source, keep=0.4, rounds=2, solver=adam))
    yield "source", pac.network()
    yield "calibrate", of_result(pac.calibrate(target, "data", adam))
    yield "network", [pac.network("data"), target.score(pac.network("data")).value]
    labels = pp.Samples(x, (x[:, 0] > 0).astype(int))
    task = pp.ClassificationTask(labels, batch_size=64, class_weights="balanced")
    yield "head/calibrate", of_result(pac.calibrate(task, "classes", adam, head=head))
    yield "head/network", pac.network("classes")
    module = pac.to_calibrate()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.02)
    rows, values = target.everything()
    for _ in range(20):
        optimizer.zero_grad()
        ((module(rows) - values).square().mean() + 1e-4 * module.penalty()).backward()
        optimizer.step()
    pac.adopt(module, "own loop")
    yield "own loop", pac.network("own loop")
    yield "source still", pac.network()


CASES: dict[str, Callable[[bool], Items]] = {
    **{name: lambda quick, name=name: equation(name, quick) for name in EQUATIONS},
    "within": within,
    "friedman": friedman,
    "digits": digits,
    "from_deepxde": from_deepxde,
    "integral": integral,
    "methods": methods,
    "batched": batched,
    "going_on": going_on,
    "detours": detours,
    "soft_conditions": soft_conditions,
    "regressor": regressor,
    "classifier": classifier,
    "by_hand": by_hand,
    "by_hand_on_data": by_hand_on_data,
}


# What comes of a family -----------------------------------------------------------------------------------------------


def all_of(
    family: pp.Family,
    x: np.ndarray,
    between: dict[str, float],
    line: dict[str, np.ndarray],
    unknown: Sequence[str],
    problem: pp.Problem | None = None,
    whole: bool = True,
) -> Items:
    """Everything that can be asked of a family of an equation; unless it is the `whole`, in less time."""
    yield from members_and_file(family, x, problem, figures=whole)
    answer = family.at(doubtful="warn", **between)
    yield "between", [answer.kind, answer.residual, answer.error_estimate, answer.predict(x)]
    yield "between/many", family.predict(x, doubtful="warn", **line)
    member = family.targets[0].coefficients
    yield "sensitivity", {"member": family.sensitivity(x, **member), "between": family.sensitivity(x, **between)}
    yield from measurements(family, x, answer.predict(x), between, unknown, whole)
    yield from estimates(family, x, whole)


def members_and_file(
    family: pp.Family, x: np.ndarray, problem: pp.Problem | None = None, figures: bool = True
) -> Items:
    """Members with their networks, answers and courses; the table, the figures, the file, and what it gives back."""
    yield "counts", f"{family.counts}, {len(family.bases)} bases, varying {family.varying}"
    yield "bases", [str(each.coefficients) for each in family.bases]
    for c, member in family.items():
        yield f"member {c}", of_member(member)
        yield f"member {c}/network", family.network(**c)
        yield f"member {c}/prediction", family.predict(x, **c)
    yield "table", table(family)
    with tempfile.TemporaryDirectory() as folder:
        if figures:
            family.plot(folder)
            yield "figure", {path.stem: imread(path) for path in sorted(Path(folder).glob("*.png"))}
        path = family.save(Path(folder, "family.pac"))
        yield "file", of_file(path)
        loaded = pp.load(path, problem)
        yield "loaded", {str(c): loaded.predict(x, **c) for c in loaded}
        yield "loaded/table", table(loaded)


def of_member(member: pp.Solution) -> dict[str, Any]:
    """All that a solution says of itself, but for seconds; its weights are asked for elsewhere."""
    return {
        "coefficients": dict(member.coefficients),
        "status": member.status,
        "steps": member.steps,
        "losses": np.array(member.history),
        "residual": member.residual,
        "tolerance": member.tolerance,
        "score": None if member.score is None else [member.score.name, member.score.value],
        "base": member.base,
        "parent": str(member.parent),
        "reached": str(member.reached),
        "singular": str(member.singular),
    }


def of_result(result: pp.Result) -> dict[str, Any]:
    """How a solve went, and to which weights."""
    return {"status": result.status, "steps": result.steps, "losses": np.array(result.history), "weights": result.z}


def table(family: pp.Family) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in family.table()]


def of_file(path: Path) -> dict[str, Any]:
    """Tensors and header, but for machine, seconds and the digests of the file itself and of the problem's."""
    with safe_open(path, "pt") as file:
        tensors, metadata = {name: file.get_tensor(name) for name in sorted(file.keys())}, file.metadata()
    header = json.loads(metadata["header"])
    del header["machine"], header["asked"]["problem"]["hash"]
    for each in header["members"]:
        del each["seconds"]
    said = {name: json.dumps(each) for name, each in header.items()}
    return {"format": metadata["format"], "version": metadata["version"], "tensors": tensors, "header": said}


def measurements(
    family: pp.Family, x: np.ndarray, u: np.ndarray, base: dict[str, float], unknown: Sequence[str], infer: bool
) -> Items:
    """Coefficients from noisy measurements of a solution `u`: in the members' span, and by calibration."""
    size, noise = np.abs(u).max(), np.random.default_rng(5).normal(size=u.shape)
    known = {name: value for name, value in base.items() if name not in unknown}
    found = family.identify(x, u + 0.01 * size * noise, 0.01 * size, unknown)
    yield "identify", [dict(found.coefficients), dict(found.deviations), found.misfit]

    def first_output(_: torch.Tensor, y: torch.Tensor) -> torch.Tensor:  # a function: the span cannot answer for it
        return y[:, 0:1]

    ways: dict[str, dict[str, Any]] = {
        "infer": {"values": u + 0.1 * size * noise},
        "infer, deviation given": {"values": u + 0.001 * size * noise, "deviation": 0.001 * size},
        "infer, operator": {"values": (u + 0.01 * size * noise)[:, 0], "of": first_output},
    }
    for way, data in ways.items() if infer else ():
        inferred = family.infer(x, unknown=unknown, **data, **known)
        numbers = [inferred.deviation, inferred.degrees, inferred.misfit, inferred.bias, inferred.steps]
        yield (
            way,
            {
                "coefficients": dict(inferred.coefficients),
                "standard errors": inferred.standard_errors,
                "covariance": inferred.covariance,
                "interval": inferred.interval(0.9),
                "numbers": numbers,
                "words": f"{inferred.kind}, {inferred.status}, held {inferred.held}",
                "prediction": inferred.predict(x),
            },
        )


def estimates(family: pp.Family, x: np.ndarray, every: bool = True) -> Items:
    """Estimated errors of the last member, at every point too, and of `every` one."""
    found = family.error_estimate(**list(family)[-1])
    yield "error estimate", [found.relative, found.at(x)]
    if every:
        family.estimate_errors()
        yield "error estimates", {str(c): each.error_estimate for c, each in family.items()}
        yield "error estimates/table", table(family)


def points(low: Sequence[float], high: Sequence[float]) -> np.ndarray:
    return np.random.default_rng(0).uniform(low, high, size=(ROWS, len(low)))


# Digests, and their comparison ----------------------------------------------------------------------------------------


def digests(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """A value, or each of those that it holds, by name: as text that differs where a bit does."""
    if isinstance(value, nn.Module):
        value = value.state_dict()
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from digests(f"{name}/{key}", each)
    elif isinstance(value, list | tuple):
        for i, each in enumerate(value):
            yield from digests(f"{name}/{i}", each)
    else:
        yield name, digest(value)


def digest(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        value = value.numpy(force=True)
    if isinstance(value, np.ndarray):
        shape, content = f"{value.dtype} {'x'.join(map(str, value.shape))}", np.ascontiguousarray(value).tobytes()
        return f"{shape} {hashlib.sha256(content).hexdigest()}"
    if isinstance(value, float):
        return float(value).hex()
    text = str(value)
    return text if len(text) <= LONG else f"text {len(text)} {hashlib.sha256(text.encode()).hexdigest()}"


def entries_of(case: str, quick: bool) -> dict[str, str]:
    """All digests of a case; of one that breaks off those so far, and the error."""
    entries: dict[str, str] = {}
    try:
        for name, value in CASES[case](quick):
            for key, each in digests(name, value):
                if key in entries:
                    raise ValueError(f"{case} has two entries {key}")
                entries[key] = each
    except Exception as fault:  # the other cases are run all the same
        traceback.print_exc()
        entries["broken off"] = f"{type(fault).__name__}: {fault}"
    return entries


def differences(there: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """A line for each entry that is not the same, or on one side alone."""
    names = [*there, *(name for name in here if name not in there)]
    return [
        f"{name}: {there.get(name, 'nothing')} there, {here.get(name, 'nothing')} here"
        for name in names
        if there.get(name) != here.get(name)
    ]


def shown(case: str, entries: Mapping[str, str], seconds: float, there: Mapping[str, str] | None) -> bool:
    """Print how a case went; whether it did, and is the same as `there`, if it was run there."""
    found = [] if there is None else differences(there, entries)
    broken = "broken off" in entries
    verdict = "" if there is None else "same" if not found else f"{len(found)} of {len(entries)} DIFFER"
    words = [f"{len(entries)} entries", f"{seconds:.1f} s", *(["BROKEN OFF"] if broken else []), verdict]
    console.print(f"{case}: {', '.join(word for word in words if word)}", highlight=False)
    for line in found[:SHOWN]:
        console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
    if len(found) > SHOWN:
        console.print(f"  and {len(found) - SHOWN} more", highlight=False)
    return not (found or broken)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder for same_numbers.json")
    parser.add_argument("--against", type=Path, help="same_numbers.json of another tree, to compare with")
    parser.add_argument("--quick", action="store_true", help="fewer targets, larger tolerances")
    parser.add_argument(
        "--only", nargs="+", choices=CASES, default=list(CASES), metavar="CASE", help=f"{ONLY}: {', '.join(CASES)}"
    )
    return parser.parse_args()


def main() -> int:
    chosen = arguments()
    torch.set_num_threads(1)
    logging.getLogger("pacpinn").setLevel(logging.ERROR)  # of answers that a quick run does not trust
    console.print(f"{pp.__file__}; {', '.join(f'{name} {value}' for name, value in machine().items())}")
    known = None if chosen.against is None else json.loads(chosen.against.read_text())
    if known is not None and known["quick"] != chosen.quick:
        console.print(
            f"{chosen.against} is of a run {'with' if known['quick'] else 'without'} --quick: run this one so"
        )
        return 2
    chosen.output.mkdir(parents=True, exist_ok=True)
    path, good = chosen.output / "same_numbers.json", True
    before = json.loads(path.read_text()) if path.is_file() else {"quick": chosen.quick, "cases": {}}
    kept = before["cases"] if before["quick"] == chosen.quick else {}
    cases = {case: entries for case, entries in kept.items() if case not in chosen.only}
    for case in chosen.only:
        began = time.perf_counter()
        cases[case] = entries_of(case, chosen.quick)
        there = None if known is None else known["cases"].get(case, {})
        good = shown(case, cases[case], time.perf_counter() - began, there) and good
        content = {"quick": chosen.quick, "machine": machine(), "cases": cases}  # after every case: the next may crash
        path.write_text(json.dumps(content, indent=1) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
