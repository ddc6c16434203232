"""Regression and classification: samples, mini-batches, losses, residuals, scores, folds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import pacpinn as pp
from pacpinn.errors import DataError
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from tests.toys import batchnorm_network, same_bits, small_network


def regression(rows: int = 30, outputs: int = 2, **arguments) -> pp.RegressionTask:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(rows + 7, 3)), rng.normal(size=(rows + 7, outputs))
    return pp.RegressionTask(pp.Samples(x[7:], y[7:], x[:7], y[:7]), **arguments)


def classification(rows: int = 30, **arguments) -> pp.ClassificationTask:
    """Three classes by the largest of three inputs."""
    x = np.random.default_rng(0).normal(size=(rows + 7, 3))
    y = x.argmax(axis=1)
    return pp.ClassificationTask(pp.Samples(x[7:], y[7:], x[:7], y[:7]), **arguments)


class ConvolutionNetwork(nn.Sequential):
    """Three logits from images of 4 x 4, with batch normalisation."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)
        )


def images() -> pp.ClassificationTask:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 1, 4, 4)), rng.integers(3, size=12)
    return pp.ClassificationTask(pp.Samples(x[2:], y[2:], x[:2], y[:2]))


KINDS = {
    "one output": (regression(outputs=1), small_network(inputs=3, outputs=1)),
    "two outputs": (regression(outputs=2), small_network(inputs=3, outputs=2)),
    "labels": (classification(), small_network(inputs=3, outputs=3)),
    "weighted labels": (classification(class_weights=[1, 2, 5]), small_network(inputs=3, outputs=3)),
    "images": (images(), ConvolutionNetwork()),
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def objective_of(kind: str) -> Objective:
    task, network = KINDS[kind]
    return Objective(task.to(torch.float64), MaskedNetwork(network.to(torch.float64)))


# Loss and residuals ---------------------------------------------------------------------------------------------------


def test_the_loss_of_a_regression_is_the_mean_square_error():
    task = regression()
    network = small_network(inputs=3, outputs=2, dtype=torch.float32)
    x, y = task.everything()
    torch.testing.assert_close(task.loss(network, task.everything()), functional.mse_loss(network(x), y))


def test_the_loss_of_a_classification_is_the_mean_cross_entropy():
    task = classification()
    network = small_network(inputs=3, outputs=3, dtype=torch.float32)
    x, y = task.everything()
    torch.testing.assert_close(task.loss(network, task.everything()), functional.cross_entropy(network(x), y))


@pytest.mark.parametrize("weights", [[1.0, 4.0, 0.5], {2: 0.5, 0: 1.0, 1: 4.0}])
def test_class_weights_weigh_as_torchs_own(weights):
    task = classification(class_weights=weights, batch_size=8)
    network = small_network(inputs=3, outputs=3, dtype=torch.float32)
    for batch in [task.everything(), *task.batches(seed=0)]:
        expected = functional.cross_entropy(network(batch.x), batch.y, weight=torch.tensor([1.0, 4.0, 0.5]))
        torch.testing.assert_close(task.loss(network, batch), expected)
        squares = torch.stack([block.scaled.square().sum() for block in task.residuals(network, batch)])
        torch.testing.assert_close(squares.sum(), expected)


def test_balanced_classes_have_equal_parts_in_the_loss():
    x, y = np.zeros((10, 1)), np.repeat([0, 1], [8, 2])
    task = pp.ClassificationTask(pp.Samples(x, y), class_weights="balanced")
    logits = torch.tensor([[1.0, -1.0]]).expand(10, 2)
    each = functional.cross_entropy(logits[:2], torch.tensor([0, 1]), reduction="none")
    torch.testing.assert_close(task.loss(lambda x: logits, task.everything()), each.mean())


def test_equal_weights_change_nothing():
    network = small_network(inputs=3, outputs=3, dtype=torch.float32)
    plain, weighted = (classification(class_weights=weights) for weights in (None, [7, 7, 7]))
    everything = plain.everything()
    torch.testing.assert_close(weighted.loss(network, everything), plain.loss(network, everything))


@pytest.mark.parametrize("weights", [[1, 2], {0: 1, 1: 2}, {0: 1, 1: 2, "c": 3}, [1, 2, 0], [1, 2, -1], [1, 2, np.inf]])
def test_weights_that_do_not_fit_the_classes_are_refused(weights):
    with pytest.raises(DataError, match="class_weights do not fit the classes 0 to 2; expected one finite weight"):
        classification(class_weights=weights)


def test_an_unknown_name_of_class_weights_is_refused():
    with pytest.raises(DataError, match="class_weights='even'; expected 'balanced'"):
        classification(class_weights="even")


def test_validation_is_the_loss_on_the_validation_samples():
    samples = classification().samples
    x, y = samples.x_test, samples.y_test
    network = small_network(inputs=3, outputs=3, dtype=torch.float32)
    with_validation = pp.ClassificationTask(pp.Samples(samples.x_train, samples.y_train, x_valid=x, y_valid=y))
    expected = functional.cross_entropy(network(torch.tensor(x, dtype=torch.float32)), torch.tensor(y))
    torch.testing.assert_close(with_validation.validation(network), expected)
    assert with_validation.to(torch.float64).validation(network.double()).dtype == torch.float64
    assert classification().validation(network) is None


@each_kind
def test_the_sum_of_squared_residuals_is_the_loss(kind):
    objective = objective_of(kind)
    z = objective.masked.start
    squares = objective.linearise(z[None]).residuals.square().sum()
    loss = objective.task.loss(objective.masked.forward(z), objective.task.everything())
    torch.testing.assert_close(squares, loss.detach())


@each_kind
def test_both_ways_to_the_jacobian_agree(kind):
    objective = objective_of(kind)
    z = objective.masked.start[None]
    torch.testing.assert_close(objective.linearise(z).jacobian, objective.general_jacobian(z), rtol=1e-10, atol=1e-10)


@each_kind
def test_the_gradient_of_the_loss_is_twice_the_transposed_jacobian_times_the_residuals(kind):
    objective = objective_of(kind)
    z = objective.masked.start.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(objective.penalised(z, objective.task.everything()), z)
    here = objective.linearise(z.detach()[None])
    torch.testing.assert_close(gradient, 2 * here.jacobian[0].T @ here.residuals[0], rtol=1e-8, atol=1e-10)


def test_an_answer_without_doubt_leaves_residual_and_slope_finite():
    task = classification()
    certain = 1e4 * functional.one_hot(task.everything().y).to(torch.float32)
    logits = certain.clone().requires_grad_()
    (block,) = task.residuals(lambda x: logits, task.everything())
    (slope,) = torch.autograd.grad(block.values.sum(), logits)
    assert block.values.max() < 1e-15
    assert torch.isfinite(slope).all()


@pytest.mark.parametrize("solver", [pp.LevenbergMarquardt(max_steps=60), pp.Adam(100, learning_rate=0.1), pp.LBFGS(60)])
def test_every_solver_learns_a_classification(solver):
    task = classification(rows=200)
    masked = MaskedNetwork(small_network(inputs=3, outputs=3, dtype=torch.float32))
    result = solver(Objective(task, masked, penalty=1e-4), masked.start)
    forward = masked.forward(result.z)
    assert task.loss(forward, task.everything()) < 0.15
    assert task.score(forward).value <= 1 / 7


def test_levenberg_marquardt_solves_linear_regression_exactly():
    task = regression(outputs=1).to(torch.float64)
    masked = MaskedNetwork(nn.Linear(3, 1, dtype=torch.float64))
    z = pp.LevenbergMarquardt()(Objective(task, masked), masked.start).z
    x, y = task.samples.x_train, task.samples.y_train
    expected = np.linalg.lstsq(np.hstack([x, np.ones((len(x), 1))]), y, rcond=None)[0][:, 0]
    np.testing.assert_allclose(z, expected, rtol=1e-5, atol=1e-7)


# Scores and predictions -----------------------------------------------------------------------------------------------


def test_a_regression_is_scored_by_the_root_mean_square_error_on_test_samples():
    task = regression()
    score = task.score(lambda x: torch.zeros(len(x), 2))
    assert score.name == "RMSE"
    assert score.value == pytest.approx(np.sqrt((task.samples.y_test**2).mean()))


def test_a_classification_is_scored_by_the_share_of_wrong_test_samples():
    task = classification()
    score = task.score(lambda x: functional.one_hot(torch.zeros(len(x), dtype=torch.long), 3).to(x))
    assert score == pp.Score("error rate", float((task.samples.y_test != 0).mean()))
    assert task.score(lambda x: x).value == 0


def test_predictions_of_a_classification_are_probabilities():
    x = np.random.default_rng(1).normal(size=(5, 3))
    probabilities = classification().predict(lambda x: x, x)
    np.testing.assert_allclose(probabilities, np.exp(x) / np.exp(x).sum(axis=1, keepdims=True), rtol=1e-5)


# Mini-batches ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "batch_size", "sizes"), [(30, 256, [30]), (30, 10, [10] * 3), (257, 256, [128, 129])])
def test_one_pass_takes_each_sample_once_in_batches_of_nearly_equal_size(rows, batch_size, sizes):
    task = regression(rows, batch_size=batch_size)
    batches = list(task.batches(seed=0))
    assert sorted(len(batch.x) for batch in batches) == sizes
    seen = torch.cat([torch.cat(batch, dim=1) for batch in batches])
    everything = torch.cat(task.everything(), dim=1)
    assert same_bits(seen[seen[:, 0].argsort()], everything[everything[:, 0].argsort()])


def test_batches_are_fixed_by_their_seed():
    task = regression(batch_size=10)
    first, again, other = (torch.cat([batch.x for batch in task.batches(seed)]) for seed in (3, 3, 4))
    assert same_bits(first, again)
    assert not same_bits(first, other)


def test_batches_and_folds_leave_the_global_random_state_alone():
    numpy_state, torch_state = np.random.get_state()[1].copy(), torch.get_rng_state()
    list(regression().batches(seed=0))
    regression().folds()
    assert (np.random.get_state()[1] == numpy_state).all()
    assert same_bits(torch.get_rng_state(), torch_state)


def test_no_batch_of_one_row_meets_batch_normalisation():
    x = np.linspace(0, 1, 33)[:, None]
    task = pp.RegressionTask(pp.Samples(x, x, x, x), batch_size=16)
    masked = MaskedNetwork(batchnorm_network())
    assert pp.Adam(steps=6)(Objective(task, masked), masked.start).status == pp.Status.CONVERGED


def test_moving_a_task_moves_its_samples():
    task = classification()
    before = task.everything()
    moved = task.to(torch.float64).everything()
    assert (before.x.dtype, moved.x.dtype, moved.y.dtype) == (torch.float32, torch.float64, torch.int64)
    assert task.everything().x is before.x


# Folds ----------------------------------------------------------------------------------------------------------------


def test_folds_hold_out_each_training_sample_once_and_no_test_sample():
    task = regression(rows=23)
    folds = task.folds(count=4, seed=1)
    rows = {row.tobytes() for row in task.samples.x_train}
    held_out = [row.tobytes() for fold in folds for row in fold.samples.x_test]
    assert len(held_out) == 23
    assert set(held_out) == rows
    for fold in folds:
        trained, judged = ({row.tobytes() for row in x} for x in (fold.samples.x_train, fold.samples.x_test))
        assert not trained & judged
        assert trained | judged == rows


def test_a_fold_keeps_its_samples_together_and_its_settings():
    x = np.arange(20.0)[:, None]
    task = pp.RegressionTask(pp.Samples(x, 2 * x, x, x), batch_size=5, penalty=0.5).to(torch.float64)
    task.everything()
    for fold in task.folds():
        assert (fold.batch_size, fold.penalty, fold.dtype) == (5, 0.5, torch.float64)
        assert len(fold.everything().x) == 16
        assert fold.score(lambda x: 2 * x).value == 0
    assert len(task.everything().x) == 20


@pytest.mark.parametrize("count", [0, 1, 31])
def test_an_impossible_number_of_folds_is_refused(count):
    with pytest.raises(DataError, match=f"{count} folds of 30 training samples; expected 2 to 30"):
        regression(rows=30).folds(count)


# Bad data -------------------------------------------------------------------------------------------------------------


X, Y, LABELS = np.zeros((4, 2)), np.zeros((4, 1)), np.zeros(4, dtype=int)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X, Y[:3], X, Y), "x_train has 4 rows and y_train has 3"),
        ((X, Y, X[:2], Y), "x_test has 2 rows and y_test has 4"),
        ((X, Y, X[:, :1], Y), r"x_train has shape \(4, 2\) and x_test \(4, 1\)"),
        ((X, Y, X, LABELS), r"y_train has shape \(4, 1\) and y_test \(4,\)"),
        ((X[:0], Y[:0], X, Y), r"x_train has shape \(0, 2\); expected at least one row"),
        ((X, Y, 3.0, Y), r"x_test has shape \(\); expected at least one row"),
        ((X, np.full((4, 1), np.nan), X, Y), "y_train holds NaN or infinity"),
        ((X, Y, X, np.full((4, 1), -np.inf)), "y_test holds NaN or infinity"),
        ((X, [["cat"]] * 4, X, Y), "y_train is of type <U3; expected numbers"),
    ],
)
def test_bad_samples_are_refused(arguments, message):
    with pytest.raises(DataError, match=message):
        pp.Samples(*arguments)


def test_samples_may_be_lists():
    assert pp.Samples([[1.0], [2.0]], [0, 1], [[3.0]], [1]).x_train.shape == (2, 1)


def test_values_of_a_regression_need_two_axes():
    with pytest.raises(DataError, match=r"y_train has shape \(4,\); a regression expects \(rows, outputs\)"):
        pp.RegressionTask(pp.Samples(X, Y[:, 0], X, Y[:, 0]))


@pytest.mark.parametrize("labels", [Y, LABELS.astype(float), LABELS - 1])
def test_labels_of_a_classification_are_whole_numbers_from_0_on(labels):
    with pytest.raises(DataError, match=r"y_train has type .*; a classification expects labels"):
        pp.ClassificationTask(pp.Samples(X, labels, X, labels))


def test_labels_outside_the_classes_are_refused():
    for samples in (pp.Samples(X, [0, 1, 2, 3]), pp.Samples(X, [0, 1, 2, 0], X, [0, 1, 2, 3])):
        with pytest.raises(DataError, match="there is a label 3 and there are 3 classes; expected labels 0 to 2"):
            pp.ClassificationTask(samples, classes=3)
        task = pp.ClassificationTask(samples)
        with pytest.raises(DataError, match="one logit for each class, 0 to 3; a target of other classes"):
            task.loss(lambda x: torch.zeros(len(x), 3), task.everything())


def test_one_class_alone_is_refused():
    with pytest.raises(DataError, match="all training samples are of one class, 2; expected two classes or more"):
        pp.ClassificationTask(pp.Samples(X, LABELS + 2, X, [0, 1, 2, 0]))


@pytest.mark.parametrize("outputs", [lambda x: x[:, 0], lambda x: x[:, :1]])
def test_a_network_with_other_outputs_than_the_data_is_refused(outputs):
    for task in (regression(outputs=2), classification()):
        with pytest.raises(DataError, match="the network's outputs have shape"):
            task.loss(outputs, task.everything())


@pytest.mark.parametrize("solver", [pp.Adam(), pp.LBFGS(), pp.NNCG(), pp.LevenbergMarquardt()])
@pytest.mark.parametrize("task", [regression(outputs=3), classification()])
def test_inputs_that_the_network_does_not_take_are_named(task, solver):
    masked = MaskedNetwork(small_network(inputs=2, outputs=3, dtype=torch.float32))
    with pytest.raises(
        DataError, match=r"the network does not take inputs of shape \(\d+, 3\): .*shape that the source has"
    ):
        solver(Objective(task, masked), masked.start)


def test_inputs_to_predict_at_that_the_network_does_not_take_are_named():
    network = small_network(inputs=2, outputs=3, dtype=torch.float32)
    for task in (regression(outputs=3), classification()):
        with pytest.raises(DataError, match=r"the network does not take inputs of shape \(30, 3\)"):
            task.predict(network, task.samples.x_train)


# Problems -------------------------------------------------------------------------------------------------------------


class Slope(pp.Regression):
    """y = slope x."""

    slope = pp.Coefficient(1.0, low=-5.0, high=5.0)
    samples = pp.Count(40, low=5, high=100, scale="log")
    batch_size = 8
    prior = 2.0

    def data(self, c):
        x = np.random.default_rng(0).normal(size=(10 + int(c.samples), 1))
        return pp.Samples(x[10:], c.slope * x[10:], x[:10], c.slope * x[:10])

    def network(self, seed):
        return nn.Linear(1, 1)


class Sign(pp.Classification):
    """Whether x lies above a threshold."""

    threshold = pp.Coefficient(0.0, low=-1.0, high=1.0)

    def data(self, c):
        x = np.linspace(-2, 2, 41)[:, None]
        y = (x[:, 0] > c.threshold).astype(int)
        return pp.Samples(x, y, x, y)

    def network(self, seed):
        return nn.Linear(1, 2)


def test_a_problem_makes_the_task_of_its_kind():
    assert isinstance(Slope().task(), pp.RegressionTask)
    assert isinstance(Sign().task(), pp.ClassificationTask)
    assert Slope().task(slope=2, samples=20).batch_size == 8


def test_the_prior_weighs_less_against_more_samples():
    assert Slope().task(samples=40).penalty == 2 / 40
    assert Slope().task(samples=10).penalty == 2 / 10


def test_a_family_of_regressions_is_solved():
    family = pp.solve_family(Slope(), targets=pp.grid(slope=[2.0]), keep=0.5, solver=pp.Adam(100, 0.1))
    assert family.predict([[3.0]], slope=1.0).shape == (1, 1)
