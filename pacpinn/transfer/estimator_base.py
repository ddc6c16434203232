"""The common base of PAC's scikit-learn estimators: source, target, network, samples."""

from __future__ import annotations

import copy
import math
import warnings
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor, nn

from pacpinn.errors import DataError, PacpinnError
from pacpinn.networks.heads import new_head
from pacpinn.runtime.isolation import untouched
from pacpinn.solvers.adam import Adam
from pacpinn.solvers.base import Result, Status
from pacpinn.solvers.choice import SolverChoice, needs_validation
from pacpinn.tasks.samples import Rows, Samples, set_aside
from pacpinn.tasks.supervised import SupervisedTask
from pacpinn.tasks.task import named_inputs
from pacpinn.transfer.model_selection import PRIORS, choose_prior
from pacpinn.transfer.outputs import OutputEncoding, Scale
from pacpinn.transfer.pac import PAC

Network = nn.Module | Callable[[int, int, int], nn.Module] | None
Head = str | nn.Module
RandomState = int | np.random.RandomState | None

_ROWS_AT_ONCE = 4096  # in a prediction
_TRIAL_STEPS = 500  # for one prior: a quarter of the default steps ranks priors as all of them do
_READ = {"dtype": [np.float64, np.float32], "allow_nd": True}


@dataclass(eq=False, repr=False)  # writes the __init__ whose signature scikit-learn reads parameters from
class PACEstimator(BaseEstimator):  # type: ignore[misc]
    """The base of :class:`PACRegressor` and :class:`PACClassifier`.

    ``fit`` trains on the source, prunes and allocates. ``transfer`` calibrates the freed weights to a target. It may be
    called for several targets; ``predict`` and ``score`` answer for the latest. :attr:`source_` answers for the source,
    bit for bit as before any transfer. All is computed in the precision of the source's X.

    Args:
        network: None for layers of rectified units as `hidden` says; a function of the numbers of inputs and outputs
            and a seed that makes a torch module; or a module, which is copied and trained from its present weights
            (with ``scale=False``, if it was trained on unscaled data). A classifier's network gives a logit for each
            class.
        hidden: widths of the hidden layers.
        keep: fraction of weights that keeps the source, in (0, 1).
        prior: strength of the penalties of allocation and calibration against the sum of the samples' losses. Of
            several, every transfer takes the one of least loss in cross-validation on the target's own samples
            (:func:`~pacpinn.transfer.model_selection.choose_prior`), with at most 500 of the `steps` for each trial;
            then allocation, which knows no target, has no penalty. One number makes a transfer several times as fast.
        scale: whether inputs and values are standardised for the network, by the source's mean and standard deviation:
            of each column, or each channel of images.
        solver: name, configured solver or sequence of them; by default Adam by `steps`, `learning_rate`, `patience`.
        steps: of each of training, allocation and calibration.
        learning_rate: its first value.
        batch_size: rows of a mini-batch at most.
        patience: stop after so many passes without a lower validation loss; None takes all steps.
        validation_fraction: fraction of source and target that is set aside for validation, if the solver needs it.
        head: the last module for a target: the ``"same"`` as the source's; a ``"new"`` one, for other classes or other
            outputs; or a module to replace the last one with weights to learn. No target changes another's head.
        source: None, or a pair (X, y) to learn as the source before ``fit(X, y)`` transfers to its own X and y. So
            :class:`~sklearn.model_selection.GridSearchCV` can judge `keep` on the target.
        random_state: of initial weights, mini-batches and validation samples.
        device: where to compute.

    Attributes:
        pac_: the :class:`~pacpinn.PAC`.
        network_: the module that answers.
        prior_: the strength that the latest transfer took.
    """

    network: Network = None
    hidden: Sequence[int] = (100,)
    keep: float = 0.7
    prior: float | Sequence[float] = PRIORS
    scale: bool = True
    solver: SolverChoice = None
    steps: int = 2000
    learning_rate: float = 3e-3
    batch_size: int = 256
    patience: int | None = None
    validation_fraction: float = 0.1
    head: Head = "same"
    source: tuple[Any, Any] | None = None
    random_state: RandomState = None
    device: str = "cpu"

    _answers: OutputEncoding = field(init=False)  # of the network that answers now
    _source_answers: OutputEncoding = field(init=False)
    _read_y: ClassVar[dict[str, bool]] = {}  # how scikit-learn is to check y

    def fit(self, X: Any, y: Any) -> Self:
        """Learn X ``(rows, features)`` or ``(rows, channels, height, width)`` and y as the source, prune and allocate.

        With a `source`, that is learnt in their place, and then transferred to X and y.
        """
        if self.source is None:
            return self._fit_source(X, y)
        if len(self.source) != 2:
            raise DataError(f"source has {len(self.source)} parts; expected a pair (X, y), or None")
        return self._fit_source(*self.source).transfer(X, y)

    def transfer(self, X: Any, y: Any, head: Head | None = None) -> Self:
        """Calibrate to a target with the source's features, and answer for it; `head` replaces the estimator's own.

        Raises:
            DataError: if the target has other features, or classes or outputs for which the network has no head.
            NetworkError: if the network's last module is not linear, for a new head, or the given head does not fit.
        """
        check_is_fitted(self)
        head = self.head if head is None else head
        if not isinstance(head, nn.Module) and head not in ("same", "new"):
            raise DataError(f"head={head!r}; expected 'same', 'new', or a module such as nn.Linear(128, 5)")
        x, y = self._target(X, y)
        answers = self._source_answers if head == "same" else self._answers_of(y)
        task, module = self._task(self._inputs.scaled(x), y, answers), self._head(head, answers.count)
        prior = choose_prior(self.pac_, task, self._priors, self._solver(_TRIAL_STEPS), module, seed=self._seed)
        result = self.pac_.calibrate(task, "target", self._solver(), prior / len(task.samples.x_train), head=module)
        _warn_if_diverged(result, "transfer to the target")
        self.network_, self._answers, self.prior_ = self.pac_.network("target"), answers, prior
        return self

    @property
    def source_(self) -> Self:
        """A fitted copy that answers for the source."""
        check_is_fitted(self)
        other = copy.copy(self)
        other.network_, other._answers = self.pac_.network("source"), self._source_answers
        return other

    def _fit_source(self, X: Any, y: Any) -> Self:
        priors = self._priors
        x, y = self._read(X, y, **self._read_y)
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self._answers = self._source_answers = self._answers_of(y)
        self._inputs = Scale.of(x) if self.scale else Scale()
        task = self._task(self._inputs.scaled(x), y, self._answers)
        dtype = torch.float32 if x.dtype == np.float32 else torch.float64
        pac = PAC(self._initial_network(math.prod(x.shape[1:]), self._answers.count), dtype, self.device, self._seed)
        _warn_if_diverged(pac.fit(task, self._solver()), "training on the source")
        pac.prune(self.keep)
        strength = priors[0] / len(task.samples.x_train) if len(priors) == 1 else 0.0
        _warn_if_diverged(pac.allocate(task, self._solver(), strength), "allocation of the source")
        self.pac_, self.network_ = pac, pac.network("source")
        return self

    def _target(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        try:
            shape = np.shape(X)
        except ValueError:  # rows of different lengths: scikit-learn's check names them
            shape = ()
        if len(shape) > 1 and shape[1] != self.n_features_in_:
            raise DataError(
                f"the target has {shape[1]} features and the source {self.n_features_in_}; expected the same ones, in "
                "the same order"
            )
        x, y = self._read(X, y, reset=False, **self._read_y)
        return x, y

    def _read(self, *data: Any, **settings: Any) -> Any:
        try:
            return validate_data(self, *data, **_READ, **settings)
        except ValueError as problem:
            raise DataError(
                f"{problem}; expected X of finite numbers (rows, features) or (rows, channels, height, width), for a "
                "target or a prediction with the source's features, and a y for each row: mend what is named"
            ) from problem

    def _head(self, head: Head, outputs: int) -> nn.Module | None:
        """The target's own head; None for the source's."""
        if isinstance(head, nn.Module):
            return head
        with untouched(self._seed):
            network = self.pac_.base.network
            return None if head == "same" else new_head(network, self._source_answers.count, outputs)

    def _outputs(self, X: Any) -> Tensor:
        check_is_fitted(self)
        x = self._inputs.scaled(self._read(X, reset=False))
        rows = torch.tensor(x, dtype=self.pac_.dtype, device=self.pac_.device)
        with torch.no_grad():
            outputs = torch.cat([named_inputs(self.network_)(part) for part in rows.split(_ROWS_AT_ONCE)]).cpu()
        expected = (len(rows), self._answers.count)
        if outputs.shape != expected:
            raise DataError(
                f"the network's outputs have shape {tuple(outputs.shape)}; expected {expected}: one for each "
                "class or output; make a network or head that has as many"
            )
        return outputs

    def _samples(self, x: np.ndarray, answers: np.ndarray) -> Samples:
        if not needs_validation(self._solver()):
            return Samples(x, answers)
        rest, aside = set_aside(Rows(x, answers), self.validation_fraction, self._seed)
        return Samples(*rest, x_valid=aside.x, y_valid=aside.y)

    def _initial_network(self, inputs: int, outputs: int) -> nn.Module:
        if isinstance(self.network, nn.Module):
            return self.network
        with untouched(self._seed):
            if self.network is None:
                return _rectified_units([inputs, *self.hidden, outputs])
            return self.network(inputs, outputs, self._seed)

    def _solver(self, most: int | None = None) -> SolverChoice:
        """The solver; the default one takes `most` steps at most."""
        steps = self.steps if most is None else min(self.steps, most)
        return Adam(steps, self.learning_rate, self.patience) if self.solver is None else self.solver

    @property
    def _priors(self) -> tuple[float, ...]:
        try:
            priors = tuple(float(prior) for prior in np.ravel(self.prior))
        except (TypeError, ValueError):
            priors = ()
        if not priors or not all(0 <= prior < math.inf for prior in priors):
            raise PacpinnError(f"prior={self.prior!r}; expected a finite number, 0 or more, or several to choose from")
        return priors

    @abstractmethod
    def _answers_of(self, y: np.ndarray) -> OutputEncoding: ...

    @abstractmethod
    def _task(self, x: np.ndarray, y: np.ndarray, answers: Any) -> SupervisedTask: ...


def _rectified_units(widths: Sequence[int]) -> nn.Module:
    layers = [layer for n, m in pairwise(widths) for layer in (nn.ReLU(), nn.Linear(n, m))]
    return nn.Sequential(nn.Flatten(), *layers[1:])


def _warn_if_diverged(result: Result, what: str) -> None:
    """Warn, as scikit-learn's own estimators do, that the weights are only the last finite ones."""
    if result.status is Status.DIVERGED:
        advice = "lower learning_rate, or leave scale=True"
        warnings.warn(f"{what} diverged after {result.steps} steps: {advice}", ConvergenceWarning, stacklevel=3)
