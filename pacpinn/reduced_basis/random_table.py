"""Random smooth functions as a table: a space in which to look for the error of answers, richer than their span."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from pacpinn.equations.equation import Equation
from pacpinn.networks.error_estimate import random_functions
from pacpinn.reduced_basis.derivative_tables import DerivativeTable, differentiated

_FUNCTIONS = 64  # in each output


def random_table(equation: Equation, x: Tensor) -> DerivativeTable:
    """Random functions of the network's inputs in each output, at points `x` ``(rows, inputs)``.

    They are functions of the features at the source's coefficients.
    """
    c, outputs = equation.source, len(equation.outputs)
    functions = random_functions(equation.features(x[:1], c).shape[1], _FUNCTIONS).to(x)

    def function(k: int, points: Tensor) -> Tensor:
        return functions(equation.features(points, c))[:, k : k + 1]

    def derivatives(order: int) -> Tensor:
        columns = torch.stack([differentiated(partial(function, k), x, order) for k in range(_FUNCTIONS)], dim=-1)
        by_output = torch.einsum("rif,ok->roikf", columns, torch.eye(outputs).to(x))
        return by_output.flatten(3).flatten(1, 2)  # zero but in the functions' own output

    return DerivativeTable(derivatives)
