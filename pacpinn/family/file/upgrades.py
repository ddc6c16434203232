"""Files of earlier versions, as the present version would have written them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pacpinn.family.file.bases import packed
from pacpinn.family.file.container import VERSION, Stored

Content = tuple[dict[str, Any], dict[str, Tensor]]


def upgraded(stored: Stored) -> tuple[str, dict[str, Tensor]]:
    """Header and tensors of the present version.

    Raises:
        LookupError, TypeError, ValueError: if they are not those of the file's own version.
    """
    if stored.version == VERSION:
        return stored.header, stored.tensors
    content = json.loads(stored.header), stored.tensors
    for version in range(stored.version, VERSION):
        content = _UPGRADES[version](*content)
    return json.dumps(content[0]), content[1]


def _from_version_1(header: dict[str, Any], tensors: dict[str, Tensor]) -> Content:
    """Version 1 had masks of a byte a weight and two tensors for each target, and did not store the requests."""
    solutions = header["solutions"]
    histories = [tensors[f"solution.{k}.history"] for k in range(len(solutions))]
    problem = {"soft": False, "span": None, **header["problem"]}
    source = solutions[0]["coefficients"]
    return {
        "asked": {"problem": problem, "source": source, "settings": header["settings"], "requests": []},
        "machine": {"versions": header["versions"], "threads": 0, "processor": ""},
        "architecture": "",
        "shapes": header["shapes"],
        "bases": [each["coefficients"] for each in header["bases"]],
        "members": [_member(each, len(history)) for each, history in zip(solutions, histories, strict=True)],
        "refinement": _refinement(header.get("refinement")),
        "finished": True,
    }, {**_base_tensors(tensors), **_target_tensors(solutions, tensors), "losses": torch.cat(histories)}


def _member(solution: dict[str, Any], losses: int) -> dict[str, Any]:
    score = solution.pop("score") or {"name": None, "value": None}
    finite = {"residual": _finite(solution["residual"]), "error": _finite(score["value"])}
    return {**solution, **finite, "metric": score["name"], "losses": losses}


def _base_tensors(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    bases = {name: each for name, each in tensors.items() if name.startswith("base.")}
    return {name: packed(each) if name.endswith(".free") else each for name, each in bases.items()}


def _target_tensors(solutions: list[dict[str, Any]], tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    targets: dict[int, list[Tensor]] = {}
    for k, each in enumerate(solutions[1:], 1):
        targets.setdefault(each["base"], []).append(tensors[f"solution.{k}.z"])
    return {f"base.{i}.targets": torch.stack(own) for i, own in targets.items()}


def _refinement(header: dict[str, Any] | None) -> dict[str, Any] | None:
    if header is None:
        return None
    return {**header, "rounds": [[each["members"], each["estimate"], each["at"]] for each in header["rounds"]]}


def _finite(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None


_UPGRADES: dict[int, Callable[..., Content]] = {1: _from_version_1}
