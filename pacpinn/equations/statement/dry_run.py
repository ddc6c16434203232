"""One look at an equation before any training, so that mistakes in its statement are reported at once."""

from __future__ import annotations

from pacpinn.equations.equation import Equation
from pacpinn.equations.statement.contradictions import warn_of_contradictions
from pacpinn.equations.statement.jumps import warn_of_jumps
from pacpinn.equations.statement.open_sides import warn_of_open_sides
from pacpinn.equations.statement.prescribed import require_own_geometry
from pacpinn.equations.statement.user_functions import require_usable_functions
from pacpinn.errors import CoefficientError, ResidualError
from pacpinn.runtime.deepxde_backend import deepxde_defaults
from pacpinn.runtime.isolation import untouched
from pacpinn.runtime.user_code import naming_user_code, place_of
from pacpinn.tasks.coefficient import Coefficients

_POINTS = 64


def dry_run(problem: Equation, c: Coefficients) -> None:
    """Read the problem's functions and conditions, and evaluate all residuals at `c` on a few points.

    What is valid but seldom meant is a warning in the log: a side without a condition, a coefficient that jumps.

    Raises:
        ResidualError: if a formula fails or gives the wrong shape, a condition has no points or another geometry, a
            function has an argument or a variable that it cannot have, or geometry, inputs and network do not match.
        CoefficientError: if a coefficient is not used.
    """
    recording = _RecordingCoefficients(c)
    with untouched(0):
        task = problem.build(recording)
        conditions = task.conditions()
        require_usable_functions(problem, conditions)
        require_own_geometry(problem, problem.geometry(recording), conditions)
        batch = task.few(_POINTS) or task.everything()
        if batch.x.shape[1] != len(problem.inputs):
            raise ResidualError(
                f"the geometry of {problem.name} has {batch.x.shape[1]} coordinates, its inputs are "
                f"{', '.join(problem.inputs)}; expected one name for each, as in inputs = ('x', 't')"
                + place_of(problem.stated("geometry"))
            )
        network = problem.initial_network(0).to(task.dtype)
        with (
            deepxde_defaults(task.dtype, task.device),
            naming_user_code(network.forward, f"the network of {problem.name}"),
        ):
            network(problem.features(batch.x, recording))
        task.residuals(network, batch)
        problem.place(batch.points, recording)
        problem.stated_scale(recording)
    unused = [name for name in c if name not in recording.read]
    if unused:
        raise CoefficientError(
            f"{problem.name} uses the coefficient {unused[0]!r} nowhere: neither geometry, residual nor conditions "
            f"read c.{unused[0]}; use it, or leave it out{place_of(type(problem))}"
        )
    if problem.pointwise:
        with untouched(0):
            warn_of_contradictions(problem, c)
            warn_of_open_sides(task, network)
            warn_of_jumps(task)


class _RecordingCoefficients(Coefficients):
    read: set[str]  # names of the coefficients that have been read

    def __init__(self, c: Coefficients) -> None:
        super().__init__(**c)
        self.__dict__["read"] = set()

    def __getitem__(self, name: str) -> float:
        self.__dict__["read"].add(name)
        return super().__getitem__(name)

    def each(self) -> tuple[Coefficients, ...]:
        """The coefficients themselves: what reads those of each task, as sizes do, is no formula."""
        return (Coefficients(**self._values),)
