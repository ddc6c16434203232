"""How an answer in the members' span changes with its coefficients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from pacpinn.reduced_basis.gauss_newton import least_squares
from pacpinn.reduced_basis.reduced_model import ReducedModel
from pacpinn.runtime.isolation import untouched
from pacpinn.tasks.coefficient import Coefficients


def sensitivity(model: ReducedModel, c: Coefficients, x: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """du/dc ``(rows, outputs, names)`` at points `x` ``(rows, inputs)``.

    The coordinates move so that the residuals stay constant to first order, in the least squares: ``J db = -dr/dc``.
    The central difference in c includes the change of the equation's transform with c.
    """
    assembly, basis, equation = model.assembly, model.basis, model.solver.all_rows
    points = assembly.training.x.new_tensor(x)
    columns = []
    with untouched():
        b = model.solver.coordinates([c])
        jacobian = equation.linearise([c], b).jacobian[0]
        members = assembly.outputs(points)
        outputs, modes = members @ basis.weights(b)[0], members @ basis.modes[:, 1:]
        for name in names:
            pair = model.equation.space.neighbours(c, name)
            width = pair[1][name] - pair[0][name]
            below, above = (equation.residuals([each], b)[0] for each in pair)
            change = modes @ least_squares(jacobian, -(above - below)[:, None])[:, 0]
            below, above = (
                assembly.solution(each, outputs + share * change, points)
                for each, share in zip(pair, (-0.5, 0.5), strict=True)
            )
            columns.append((above - below) / width)
    return torch.stack(columns, dim=-1).numpy(force=True)
