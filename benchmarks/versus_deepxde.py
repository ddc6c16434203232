"""Burgers' equation at eight viscosities: DeepXDE as its own example trains it, against pacpinn.

Every method solves the same targets. DeepXDE: network, points, Adam and then L-BFGS as in its published example,
from scratch and warm-started from the neighbouring target along the same path, in float32 as the example. It gets a
third of the example's Adam steps, as L-BFGS does most of the work, and for two targets all of them, to see whether this
favours it. In float64 it solves three of the targets from scratch, and the last with pacpinn's exact conditions too.
pacpinn: Levenberg-Marquardt from scratch, fine-tuning all weights along the path, and prune-allocate-calibrate along
the path, in both precisions; the methods along the path with three seeds. The gain by the solver is the difference
between DeepXDE and Levenberg-Marquardt, both from scratch; the gain by the transfer is the difference between that and
the methods along the path.

A target's seconds leave out the source, which every method along a path needs once: pacpinn's has a row of its own.

Errors are relative L2 errors against the Cole-Hopf reference; measuring them is not timed.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import deepxde as dde
import numpy as np
import torch
from matplotlib.figure import Figure

import pacpinn as pp
from as_measured import get_problem
from pacpinn.solvers.levenberg_marquardt import LevenbergMarquardt
from pacpinn.transfer.methods import fine_tuning, from_scratch
from report import Report, machine, options

ADAM_STEPS, PUBLISHED_ADAM_STEPS = 5000, 15_000
SEEDS = (0, 1, 2)
LOOK_EVERY = {"adam": 500, "lbfgs": 100}
burgers = get_problem("burgers")
assert isinstance(burgers, pp.Equation)


class Curve(dde.callbacks.Callback):
    """Error against seconds while DeepXDE trains, the clock stopped while the error is measured."""

    def __init__(self, error: Callable[[], float]) -> None:
        super().__init__()
        self.error, self.points, self.paused = error, [], 0.0
        self.began = time.perf_counter()

    def on_epoch_end(self) -> None:
        lbfgs = self.model.opt_name == "L-BFGS"
        if lbfgs or self.model.train_state.step % LOOK_EVERY["adam"] == 0:
            self.look()

    def look(self) -> None:
        arrived = time.perf_counter()
        self.points.append((arrived - self.began - self.paused, self.error()))
        self.paused += time.perf_counter() - arrived


class DeepXDE:
    """DeepXDE's published Burgers example at any viscosity."""

    def __init__(self, dtype: str, exact_conditions: bool, adam_steps: int, lbfgs_steps: int) -> None:
        self.dtype, self.exact, self.adam_steps, self.lbfgs_steps = dtype, exact_conditions, adam_steps, lbfgs_steps

    def model(self, nu: float) -> Any:
        c = pp.Coefficients(nu=nu)
        geometry = burgers.geometry(c)
        boundary = dde.icbc.DirichletBC(geometry, lambda x: 0, lambda _, on: on)
        initial = dde.icbc.IC(geometry, lambda x: -np.sin(np.pi * x[:, 0:1]), lambda _, on: on)
        conditions = [] if self.exact else [boundary, initial]
        data = dde.data.TimePDE(
            geometry,
            lambda x, y: burgers.residual(x, y, c),
            conditions,
            num_domain=2540,
            num_boundary=0 if self.exact else 80,
            num_initial=0 if self.exact else 160,
        )
        network = dde.nn.FNN([2, 20, 20, 20, 1], "tanh", "Glorot normal")
        if self.exact:
            network.apply_output_transform(lambda x, y: burgers.transform(x, y, c))
        return dde.Model(data, network)

    def train(self, nu: float, start: dict[str, Any] | None = None) -> tuple[list[tuple[float, float]], dict[str, Any]]:
        """Error curve and final weights; from `start` by L-BFGS alone, else from scratch by Adam and L-BFGS."""
        dde.config.set_default_float(self.dtype)
        dde.config.set_random_seed(0)
        dde.optimizers.set_LBFGS_options(maxiter=self.lbfgs_steps)
        dde.optimizers.LBFGS_options.update(iter_per_step=LOOK_EVERY["lbfgs"], fun_per_step=2 * LOOK_EVERY["lbfgs"])
        model = self.model(nu)
        x, exact = burgers.task(nu=nu).reference_on_grid()
        points = x.astype(self.dtype)
        curve = Curve(lambda: relative_l2(model.predict(points), exact))
        if start is None:
            model.compile("adam", lr=1e-3)
            model.train(iterations=self.adam_steps, callbacks=[curve], display_every=10**9, verbose=0)
        else:
            model.net.load_state_dict(start)
        model.compile("L-BFGS")
        model.train(callbacks=[curve], display_every=10**9, verbose=0)
        curve.look()
        return curve.points, model.net.state_dict()


def relative_l2(values: np.ndarray, exact: np.ndarray) -> float:
    return float(np.linalg.norm(values - exact) / np.linalg.norm(exact))


def deepxde_rows(report: Report, way: str, dtype: str, targets: list[float], solver: DeepXDE, warm: bool) -> None:
    start = solver.train(0.05)[1] if warm else None  # the source, as pacpinn's: not a target
    for nu in targets:
        points, weights = solver.train(nu, start)
        start = weights if warm else None
        seconds, error = points[-1]
        report.add(way=way, dtype=dtype, nu=nu, error=error, seconds=seconds, curve=points)


def pacpinn_rows(report: Report, dtype: torch.dtype, targets: list[float], seed: int) -> None:
    family = pp.solve_family(burgers, targets=pp.grid(nu=targets), dtype=dtype, seed=seed)
    for solution in family.targets:
        add(report, "PAC along the path", dtype, seed, solution.coefficients["nu"], solution.score, solution)
    source = family.source
    add(report, "PAC source: fit and allocate", dtype, seed, source.coefficients["nu"], source.score, source)
    pac = pp.PAC(burgers.initial_network(seed), dtype=dtype)
    fitted = pac.fit(burgers.task())
    everything = fine_tuning(from_scratch(initial_network(dtype, seed)).masked, fitted.z)
    for nu in targets:
        task = burgers.task(nu=nu).to(dtype)
        result = everything.train(task, LevenbergMarquardt(), task.penalty)
        everything = fine_tuning(everything.masked, result.z)
        score = task.score(everything.masked.forward(result.z))
        add(report, "fine-tuning along the path", dtype, seed, nu, score, result)


def scratch_rows(report: Report, dtype: torch.dtype, targets: list[float]) -> None:
    for nu in targets:
        task = burgers.task(nu=nu).to(dtype)
        method = from_scratch(initial_network(dtype, 0))
        result = method.train(task, LevenbergMarquardt(), 0.0)
        score = task.score(method.masked.forward(result.z))
        add(report, "Levenberg-Marquardt from scratch", dtype, 0, nu, score, result)


def initial_network(dtype: torch.dtype, seed: int) -> torch.nn.Module:
    return burgers.initial_network(seed).to(dtype)


def add(report: Report, way: str, dtype: torch.dtype, seed: int, nu: float, score: Any, result: Any) -> None:
    report.add(
        way=way,
        dtype=str(dtype).removeprefix("torch."),
        seed=seed,
        nu=nu,
        error=score.value,
        seconds=result.seconds,
        status=str(result.status),
        steps=result.steps,
    )


def time_to(error: float, curve: list[list[float]]) -> float | None:
    """Seconds after which a curve first reaches this error; None if it never does."""
    return next((seconds for seconds, reached in curve if reached <= error), None)


def summarise(report: Report) -> list[dict[str, Any]]:
    summary = []
    for key in dict.fromkeys((row["way"], row["dtype"]) for row in report.rows):
        rows = [row for row in report.rows if (row["way"], row["dtype"]) == key]
        summary.append(
            {
                "way": key[0],
                "dtype": key[1],
                "error median": median(row["error"] for row in rows),
                "error worst": max(row["error"] for row in rows),
                "seconds median": median(row["seconds"] for row in rows),
                "seconds worst": max(row["seconds"] for row in rows),
            }
        )
    return summary


def faster(report: Report, name: str, pac: list[dict[str, Any]], scratch: list[dict[str, Any]]) -> None:
    """How many times faster PAC reaches its own error at each target than DeepXDE at the nearest viscosity."""
    ratios, never = [], 0
    for row in pac:
        other = min(scratch, key=lambda each: abs(math.log(each["nu"] / row["nu"])))
        reached = time_to(row["error"], other["curve"])
        never += reached is None
        # Where DeepXDE never reaches the error, the time at which it stopped is a lower bound.
        ratios.append((reached or other["seconds"]) / row["seconds"])
    report.claim(
        f"{name}: faster than DeepXDE from scratch at the same error",
        ">= 200 x",
        f"median {median(ratios):.0f} x, least {min(ratios):.0f} x; in {never} of {len(ratios)} cases DeepXDE "
        "never reached it and its whole time counts, a lower bound",
        median(ratios) >= 200,
    )


def at_24_viscosities(directory: Path) -> list[dict[str, Any]]:
    """PAC's targets of `time_to_error.py`, if it has been run on this machine."""
    path = directory / "time_to_error.json"
    found = json.loads(path.read_text()) if path.is_file() else {"rows": [], "machine": {}}
    if found["machine"].get("processor") != machine()["processor"]:
        return []
    rows = [row for row in found["rows"] if (row["problem"], row["method"]) == ("burgers", "pac")]
    return [{**row, "nu": float(row["target"].removeprefix("nu="))} for row in rows]


def claims(report: Report, directory: Path) -> None:
    def rows(way: str, dtype: str) -> list[dict[str, Any]]:
        return [row for row in report.rows if (row["way"], row["dtype"]) == (way, dtype)]

    for dtype in ("float32", "float64"):
        pac, fine = rows("PAC along the path", dtype), rows("fine-tuning along the path", dtype)
        scratch = rows("DeepXDE from scratch", dtype)
        solved = {row["nu"] for row in scratch}
        faster(report, f"a target of 8, {dtype}", [row for row in pac if row["nu"] in solved], scratch)
        many = [] if report.quick else at_24_viscosities(directory)
        if many:
            faster(report, f"a target of 24, float64, DeepXDE {dtype}", many, scratch)
        ratio = sum(row["seconds"] for row in pac) / sum(row["seconds"] for row in fine)
        report.claim(f"PAC is no slower than fine-tuning everything, {dtype}", "<= 1 x", f"{ratio:.2f} x", ratio <= 1)
        worst = max(row["error"] for row in pac)
        report.claim(f"PAC's error at every target and seed, {dtype}", "<= 5e-4", f"worst {worst:.1e}", worst <= 5e-4)


def figure(report: Report) -> Figure:
    shown = Figure(figsize=(9, 5), layout="constrained")
    axes = shown.subplots()
    markers = dict(zip(dict.fromkeys(row["way"] for row in report.rows), "osD^vPX*", strict=False))
    for way, marker in markers.items():
        for dtype, filled in (("float32", "none"), ("float64", None)):
            rows = [row for row in report.rows if (row["way"], row["dtype"]) == (way, dtype)]
            if rows:
                color = f"C{list(markers).index(way)}"
                axes.plot(
                    [row["seconds"] for row in rows],
                    [row["error"] for row in rows],
                    marker,
                    color=color,
                    fillstyle=filled or "full",
                    label=f"{way}, {dtype}",
                )
    axes.set(xscale="log", yscale="log", xlabel="seconds for one target", ylabel="relative L2 error")
    axes.set_title("Burgers' equation, eight viscosities: each point is one target")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    return shown


def main() -> None:
    chosen = options(__doc__ or "")
    report = Report("versus_deepxde", chosen.quick)
    targets = [values["nu"] for values in burgers.targets][: 2 if chosen.quick else None]
    adam, lbfgs = (200, 200) if chosen.quick else (ADAM_STEPS, 15_000)
    for dtype in (torch.float64, torch.float32):
        for seed in SEEDS:
            pacpinn_rows(report, dtype, targets, seed)
        scratch_rows(report, dtype, targets)
    ends = [targets[0], targets[-1]]
    single, double = (DeepXDE(dtype, False, adam, lbfgs) for dtype in ("float32", "float64"))
    deepxde_rows(report, "DeepXDE from scratch", "float32", targets, single, warm=False)
    deepxde_rows(report, "DeepXDE along the path", "float32", targets, single, warm=True)
    some = [targets[0], targets[len(targets) // 2], targets[-1]]
    deepxde_rows(report, "DeepXDE from scratch", "float64", some, double, warm=False)
    solver = DeepXDE("float64", exact_conditions=True, adam_steps=adam, lbfgs_steps=lbfgs)
    deepxde_rows(report, "DeepXDE from scratch, exact conditions", "float64", ends[-1:], solver, warm=False)
    if not chosen.quick:
        solver = DeepXDE("float32", exact_conditions=False, adam_steps=PUBLISHED_ADAM_STEPS, lbfgs_steps=lbfgs)
        deepxde_rows(report, "DeepXDE from scratch, 15,000 Adam steps", "float32", ends, solver, warm=False)
    report.table(
        "Burgers, per target",
        ["way", "dtype", "error median", "error worst", "seconds median", "seconds worst"],
        summarise(report),
    )
    claims(report, chosen.output)
    report.write(chosen.output)
    figure(report).savefig(chosen.output / "versus_deepxde.png", dpi=150)


if __name__ == "__main__":
    main()
