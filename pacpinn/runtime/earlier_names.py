"""Names of version 0.1 that moved or were removed, so that its pickles and documented imports work until version 0.3.

A pickle stores the module and the name of each class that it contains: an estimator pickled by version 0.1 asks for
``pacpinn.estimators.PACRegressor``. Here are the modules that such a pickle can name.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_SAME_NAME = {  # modules that kept their name, by the package that holds them now
    "continuation": "sensitivity settings solution",
    "equations": "collocation equation_task measurements",
    "inverse": "inference",
    "networks": "error_estimate heads",
    "sweep": "dask_pool",
    "tasks": "coefficient samples supervised task",
    "transfer": "estimators methods pac pruning",
}
MODULES = {f"pacpinn.{name}": f"pacpinn.{room}.{name}" for room, names in _SAME_NAME.items() for name in names.split()}
MODULES |= {
    "pacpinn.answers": "pacpinn.transfer.outputs",
    "pacpinn.masked": "pacpinn.networks.masked_network",
    "pacpinn.own_loop": "pacpinn.transfer.trainable",
    "pacpinn.reduced": "pacpinn.reduced_basis",
    "pacpinn.reduced.inverse": "pacpinn.inverse.reduced_fit",
    "pacpinn.refinement": "pacpinn.reduced_basis.greedy",
    "pacpinn.requests": "pacpinn.sweep.requests",
    "pacpinn.scale": "pacpinn.transfer.outputs",
    "pacpinn.selection": "pacpinn.transfer.model_selection",
    "pacpinn.solvers.sequence": "pacpinn.solvers.choice",
}
"""The successor of each earlier module."""
RENAMED = {
    "pacpinn.answers.Classes": "ClassOutputs",
    "pacpinn.answers.Values": "RegressionOutputs",
    "pacpinn.methods.Method": "TransferMethod",
    "pacpinn.requests.Span": "RangeRequest",
    "pacpinn.requests.Targets": "TargetRequest",
}
"""Classes that have another name now."""
REMOVED = {
    "pacpinn.image_folder": "was removed in version 0.2: read images with torchvision.datasets.ImageFolder and give a "
    "DataLoader over it to Samples.split"
}
"""Names without a successor, and what to do instead."""


class _EarlierModules:
    """Finds and loads the modules of version 0.1: empty modules that look names up in their successors."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in REMOVED:  # without `name=`, which would let `from pacpinn import ...` drop the message
            raise ModuleNotFoundError(f"{fullname} {REMOVED[fullname]}")
        if fullname not in MODULES:
            return None
        return ModuleSpec(fullname, self, is_package=fullname == "pacpinn.reduced")  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        return None  # Python's own kind of module

    def exec_module(self, module: ModuleType) -> None:
        earlier, successor = module.__name__, MODULES[module.__name__]

        def get(name: str) -> Any:
            try:
                return getattr(importlib.import_module(successor), RENAMED.get(f"{earlier}.{name}", name))
            except AttributeError:
                raise AttributeError(f"module {earlier!r}, now {successor!r}, has no attribute {name!r}") from None

        module.__getattr__ = get  # type: ignore[method-assign]
        warnings.warn(
            f"{earlier} is now {successor}, and its earlier name works until version 0.3: import public names from "
            "pacpinn itself; load each pickle of version 0.1 once and save it again",
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
