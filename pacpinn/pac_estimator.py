"""What scikit-learn's estimators of PAC share: source, target, network, samples."""

from __future__ import annotations

import copy
import math
import warnings
from abc import abstractmethod
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor, nn

from pacpinn.errors import DataError
from pacpinn.isolation import untouched
from pacpinn.pac import PAC
from pacpinn.samples import Rows, Samples, set_aside
from pacpinn.scale import Scale
from pacpinn.solvers import Adam, Result, SolverChoice, Status, needs_validation
from pacpinn.supervised import SupervisedTask

Network = nn.Module | Callable[[int, int, int], nn.Module] | None
RandomState = int | np.random.RandomState | None

_ROWS_AT_ONCE = 4096  # of a prediction
_READ = {"dtype": [np.float64, np.float32], "allow_nd": True}


class PACEstimator(BaseEstimator):  # type: ignore[misc]
    """What :class:`PACRegressor` and :class:`PACClassifier` share.

    ``fit`` trains on the source, prunes and allocates; ``transfer`` calibrates the weights that this set free to a
    target, as often as one likes: ``predict`` and ``score`` answer for the latest. :attr:`source_` answers for the
    source, to the last bit as before. Computed in the precision of the source's X.

    Args:
        network: None for layers of rectified units as `hidden` says; a function of the numbers of inputs and outputs
            and a seed that makes a torch module; or a module, which is copied and trained from its present weights
            (with ``scale=False``, if it was trained on data as they are). A classifier's gives a logit for each class.
        hidden: widths of the hidden layers.
        keep: fraction of weights that keeps the source, in (0, 1).
        prior: strength of the penalties of allocation and calibration against the sum of the samples' losses.
        scale: whether the network sees inputs and values less the source's mean, over the source's spread: of each
            column, of images each channel.
        solver: name, configured solver or sequence of them; by default Adam by `steps`, `learning_rate`, `patience`.
        steps: of each of training, allocation and calibration.
        learning_rate: its first value.
        batch_size: rows of a mini-batch at most.
        patience: stop after so many passes without a lower validation loss; None takes all steps.
        validation_fraction: what is set aside of source and target for that.
        source: None, or a pair (X, y) to learn as the source before ``fit(X, y)`` transfers to its own X and y: a way
            for :class:`~sklearn.model_selection.GridSearchCV` to judge `keep` on the target.
        random_state: of initial weights, mini-batches and what is set aside.
        device: where to compute.

    Attributes:
        pac_: the :class:`~pacpinn.PAC` with all it can do.
        network_: the module that answers.
    """

    _read_y: ClassVar[dict[str, bool]] = {}  # how scikit-learn is to check y

    def __init__(
        self,
        network: Network = None,
        hidden: Sequence[int] = (100,),
        keep: float = 0.7,
        prior: float = 1.0,
        scale: bool = True,
        solver: SolverChoice = None,
        steps: int = 2000,
        learning_rate: float = 3e-3,
        batch_size: int = 256,
        patience: int | None = None,
        validation_fraction: float = 0.1,
        source: tuple[Any, Any] | None = None,
        random_state: RandomState = None,
        device: str = "cpu",
    ) -> None:
        self.network = network
        self.hidden = hidden
        self.keep = keep
        self.prior = prior
        self.scale = scale
        self.solver = solver
        self.steps = steps
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.source = source
        self.random_state = random_state
        self.device = device

    def fit(self, X: Any, y: Any) -> Self:
        """Learn X ``(rows, features)`` or ``(rows, channels, height, width)`` and y as the source, prune and allocate.

        If there is a `source`, that is learnt so, and then transferred to X and y.
        """
        if self.source is None:
            return self._fit_source(X, y)
        if len(self.source) != 2:
            raise DataError(f"source has {len(self.source)} parts; expected a pair (X, y), or None")
        return self._fit_source(*self.source).transfer(X, y)

    def transfer(self, X: Any, y: Any) -> Self:
        """Calibrate to a target, of the source's features and classes or outputs; answers are for it from here on.

        Raises:
            DataError: if the target has other features, or classes or outputs for which the network has no head.
        """
        check_is_fitted(self)
        shape = np.shape(X)
        if len(shape) > 1 and shape[1] != self.n_features_in_:
            raise DataError(
                f"the target has {shape[1]} features and the source {self.n_features_in_}; expected the same ones, in "
                "the same order"
            )
        x, y = validate_data(self, X, y, reset=False, **_READ, **self._read_y)
        task = self._task(self._inputs.scaled(x), self._known_answers(y))
        warn_if_diverged(self.pac_.calibrate(task, name="target", solver=self._solver), "transfer to the target")
        self.network_ = self.pac_.network("target")
        return self

    @property
    def source_(self) -> Self:
        """A fitted copy that answers for the source."""
        check_is_fitted(self)
        other = copy.copy(self)
        other.network_ = self.pac_.network("source")
        return other

    def _fit_source(self, X: Any, y: Any) -> Self:
        x, y = validate_data(self, X, y, **_READ, **self._read_y)
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        answers, outputs = self._new_answers(y)
        self._inputs = Scale.of(x) if self.scale else Scale()
        task = self._task(self._inputs.scaled(x), answers)
        dtype = torch.float32 if x.dtype == np.float32 else torch.float64
        pac = PAC(self._initial_network(math.prod(x.shape[1:]), outputs), dtype, self.device, self._seed)
        warn_if_diverged(pac.fit(task, self._solver), "training on the source")
        pac.prune(self.keep)
        warn_if_diverged(pac.allocate(task, self._solver), "allocation of the source")
        self.pac_, self.network_ = pac, pac.network("source")
        return self

    def _outputs(self, X: Any) -> Tensor:
        """The network's outputs at X, ``(rows, outputs)``."""
        check_is_fitted(self)
        x = self._inputs.scaled(validate_data(self, X, reset=False, **_READ))
        rows = torch.tensor(x, dtype=self.pac_.dtype, device=self.pac_.device)
        with torch.no_grad():
            return torch.cat([self.network_(some) for some in rows.split(_ROWS_AT_ONCE)]).cpu()

    def _samples(self, x: np.ndarray, answers: np.ndarray) -> Samples:
        if not needs_validation(self._solver):
            return Samples(x, answers)
        rest, aside = set_aside(Rows(x, answers), self.validation_fraction, self._seed)
        return Samples(*rest, x_valid=aside.x, y_valid=aside.y)

    def _initial_network(self, inputs: int, outputs: int) -> nn.Module:
        if isinstance(self.network, nn.Module):
            return self.network
        with untouched(self._seed):
            if self.network is None:
                return rectified_units([inputs, *self.hidden, outputs])
            return self.network(inputs, outputs, self._seed)

    @property
    def _solver(self) -> SolverChoice:
        return Adam(self.steps, self.learning_rate, self.patience) if self.solver is None else self.solver

    @abstractmethod
    def _new_answers(self, y: np.ndarray) -> tuple[np.ndarray, int]:
        """The source's y as a task takes it, and how many outputs it needs; remembers what it was made of."""

    @abstractmethod
    def _known_answers(self, y: np.ndarray) -> np.ndarray:
        """A target's y likewise, made of what the source has."""

    @abstractmethod
    def _task(self, x: np.ndarray, answers: np.ndarray) -> SupervisedTask:
        """What is to be learnt."""


def rectified_units(widths: Sequence[int]) -> nn.Module:
    """Layers of these widths, from the inputs to the outputs, with rectified units between them."""
    layers = [layer for n, m in pairwise(widths) for layer in (nn.ReLU(), nn.Linear(n, m))]
    return nn.Sequential(nn.Flatten(), *layers[1:])


def warn_if_diverged(result: Result, what: str) -> None:
    """Warn, as scikit-learn's own estimators do, of weights that are the last finite ones and no more."""
    if result.status is Status.DIVERGED:
        advice = "lower learning_rate, or leave scale=True"
        warnings.warn(f"{what} diverged after {result.steps} steps: {advice}", ConvergenceWarning, stacklevel=3)
