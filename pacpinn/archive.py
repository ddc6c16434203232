"""A family as a header and tensors, and back."""

from __future__ import annotations

import hashlib
import importlib.metadata
import inspect
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pacpinn import storage
from pacpinn.coefficient import Coefficients
from pacpinn.errors import FamilyFileError
from pacpinn.masked import MaskedNetwork
from pacpinn.parametric import ParametricEquation, parametric
from pacpinn.problem import Problem
from pacpinn.refinement import Refinement, Round
from pacpinn.registry import get_problem, installed_problems
from pacpinn.settings import Settings
from pacpinn.soft_conditions import SoftEquation, soft
from pacpinn.solution import Base, Solution
from pacpinn.solvers import Status, solver_from_header, solver_to_header
from pacpinn.task import Score

Parts = tuple[Problem, list[Base], list[Solution], Settings, Refinement | None]


def write(
    path: Path,
    problem: Problem,
    bases: list[Base],
    solutions: list[Solution],
    settings: Settings,
    refinement: Refinement | None,
) -> None:
    """Write a family: bases once, every target only its free weights."""
    header = {
        "problem": _problem_header(problem),
        "versions": {name: importlib.metadata.version(name) for name in ("pacpinn", "torch", "deepxde")},
        "settings": _settings_header(settings),
        "bases": [{"coefficients": dict(each.coefficients)} for each in bases],
        "shapes": _shapes(bases[0].masked),
        "solutions": [_solution_header(each) for each in solutions],
        "refinement": None if refinement is None else _refinement_header(refinement),
    }
    tensors: dict[str, Tensor] = {}
    for i, base in enumerate(bases):
        tensors |= {f"base.{i}.weights": base.masked.weights, f"base.{i}.free": base.masked.free}
        tensors |= {f"base.{i}.state.{name}": each for name, each in _other_state(base.masked).items()}
    for k, solution in enumerate(solutions):
        tensors[f"solution.{k}.history"] = torch.tensor(solution.history, dtype=torch.float64)
        if k > 0:  # the source is the first base as it stands
            tensors[f"solution.{k}.z"] = solution.z
    storage.write(path, header, tensors)


def read(path: Path, problem: Problem | str | Path | None, device: torch.device) -> Parts:
    """The parts of a family; see :func:`pacpinn.load`."""
    header, tensors = storage.read(path, device)
    try:
        problem = _resolve(path, header["problem"], problem)
        settings = _settings(header["settings"], device)
        bases = [
            Base(_masked(problem, settings, header["shapes"], tensors, i), Coefficients(**each["coefficients"]))
            for i, each in enumerate(header["bases"])
        ]
        solutions = [_solution(each, tensors, bases, k) for k, each in enumerate(header["solutions"])]
        refinement = header.get("refinement")
        refined = None if refinement is None else _refinement(refinement)
    except (LookupError, AttributeError, TypeError, ValueError, RuntimeError) as mismatch:
        raise FamilyFileError(
            f"{path} does not fit the problem it names ({type(mismatch).__name__}: {mismatch}); "
            "was the problem's network changed since?"
        ) from mismatch
    return problem, bases, solutions, settings, refined


def source_hash(problem: Problem) -> str:
    """SHA-256 of the file that defines the problem; empty for one defined without a file."""
    module = sys.modules.get(type(problem).__module__)
    if module is None or not getattr(module, "__file__", None):
        return ""
    return hashlib.sha256(Path(inspect.getfile(module)).read_bytes()).hexdigest()


def _problem_header(problem: Problem) -> dict[str, Any]:
    installed = type(problem).__module__ in installed_problems().values()
    span = dict(problem.span) if isinstance(problem, ParametricEquation) else None
    is_soft = isinstance(problem, SoftEquation)
    source = {"installed": installed, "hash": source_hash(problem)}
    return {"name": problem.name, **source, "soft": is_soft, "span": span}


def _resolve(path: Path, header: dict[str, Any], given: Problem | str | Path | None) -> Problem:
    if isinstance(given, Problem):
        problem = given
    elif given is not None:
        problem = get_problem(given)
        if not header["installed"] and source_hash(problem) != header["hash"]:
            raise FamilyFileError(
                f"{given} is not the file with which {path} was solved: its content has changed; give the file as it "
                "was, or load the family in Python with problem=YourProblem(), which is taken as it is"
            )
    elif header["installed"]:
        problem = get_problem(header["name"])
    else:
        raise FamilyFileError(
            f"{path} holds a family of {header['name']}, which is not installed; give the file that defines it: "
            "--problem my_equation.py on the command line, problem='my_equation.py' in Python"
        )
    if problem.name != header["name"]:
        raise FamilyFileError(f"{path} holds a family of {header['name']}, not of {problem.name}")
    if header.get("soft", False) and not isinstance(problem, SoftEquation):
        problem = soft(problem)
    span = header.get("span")
    return parametric(problem, {name: (low, high) for name, (low, high) in span.items()}) if span else problem


def _settings_header(settings: Settings) -> dict[str, Any]:
    return {
        "method": settings.method,
        "keep": settings.keep,
        "criterion": settings.criterion if isinstance(settings.criterion, str) else repr(settings.criterion),
        "always_kept": list(settings.always_kept),
        "always_free": list(settings.always_free),
        "solver": solver_to_header(settings.solver),
        "penalty": settings.penalty,
        "tolerance": settings.tolerance,
        "halvings": settings.halvings,
        "bases": settings.bases,
        "batch": settings.batch,
        "seed": settings.seed,
        "dtype": None if settings.dtype is None else str(settings.dtype).removeprefix("torch."),
    }


def _settings(header: dict[str, Any], device: torch.device) -> Settings:
    dtype = header["dtype"]
    return Settings(
        **{
            **header,
            "always_kept": tuple(header["always_kept"]),
            "always_free": tuple(header["always_free"]),
            "solver": solver_from_header(header["solver"]),
            "dtype": None if dtype is None else getattr(torch, dtype),
            "device": device,
        }
    )


def _solution_header(solution: Solution) -> dict[str, Any]:
    return {
        "coefficients": dict(solution.coefficients),
        "parent": None if solution.parent is None else dict(solution.parent),
        "reached": None if solution.reached is None else dict(solution.reached),
        "base": solution.base,
        "status": str(solution.status),
        "steps": solution.steps,
        "seconds": solution.seconds,
        "residual": solution.residual,
        "tolerance": solution.tolerance,
        "score": None if solution.score is None else asdict(solution.score),
    }


def _solution(header: dict[str, Any], tensors: dict[str, Tensor], bases: list[Base], k: int) -> Solution:
    parent, reached, score = header["parent"], header["reached"], header["score"]
    zero = bases[header["base"]].masked.start
    z = tensors[f"solution.{k}.z"] if k > 0 else zero
    if z.shape != zero.shape:
        raise ValueError(f"target {k} has {len(z)} free weights, its base {len(zero)}")
    return Solution(
        coefficients=Coefficients(**header["coefficients"]),
        base=header["base"],
        z=z,
        status=Status(header["status"]),
        steps=header["steps"],
        seconds=header["seconds"],
        history=tensors[f"solution.{k}.history"].tolist(),
        residual=header["residual"],
        tolerance=header["tolerance"],
        score=None if score is None else Score(**score),
        parent=None if parent is None else Coefficients(**parent),
        reached=None if reached is None else Coefficients(**reached),
    )


def _refinement_header(refinement: Refinement) -> dict[str, Any]:
    rounds = [{**each._asdict(), "at": dict(each.at)} for each in refinement.rounds]
    return {"within": dict(refinement.within), "tolerance": refinement.tolerance, "rounds": rounds}


def _refinement(header: dict[str, Any]) -> Refinement:
    within = {name: (float(low), float(high)) for name, (low, high) in header["within"].items()}
    rounds = [Round(each["members"], each["estimate"], Coefficients(**each["at"])) for each in header["rounds"]]
    return Refinement(within, header["tolerance"], rounds)


def _other_state(base: MaskedNetwork) -> dict[str, Tensor]:
    """Buffers and parameters that are never trained."""
    return {name: each for name, each in base.network.state_dict().items() if name not in base.shapes}


def _shapes(base: MaskedNetwork) -> dict[str, list[int]]:
    return {name: list(shape) for name, shape in base.shapes.items()}


def _masked(
    problem: Problem, settings: Settings, shapes: dict[str, list[int]], tensors: dict[str, Tensor], i: int
) -> MaskedNetwork:
    weights, free = tensors[f"base.{i}.weights"], tensors[f"base.{i}.free"]
    network = problem.initial_network(settings.seed).to(device=weights.device, dtype=weights.dtype)
    prefix = f"base.{i}.state."
    state = {name.removeprefix(prefix): each for name, each in tensors.items() if name.startswith(prefix)}
    base = MaskedNetwork(network, weights, free, frozen_buffers=True)
    missing, unexpected = network.load_state_dict(state, strict=False)
    if unexpected or set(missing) - set(base.shapes) or _shapes(base) != shapes:
        raise ValueError(f"the network has weights {_shapes(base)}, the file {shapes}")
    return base
