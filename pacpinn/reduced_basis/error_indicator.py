"""The error indicator of the reduced model: relative error per unit of residual, from members that are left out."""

from __future__ import annotations

from functools import partial

import numpy as np

from pacpinn.reduced_basis.gauss_newton import gauss_newton
from pacpinn.reduced_basis.pod import PODBasis
from pacpinn.reduced_basis.snapshots import Snapshots
from pacpinn.runtime.isolation import untouched


def error_ratio(snapshots: Snapshots) -> float:
    """Relative error per unit of residual: the geometric mean over members left out; 1 if none has both above 0."""
    with untouched():
        pairs = [leave_one_out(snapshots, k) for k in range(len(snapshots.members))]
    ratios = [error / residual for error, residual in pairs if residual > 0 and error > 0]
    return float(np.exp(np.mean(np.log(ratios)))) if ratios else 1.0


def leave_one_out(snapshots: Snapshots, k: int) -> tuple[float, float]:
    """Relative L2 error, and residual on the check points, of the solution for member `k` in the span of all others."""
    cs = snapshots.coefficients
    others = [i for i in range(len(cs)) if i != k]
    basis, c = PODBasis.of_subset(snapshots.training_table.values, others), cs[k]
    nearest = min(others, key=lambda i: snapshots.equation.space.distance(cs[i], c))
    training, check = snapshots.on_training(basis.modes), snapshots.on_check(basis.modes)
    b = gauss_newton(partial(training.linearise, [c]), basis.coordinates[nearest : nearest + 1]).unknowns
    values, x = snapshots.check_table.values, snapshots.check.x
    found = snapshots.solution(c, values @ basis.weights(b)[0], x)
    own = snapshots.solution(c, values[..., k], x)
    return float((found - own).norm() / own.norm()), float(check.residuals([c], b).norm())
