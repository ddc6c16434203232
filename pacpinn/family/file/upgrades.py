"""Files of earlier versions, as the present one would have written them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pacpinn.family.file.container import VERSION, Stored

Content = tuple[dict[str, Any], dict[str, Tensor]]


def upgraded(stored: Stored) -> tuple[str, dict[str, Tensor]]:
    """Header and tensors of the present version.

    Raises:
        LookupError, TypeError, ValueError: if they are not what the file's own version should hold.
    """
    if stored.version == VERSION:
        return stored.header, stored.tensors
    content = json.loads(stored.header), stored.tensors
    for version in range(stored.version, VERSION):
        content = _UPGRADES[version](*content)
    return json.dumps(content[0]), content[1]


def _from_version_1(header: dict[str, Any], tensors: dict[str, Tensor]) -> Content:
    """Masks of a byte a weight, two tensors for each target, and no word of what was asked for."""
    members, losses = [], []
    targets: dict[int, list[Tensor]] = {}
    new = {name: each for name, each in tensors.items() if name.startswith("base.")}
    for name in [name for name in new if name.endswith(".free")]:
        new[name] = torch.from_numpy(np.packbits(new[name].numpy(force=True)))
    for k, each in enumerate(header["solutions"]):
        history = tensors[f"solution.{k}.history"]
        losses.append(history)
        score = each.pop("score") or {"name": None, "value": None}
        finite = {name: _finite(value) for name, value in (("residual", each["residual"]), ("error", score["value"]))}
        members.append({**each, **finite, "metric": score["name"], "losses": len(history)})
        if k > 0:
            targets.setdefault(each["base"], []).append(tensors[f"solution.{k}.z"])
    new |= {f"base.{i}.targets": torch.stack(each) for i, each in targets.items()}
    new["losses"] = torch.cat(losses)
    problem = {"soft": False, "span": None, **header["problem"]}
    source = header["solutions"][0]["coefficients"]
    return {
        "asked": {"problem": problem, "source": source, "settings": header["settings"], "requests": []},
        "machine": {"versions": header["versions"], "threads": 0, "processor": ""},
        "architecture": "",
        "shapes": header["shapes"],
        "bases": [each["coefficients"] for each in header["bases"]],
        "members": members,
        "refinement": _refinement(header.get("refinement")),
        "finished": True,
    }, new


def _refinement(header: dict[str, Any] | None) -> dict[str, Any] | None:
    if header is None:
        return None
    return {**header, "rounds": [[each["members"], each["estimate"], each["at"]] for each in header["rounds"]]}


def _finite(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None


_UPGRADES: dict[int, Callable[..., Content]] = {1: _from_version_1}
