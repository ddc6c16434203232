"""Equations set up by DeepXDE's own data objects, taken as they are."""

from __future__ import annotations

import copy
import inspect
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from pacpinn.equations.deepxde_task import INTEGRAL, DeepXDEIntegralTask, DeepXDETask
from pacpinn.equations.equation import Equation
from pacpinn.errors import PacpinnError
from pacpinn.runtime.deepxde_backend import dde, deepxde_defaults, one_at_a_time, without_points
from pacpinn.runtime.isolation import untouched
from pacpinn.tasks.coefficient import Coefficient, Coefficients

_REMEMBERED = 64  # data objects
_CACHING = (dde.icbc.BC, dde.icbc.IC)  # conditions that cache values by the identity of the points first given


def from_deepxde(
    make_data: Callable[[Coefficients], Any],
    network: nn.Module | Callable[[], nn.Module] | Any,
    coefficients: Mapping[str, Coefficient],
    *,
    name: str = "",
    **attributes: Any,
) -> GivenEquation:
    """A family from existing DeepXDE code: its points, equation and conditions are used unchanged.

    Args:
        make_data: gives for coefficients `c` (``c.nu``) a data object, newly made with its conditions:
            ``dde.data.PDE``, ``TimePDE``, ``IDE``, ``FPDE`` or ``TimeFPDE``, with any geometry, conditions, anchors and
            auxiliary variables.
        network: a torch module with its transforms, such as ``dde.nn.FNN``; a function without arguments that makes
            one, which then differs with the seed; or a ``dde.Model``, whose network is used as it was trained.
        coefficients: the varying coefficients, by name.
        name: of the family; by default that of `make_data`.
        attributes: class attributes and methods of :class:`Equation` to set: ``targets``, ``tolerance``, ``weights``,
            ``inputs``, ``outputs``, ``transform`` (a function of x, y and c), ``reference`` (of x and c) and others.

    Raises:
        PacpinnError: if `make_data` gives no such object or the same conditions twice, or the network does not take its
            points.

    Example:
        >>> def make_data(c):
        ...     time = dde.geometry.TimeDomain(0, 1)
        ...     start = dde.icbc.IC(time, lambda t: 1, lambda t, on_initial: on_initial)
        ...     return dde.data.PDE(time, lambda t, u: dde.grad.jacobian(u, t) + c.rate * u, start, 64, 2)
        >>> decay = pp.from_deepxde(
        ...     make_data, dde.nn.FNN([1, 16, 16, 1], "tanh", "Glorot normal"), {"rate": pp.Coefficient(1.0, 0.1, 10.0)}
        ... )
        >>> family = pp.solve_family(decay, targets=pp.grid(rate=[1.5, 2.0]))
    """
    plain = {key: staticmethod(each) if inspect.isfunction(each) else each for key, each in attributes.items()}
    own = {"data": staticmethod(make_data), "network": _network_method(network)}
    own["name"] = name or getattr(make_data, "__name__", "equation")
    kind: Any = type("Given", (GivenEquation,), {**coefficients, **plain, **own, "__module__": make_data.__module__})
    problem: GivenEquation = kind()
    kind._keeps_units = isinstance(network, dde.Model) or _transforms(problem.initial_network(0))
    with untouched(0), deepxde_defaults(torch.float64, torch.device("cpu")):
        data = problem.made(problem.source)
    if "inputs" not in attributes:
        kind.inputs = _input_names(data.geom)
    if "outputs" not in attributes:
        count = _count_outputs(problem, data.train_x)
        kind.outputs = ("u",) if count == 1 else tuple(f"u{i + 1}" for i in range(count))
    return problem


class GivenEquation(Equation):
    """An equation whose points, residuals and conditions come from a DeepXDE data object for each coefficient.

    :func:`from_deepxde` makes it. Or derive a class from it: define :meth:`data`, and attributes of :class:`Equation`.
    """

    _keeps_units: ClassVar[bool] = False

    def __init__(self) -> None:
        self._data: dict[Coefficients, Any] = {}  # by coefficients, for formulas
        self._latest: Any = None
        self._known: list[Any] = []

    def __getstate__(self) -> dict[str, Any]:
        """Without data objects, which are made again: workers and copies need none."""
        return vars(self) | {"_data": {}, "_latest": None, "_known": []}

    @abstractmethod
    def data(self, c: Coefficients) -> Any:
        """A ``dde.data.PDE``, ``TimePDE``, ``IDE``, ``FPDE`` or ``TimeFPDE``, newly made at each call."""

    def made(self, c: Coefficients) -> Any:
        """:meth:`data`, checked: such an object, with new conditions that use all of their points."""
        with one_at_a_time():
            data = self.data(c)
        if not isinstance(data, dde.data.PDE):
            raise PacpinnError(
                f"the data of {self.name} at {c} is a {type(data).__name__}; expected a dde.data.PDE, TimePDE, IDE or "
                "FPDE"
            )
        self._require_usable(data.bcs)
        return data

    def made_without_points(self, c: Coefficients) -> Any:
        """:meth:`made`, without its points, which take most of the time: for its formulas, or to draw others."""
        with suppress(Exception), without_points():
            return self.made(c)
        return self.made(c)  # a function that reads the points itself needs them

    def _latest_data(self, c: Coefficients) -> Any:
        """The latest data object, made again for other coefficients: for its formulas, not for its points."""
        known = self._data.get(c) if type(c) is Coefficients else None  # others note what is read, or have columns
        if known is None:
            with untouched(0), deepxde_defaults(torch.float64, torch.device("cpu")):
                known = self.made_without_points(c)
            if len(self._data) >= _REMEMBERED:
                self._data.clear()
            self._data[c] = known
        self._latest = known
        return known

    def geometry(self, c: Coefficients) -> Any:
        return self._latest_data(c).geom

    def residual(self, x: Tensor, y: Tensor, c: Coefficients) -> Any:
        data = self._latest_data(c)
        if data.pde is None:
            return []
        if data.auxiliary_var_fn is None:
            return data.pde(x, y)
        return data.pde(x, y, x.new_tensor(data.auxiliary_var_fn(x.numpy(force=True))))

    def conditions(self, geometry: Any, c: Coefficients) -> Sequence[Any]:
        return self.new_conditions(c)

    def new_conditions(self, c: Coefficients) -> Sequence[Any]:
        return self.made_without_points(c).bcs

    def reference(self, x: np.ndarray, c: Coefficients) -> np.ndarray | None:
        """The data object's own ``solution``, if it has one."""
        solution = self._latest_data(c).soln
        return None if solution is None else np.asarray(solution(x))

    def stated(self, part: str) -> Any:
        data = self._latest or self._latest_data(self.source)
        own = {"residual": data.pde, "conditions": self.data}
        return own.get(part) or super().stated(part)

    @property
    def draws_points(self) -> bool:
        """False: the data object draws them."""
        return False

    @property
    def keeps_units(self) -> bool:
        """True for the network of a ``dde.Model``, which may be trained, and for one with transforms of its own."""
        return self._keeps_units

    @property
    def pointwise(self) -> bool:
        return not isinstance(self._latest_data(self.source), INTEGRAL)

    def build(self, c: Coefficients) -> DeepXDETask:
        kind = DeepXDEIntegralTask if isinstance(self._latest_data(c), INTEGRAL) else DeepXDETask
        return kind(self, c)

    def _require_usable(self, conditions: Sequence[Any]) -> None:
        known = {id(each) for each in self._known}
        for each in conditions:
            if getattr(each, "batch_size", None) is not None:
                raise PacpinnError(
                    f"the data of {self.name} has a {type(each).__name__} with batch_size={each.batch_size}, so that "
                    "a solve would not see all of its points; expected all of them: leave batch_size out"
                )
            if id(each) in known:
                raise PacpinnError(
                    f"the data of {self.name} has the same {type(each).__name__} as in an earlier call, which "
                    "remembers values at its points; expected new conditions: make them where the data is made"
                )
        self._known = [each for each in conditions if isinstance(each, _CACHING)]


def _network_method(network: Any) -> Callable[[Any, int], nn.Module]:
    module = network.net if isinstance(network, dde.Model) else network
    if isinstance(module, nn.Module):
        return lambda _, seed: copy.deepcopy(module).cpu()
    return lambda _, seed: network()


def _transforms(network: nn.Module) -> bool:
    """Whether DeepXDE's network transforms its inputs or outputs itself, in the problem's units."""
    return any(getattr(network, f"_{part}_transform", None) is not None for part in ("input", "output"))


def _input_names(geometry: Any) -> tuple[str, ...]:
    time = isinstance(geometry, dde.geometry.GeometryXTime | dde.geometry.TimeDomain)
    space = geometry.dim - time
    names = ("x", "y", "z") if space <= 3 else tuple(f"x{i + 1}" for i in range(space))
    return (*names[:space], *(["t"] if time else []))


def _count_outputs(problem: GivenEquation, points: np.ndarray) -> int:
    """Number of outputs of the network after the transform, tried out at the first point."""
    x = torch.as_tensor(points[:1], dtype=torch.float64)
    network = problem.initial_network(0).to(torch.float64)
    features = problem.features(x, problem.source) if problem.has_features else x
    try:
        with torch.no_grad():
            return problem.transform(x, network(features), problem.source).shape[1]
    except Exception as fault:
        raise PacpinnError(
            f"the network of {problem.name} does not take its points, which have {x.shape[1]} coordinates: {fault}"
        ) from fault
