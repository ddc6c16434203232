"""Modules by the names that they had in version 0.1: pickles and imports from then go on working until version 0.3.

Until 0.2 all modules lay in one folder. A pickle names the module of each class that it holds, so that an estimator
pickled then asks for ``pacpinn.estimators``.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import warnings
from collections.abc import Sequence
from types import ModuleType
from typing import Any

_SAME_NAME = {  # in these rooms under the name that they had
    "cli": "arguments report signals",
    "continuation": "error_estimate sensitivity settings singular_points solution",
    "equations": "collocation dry_run equation equation_batch equation_task features measurements parametric soft_conditions",
    "family": "members progress rerun solve targets",
    "family.file": "journal provenance",
    "inverse": "inference recalibration unknowns",
    "networks": "factored_jacobian heads objective",
    "runtime": "files isolation memory",
    "sweep": "clusters dask_pool dask_worker pools",
    "tasks": "coefficient problem ranges registry samples supervised task",
    "transfer": "estimators methods pac pruning",
}
_OTHER_NAME = {
    "allocation": "transfer.allocation transfer.methods",
    "answers": "transfer.outputs",
    "archive": "family.file.codec",
    "backend": "runtime.deepxde_backend",
    "blocks": "networks.residual_blocks",
    "branching": "sweep.tree_run",
    "cli_infer": "cli.infer",
    "cli_rerun": "cli.rerun",
    "cli_solve": "cli.solve",
    "cold_start": "transfer.from_scratch",
    "earlier_versions": "family.file.upgrades",
    "equation_residuals": "equations.residuals",
    "first_guess": "continuation.predictor",
    "founding": "continuation.family_methods",
    "given_equation": "equations.deepxde_equation",
    "given_task": "equations.deepxde_equation",
    "header": "family.file.schema runtime.machine",
    "labels": "tasks.labels",
    "masked": "networks.masked_network",
    "misfit_search": "inverse.gauss_newton_search",
    "own_loop": "transfer.trainable",
    "pac_estimator": "transfer.estimator_base",
    "plot": "family.plots.figures",
    "plot_range": "family.plots.over_range",
    "plot_solutions": "family.plots.solutions",
    "plot_style": "family.plots.style",
    "query": "family.queries reduced_basis.reduced_model tasks.problem",
    "questions": "family.queries",
    "reduced": "reduced_basis",
    "reduced.few_rows": "reduced_basis.hyper_reduction",
    "reduced.gauss_newton": "reduced_basis.gauss_newton",
    "reduced.interpolated": "reduced_basis.rbf_interpolation",
    "reduced.inverse": "inverse.reduced_fit",
    "reduced.online": "reduced_basis.reduced_model",
    "reduced.reduced_equation": "reduced_basis.reduced_residual",
    "reduced.slopes": "reduced_basis.sensitivity",
    "reduced.snapshots": "reduced_basis.snapshots",
    "reduced.span": "reduced_basis.pod",
    "reduced.tabulated": "reduced_basis.derivative_tables",
    "refinement": "reduced_basis.greedy equations.equation",
    "requests": "sweep.requests continuation.settings",
    "rowwise": "networks.per_row_gradients networks.factored_jacobian",
    "saliency": "transfer.pruning",
    "scale": "transfer.outputs",
    "selection": "transfer.model_selection",
    "solvers.descent": "solvers.full_batch",
    "solvers.footprint": "solvers.memory_estimate",
    "solvers.sequence": "solvers.in_turn",
    "steps": "sweep.tree_step",
    "storage": "family.file.container",
    "tree": "sweep.target_tree",
    "unaided": "continuation.family_methods",
    "walk": "sweep.sweep",
    "wavefront": "continuation.batched",
    "whereabouts": "runtime.user_code",
}
MODULES = _OTHER_NAME | {name: f"{room}.{name}" for room, names in _SAME_NAME.items() for name in names.split()}
RENAMED: dict[str, str] = {}


class _EarlierModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a module by its earlier name; its contents are looked up where they are now."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        known = fullname.removeprefix("pacpinn.") in MODULES
        is_package = fullname == "pacpinn.reduced"
        return importlib.util.spec_from_loader(fullname, self, is_package=is_package) if known else None

    def exec_module(self, module: ModuleType) -> None:
        earlier = module.__name__
        present = [f"pacpinn.{each}" for each in MODULES[earlier.removeprefix("pacpinn.")].split()]

        def get(name: str) -> Any:
            for each in map(importlib.import_module, present):
                found = getattr(each, RENAMED.get(f"{earlier}.{name}", name), None)
                if found is not None:
                    return found
            raise AttributeError(f"module {earlier!r} has no attribute {name!r}")

        warnings.warn(
            f"{earlier} is now {' and '.join(present)}; its earlier name goes with version 0.3: import public names from "
            "pacpinn itself, and write pickles of version 0.1 again",
            DeprecationWarning,
            stacklevel=2,
        )
        module.__getattr__ = get  # type: ignore[method-assign]


def install() -> None:
    """Let earlier names be found, where nothing else has them."""
    if not any(isinstance(each, _EarlierModules) for each in sys.meta_path):
        sys.meta_path.append(_EarlierModules())
