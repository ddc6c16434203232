"""An equation tried out once before any work, so that what is wrong with it shows at once and by name."""

from __future__ import annotations

from pacpinn.equations.equation import Equation
from pacpinn.errors import CoefficientError, ResidualError
from pacpinn.runtime.deepxde_backend import deepxde_defaults
from pacpinn.runtime.isolation import untouched
from pacpinn.runtime.user_code import naming_user_code, place_of
from pacpinn.tasks.coefficient import Coefficients

_POINTS = 64


def dry_run(problem: Equation, c: Coefficients) -> None:
    """Draw a few points and evaluate all residuals on them with a fresh network.

    Raises:
        ResidualError: if a formula fails or gives the wrong shape, a condition has no points, or geometry, inputs and
            network are at odds.
        CoefficientError: if a coefficient is used nowhere.
    """
    watched = _Watched(c)
    with untouched(0):
        task = problem.build(watched)
        batch = task.few(_POINTS) or task.everything()
        _require_coordinates(problem, batch.x.shape[1])
        network = problem.initial_network(0).to(task.dtype)
        with (
            deepxde_defaults(task.dtype, task.device),
            naming_user_code(network.forward, f"the network of {problem.name}"),
        ):
            network(problem.features(batch.x, watched))
        task.residuals(network, batch)
        problem.place(batch.points, watched)
    unused = [name for name in c if name not in watched.read]
    if unused:
        raise CoefficientError(
            f"{problem.name} uses the coefficient {unused[0]!r} nowhere: neither geometry, residual nor conditions ask "
            f"for c.{unused[0]}; use it, or leave it out{place_of(type(problem))}"
        )


def _require_coordinates(problem: Equation, count: int) -> None:
    if count != len(problem.inputs):
        raise ResidualError(
            f"the geometry of {problem.name} has {count} coordinates, its inputs are {', '.join(problem.inputs)}; "
            f"expected one name for each, as in inputs = ('x', 't'){place_of(problem.stated('geometry'))}"
        )


class _Watched(Coefficients):
    """Coefficients that remember which of them were asked for."""

    read: set[str]

    def __init__(self, c: Coefficients) -> None:
        super().__init__(**c)
        self.__dict__["read"] = set()

    def __getitem__(self, name: str) -> float:
        self.__dict__["read"].add(name)
        return super().__getitem__(name)

    def __getattr__(self, name: str) -> float:
        value = super().__getattr__(name)
        self.__dict__["read"].add(name)
        return value
