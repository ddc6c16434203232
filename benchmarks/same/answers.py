"""What a family answers, by name: everything that is to be the same on two trees."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.image import imread
from safetensors import safe_open

import pacpinn as pp

Items = Iterator[tuple[str, Any]]  # names, and what is to be the same
ROWS = 40  # points of a prediction


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
