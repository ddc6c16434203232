"""How an answer in the span changes with its coefficients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from pacpinn.equations.residuals import solution
from pacpinn.reduced_basis.gauss_newton import least_squares
from pacpinn.reduced_basis.reduced_model import ReducedModel, given
from pacpinn.runtime.deepxde_backend import deepxde_defaults
from pacpinn.runtime.isolation import untouched
from pacpinn.tasks.coefficient import Coefficients


def sensitivity(model: ReducedModel, c: Coefficients, x: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """du/dc ``(rows, outputs, names)`` at points `x` ``(rows, inputs)``.

    Coordinates move so that residuals stay as small as they are, ``J db = -dr/dc``; what transform knows of c adds to
    that.
    """
    points = model.snapshots.training.x.new_tensor(x)
    columns = []
    with untouched():
        b = model.coordinates([c])
        jacobian = model.all.linearise([c], b).jacobian[0]
        with torch.no_grad(), deepxde_defaults(points.dtype, points.device):
            members = torch.stack([each.function(points) for each in model.members], dim=-1)
        outputs, modes = members @ model.span.weights(b)[0], members @ model.span.mixing[:, 1:]
        for name in names:
            pair = model.equation.space.neighbours(c, name)
            width = pair[1][name] - pair[0][name]
            behind, ahead = (model.all.residuals([each], b)[0] for each in pair)
            moved = modes @ least_squares(jacobian, -(ahead - behind)[:, None])[:, 0]
            with torch.no_grad(), deepxde_defaults(points.dtype, points.device):
                below, above = (
                    solution(model.equation, each, given(outputs + share * moved), points)
                    for each, share in zip(pair, (-0.5, 0.5), strict=True)
                )
            columns.append((above - below) / width)
    return torch.stack(columns, dim=-1).numpy(force=True)
