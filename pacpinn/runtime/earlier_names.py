"""Names of version 0.1 that moved, changed or went, so that its imports and pickles work until version 0.3.

In version 0.1 all modules lay in one folder. A pickle stores the module and the name of each class that it contains: an
estimator pickled by version 0.1 asks for ``pacpinn.estimators.PACRegressor``.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_ROOMS = {  # modules that kept their name, by the package that holds them now
    "cli": "arguments signals",
    "continuation": "error_estimate sensitivity settings singular_points solution",
    "equations": "collocation dry_run equation equation_batch equation_task features measurements parametric "
    "soft_conditions",
    "family": "members progress rerun solve targets",
    "family.file": "journal provenance",
    "inverse": "inference recalibration",
    "networks": "factored_jacobian heads objective",
    "runtime": "files isolation memory",
    "sweep": "clusters dask_pool dask_worker pools",
    "tasks": "coefficient problem registry samples supervised task",
    "transfer": "estimators methods pac pruning",
}
_MOVED = {  # modules with another name; a module that was split has several successors
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
    "first_guess": "continuation.calibration",
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
    "ranges": "tasks.parameter_space",
    "reduced": "reduced_basis",
    "reduced.few_rows": "reduced_basis.hyper_reduction",
    "reduced.gauss_newton": "reduced_basis.gauss_newton",
    "reduced.interpolated": "reduced_basis.reduced_solver",
    "reduced.inverse": "inverse.reduced_fit",
    "reduced.online": "reduced_basis.reduced_model",
    "reduced.reduced_equation": "reduced_basis.reduced_residual",
    "reduced.slopes": "reduced_basis.reduced_model",
    "reduced.snapshots": "reduced_basis.snapshots",
    "reduced.span": "reduced_basis.pod",
    "reduced.tabulated": "reduced_basis.derivative_tables",
    "refinement": "reduced_basis.greedy equations.equation",
    "report": "cli.progress cli.tables cli.formats",
    "requests": "sweep.requests continuation.settings",
    "rowwise": "networks.per_row_gradients networks.factored_jacobian",
    "saliency": "transfer.pruning",
    "scale": "transfer.outputs",
    "selection": "transfer.model_selection",
    "solvers.descent": "solvers.full_batch",
    "solvers.early_stopping": "solvers.adam",
    "solvers.footprint": "solvers.memory_estimate",
    "solvers.sequence": "solvers.choice",
    "steps": "sweep.pools continuation.settings",
    "storage": "family.file.container",
    "tree": "sweep.target_tree",
    "unaided": "continuation.family_methods",
    "unknowns": "inverse.inverse_problem",
    "walk": "sweep.sweep",
    "wavefront": "continuation.calibration",
    "whereabouts": "runtime.user_code",
}
MODULES = _MOVED | {name: f"{room}.{name}" for room, names in _ROOMS.items() for name in names.split()}
"""Each earlier module with its successors, both without ``pacpinn.``"""

RENAMED = {
    "pacpinn.answers.Answers": "OutputEncoding",
    "pacpinn.answers.Classes": "ClassOutputs",
    "pacpinn.answers.Values": "RegressionOutputs",
    "pacpinn.given_task.GivenCollocation": "DeepXDECollocation",
    "pacpinn.given_task.GivenTask": "DeepXDETask",
    "pacpinn.given_task.IntegralTask": "DeepXDEIntegralTask",
    "pacpinn.header.Asked": "RunSpec",
    "pacpinn.methods.Method": "TransferMethod",
    "pacpinn.questions.Questions": "FamilyQueries",
    "pacpinn.reduced.interpolated.Interpolated": "RBFInterpolation",
    "pacpinn.reduced.online.Online": "ReducedModel",
    "pacpinn.reduced.reduced_equation.ReducedEquation": "ReducedResidual",
    "pacpinn.reduced.span.Span": "PODBasis",
    "pacpinn.reduced.tabulated.Tabulated": "DerivativeTable",
    "pacpinn.requests.Span": "RangeRequest",
    "pacpinn.requests.Targets": "TargetRequest",
    "pacpinn.rowwise.Copies": "VmapGradients",
    "pacpinn.rowwise.LinearLayers": "LinearLayerGradients",
    "pacpinn.steps.Ground": "StepContext",
}
"""Classes that have another name now."""

_IMAGES = "read images with torchvision.datasets.ImageFolder and give a DataLoader over it to Samples.split"
_PAPER = "only the benchmarks used it, which keep it as benchmarks/paper/"
GONE = {
    name: f"went with version 0.2; {advice}"
    for name, advice in {
        "pacpinn.image_folder": _IMAGES,
        "pacpinn.images": _IMAGES,
        "pacpinn.adapters": f"{_PAPER}lora.py",
        "pacpinn.feature_penalties": f"{_PAPER}feature_penalties.py",
    }.items()
}
"""Names and modules without a successor, and what to do instead."""


class _EarlierModules:
    """Finds and loads the modules of version 0.1: empty modules that look names up in their successors."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in GONE:  # without `name=`, which would let `from pacpinn import ...` drop the message
            raise ModuleNotFoundError(f"{fullname} {GONE[fullname]}")
        package, _, module = fullname.partition(".")
        if package != "pacpinn" or module not in MODULES:
            return None
        return ModuleSpec(fullname, self, is_package=module == "reduced")  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        return None  # Python's own kind of module

    def exec_module(self, module: ModuleType) -> None:
        earlier = module.__name__
        successors = [f"pacpinn.{each}" for each in MODULES[earlier.removeprefix("pacpinn.")].split()]

        def get(name: str) -> Any:
            new_name = RENAMED.get(f"{earlier}.{name}", name)
            for successor in map(importlib.import_module, successors):
                if hasattr(successor, new_name):
                    return getattr(successor, new_name)
            raise AttributeError(f"module {earlier!r}, now {' and '.join(successors)}, has no attribute {name!r}")

        module.__getattr__ = get  # type: ignore[method-assign]
        warnings.warn(
            f"{earlier} is now {' and '.join(successors)}, and its earlier name works until version 0.3: import public "
            "names from pacpinn itself; load each pickle of version 0.1 once and save it again",
            DeprecationWarning,
            stacklevel=2,
        )


def install() -> None:
    """Let Python find modules by their earlier names.

    This comes before the other ways to find modules: if a folder of version 0.1 is left with bytecode alone, Python
    would take it for a namespace package.
    """
    if not any(isinstance(each, _EarlierModules) for each in sys.meta_path):
        sys.meta_path.insert(0, _EarlierModules())
