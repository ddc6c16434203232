"""Files of earlier versions, as the present version would have written them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pacpinn.family.file.container import VERSION, Stored
from pacpinn.family.file.tensors import packed, stacked


def upgraded(stored: Stored) -> tuple[str, dict[str, Tensor]]:
    """Header and tensors of the present version; a LookupError, TypeError or ValueError if the file's do not fit."""
    if stored.version == VERSION:
        return stored.header, stored.tensors
    header, tensors = _from_version_1(json.loads(stored.header), stored.tensors)
    return json.dumps(header), tensors


def _from_version_1(header: dict[str, Any], tensors: dict[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Version 1 had masks of a byte a weight and two tensors for each target, and did not store the requests."""
    solutions = header["solutions"]
    histories = [tensors[f"solution.{k}.history"] for k in range(len(solutions))]
    problem = {"soft": False, "span": None, **header["problem"]}
    source = solutions[0]["coefficients"]
    bases = {name: each for name, each in tensors.items() if name.startswith("base.")}
    masks = {f"base.{i}.free": packed(bases[f"base.{i}.free"]) for i in range(len(header["bases"]))}
    targets = stacked((each["base"], tensors[f"solution.{k}.z"]) for k, each in enumerate(solutions) if k)
    return {
        "asked": {"problem": problem, "source": source, "settings": header["settings"], "requests": []},
        "machine": {"versions": header["versions"], "threads": 0, "processor": ""},
        "architecture": "",
        "shapes": header["shapes"],
        "bases": [each["coefficients"] for each in header["bases"]],
        "members": [_member(each, len(history)) for each, history in zip(solutions, histories, strict=True)],
        "refinement": _refinement(header.get("refinement")),
        "finished": True,
    }, {**bases, **masks, **targets, "losses": torch.cat(histories)}


def _member(solution: dict[str, Any], losses: int) -> dict[str, Any]:
    score = solution.pop("score") or {"name": None, "value": None}
    finite = {"residual": _finite(solution["residual"]), "error": _finite(score["value"])}
    return {**solution, **finite, "metric": score["name"], "losses": losses}


def _refinement(header: dict[str, Any] | None) -> dict[str, Any] | None:
    if header is None:
        return None
    return {**header, "rounds": [[each["members"], each["estimate"], each["at"]] for each in header["rounds"]]}


def _finite(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None
