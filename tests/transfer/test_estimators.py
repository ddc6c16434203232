"""PAC as scikit-learn's estimators: its own checks, transfer, and what a target may not be."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

import pacpinn as pp
from pacpinn.errors import DataError, SolverError
from pacpinn.transfer.model_selection import PRIORS
from tests.learners import QUICK, RNG, X_FEW, X, classifier, each_kind, names, others, pairs, regressor, values
from tests.toys import convolutional_network, same_bits


@parametrize_with_checks([each(**QUICK | {"prior": PRIORS}) for each in (pp.PACRegressor, pp.PACClassifier)])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


# Source and target ----------------------------------------------------------------------------------------------------


@each_kind
def test_the_source_and_then_the_target_are_learnt(make, answers):
    model = make().fit(X, answers(X))
    assert model.score(X, answers(X)) > 0.9
    before = model.score(X_FEW, answers(X_FEW, shift=1.0))
    assert model.transfer(X_FEW, answers(X_FEW, shift=1.0)) is model
    assert model.score(X_FEW, answers(X_FEW, shift=1.0)) > max(before, 0.8)


@each_kind
def test_the_source_answers_as_before_to_the_last_bit(make, answers):
    model = make().fit(X, answers(X))
    network, before = model.network_, model.predict(X)
    model.transfer(X_FEW, answers(X_FEW, shift=1.0))
    np.testing.assert_array_equal(model.source_.predict(X), before)
    assert same_bits(model.source_.network_, network)
    assert not same_bits(model.network_, network)
    assert model.source_.score(X, answers(X)) > 0.9


@each_kind
def test_a_transfer_does_not_depend_on_the_ones_before(make, answers):
    model = make().fit(X, answers(X))
    first = model.transfer(X_FEW, answers(X_FEW, shift=1.0)).predict(X)
    model.transfer(X_FEW, answers(X_FEW, shift=-1.0))
    np.testing.assert_array_equal(model.transfer(X_FEW, answers(X_FEW, shift=1.0)).predict(X), first)


@each_kind
def test_a_source_given_beforehand_is_transferred_by_fit(make, answers):
    by_hand = make().fit(X, answers(X)).transfer(X_FEW, answers(X_FEW, shift=1.0))
    at_once = make(source=(X, answers(X))).fit(X_FEW, answers(X_FEW, shift=1.0))
    np.testing.assert_array_equal(at_once.predict(X), by_hand.predict(X))
    np.testing.assert_array_equal(at_once.source_.predict(X), by_hand.source_.predict(X))


@each_kind
def test_a_grid_search_judges_keep_on_the_target(make, answers):
    search = GridSearchCV(make(source=(X, answers(X)), steps=40), {"keep": [0.3, 0.8]}, cv=2)
    search.fit(X_FEW, answers(X_FEW, shift=1.0))
    assert search.best_params_["keep"] in (0.3, 0.8)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    kept = search.best_estimator_.pac_.base.free.logical_not().double().mean()
    assert abs(float(kept) - search.best_params_["keep"]) < 0.02


@each_kind
def test_a_copy_by_pickle_answers_and_transfers_alike(make, answers):
    model = make().fit(X, answers(X)).transfer(X_FEW, answers(X_FEW, shift=1.0))
    other = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(other.predict(X), model.predict(X))
    np.testing.assert_array_equal(other.source_.predict(X), model.source_.predict(X))
    other.transfer(X_FEW, answers(X_FEW, shift=-1.0))


@each_kind
def test_a_clone_is_not_fitted(make, answers):
    other = clone(make(keep=0.4).fit(X, answers(X)))
    assert other.keep == 0.4
    for use in (lambda: other.predict(X), lambda: other.transfer(X, answers(X)), lambda: other.source_):
        with pytest.raises(NotFittedError):
            use()


def test_global_random_states_are_as_before():
    states = np.random.get_state()[1].copy(), torch.get_rng_state()
    regressor(steps=3).fit(X, values(X)).transfer(X_FEW, values(X_FEW))
    assert (np.random.get_state()[1] == states[0]).all()
    assert same_bits(torch.get_rng_state(), states[1])


# Settings -------------------------------------------------------------------------------------------------------------


def test_several_outputs():
    y = np.stack([values(X), 1e-3 * X[:, 2]], axis=1)
    model = regressor().fit(X, y).transfer(X_FEW, np.stack([values(X_FEW, 1.0), 1e-3 * X_FEW[:, 2]], axis=1))
    assert model.predict(X).shape == (200, 2)
    assert model.source_.score(X, y) > 0.9


def test_probabilities_are_in_the_order_of_the_classes():
    model = classifier().fit(X, names(X))
    probabilities = model.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(model.classes_[probabilities.argmax(axis=1)], model.predict(X))


def test_a_target_may_have_fewer_classes():
    few = names(X_FEW) != "emu"
    model = classifier().fit(X, names(X)).transfer(X_FEW[few], names(X_FEW)[few])
    assert model.predict_proba(X).shape == (200, 3)


def test_weights_of_classes_move_the_answers():
    def share(class_weight):
        return np.mean(classifier(class_weight=class_weight).fit(X, names(X)).predict(X) == "emu")

    assert share({"cat": 1, "dog": 1, "emu": 100}) > share(None) > share({"cat": 100, "dog": 100, "emu": 1})
    rare = np.where(np.arange(200) < 190, "common", "rare")  # nothing tells them apart
    balanced, plain = (classifier(class_weight=each, steps=20).fit(X, rare) for each in ("balanced", None))
    assert np.mean(balanced.predict_proba(X)[:, 1]) > 2 * np.mean(plain.predict_proba(X)[:, 1])


@each_kind
def test_patience_sets_samples_aside_and_stops(make, answers):
    model = make(patience=2, steps=2000, validation_fraction=0.25, keep=0.5).fit(X, answers(X))
    model.transfer(X_FEW, answers(X_FEW, shift=1.0))
    assert model.score(X_FEW, answers(X_FEW, shift=1.0)) > 0.6


def test_a_network_may_be_given_or_made():
    asked = []

    def make(inputs, outputs, seed):
        asked.append((inputs, outputs))
        return nn.Sequential(nn.Linear(inputs, 10), nn.Tanh(), nn.Linear(10, outputs))

    model = classifier(network=make).fit(X, names(X))
    assert asked == [(3, 3)]
    trained = classifier(network=model.network_, scale=False)
    assert trained.fit(X, names(X)).score(X, names(X)) > 0.9
    assert clone(trained).network is not trained.network


def test_images_through_a_convolutional_network():
    labels = np.arange(40) % 2
    images = (RNG.normal(size=(40, 1, 4, 4)) + labels[:, None, None, None]).astype(np.float32)
    model = classifier(network=convolutional_network(), batch_size=8).fit(images, labels)
    model.transfer(images, 1 - labels)
    assert next(model.network_.parameters()).dtype == torch.float32
    assert model.predict_proba(images).shape == (40, 2)


def test_frames_keep_their_names():
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    model = regressor(steps=10).fit(frame, pd.Series(values(X)))
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match="feature names"):
        model.transfer(frame[["c", "b", "a"]], values(X))


def test_another_solver():
    assert regressor(solver="lbfgs").fit(X, values(X)).score(X, values(X)) > 0.95


def test_data_far_from_zero_and_a_column_without_spread():
    x = np.column_stack([1e6 + 1e-2 * X[:, 0], 1e-9 * X[:, 1], np.full(200, 0.1)])
    assert regressor().fit(x, values(X)).score(x, values(X)) > 0.9


# Bad input ------------------------------------------------------------------------------------------------------------


@each_kind
def test_another_number_of_features_is_named(make, answers):
    model = make(steps=2).fit(X, answers(X))
    with pytest.raises(DataError, match="the target has 2 features and the source 3; expected the same ones"):
        model.transfer(X_FEW[:, :2], answers(X_FEW))
    with pytest.raises(DataError, match="the target has 3 features and the source 2"):
        make(steps=2, source=(X[:, :2], answers(X))).fit(X_FEW, answers(X_FEW))


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda: regressor(steps=2).fit(X, values(X)).transfer(X, np.ones((200, 2))),
         'the target has 2 outputs and the source 1; .* a new head, by transfer.X, y, head="new".'),
        (lambda: classifier(steps=2).fit(X, names(X)).transfer(X, np.repeat(["cat", "yak"], 100)),
         "classes that the source has not: yak; expected some of cat, dog, emu: .* a new head, by transfer"),
        (lambda: classifier().fit(X, ["cat"] * 200), "all samples are of one class, cat; expected two classes"),
        (lambda: classifier(steps=2).fit(X, names(X)).transfer(X, ["cat"] * 200), "all samples are of one class, cat"),
        (lambda: classifier(network=nn.Linear(3, 2)).fit(X, names(X)), r"outputs have shape \(200, 2\); expected"),
        (lambda: regressor(network=nn.Linear(2, 1)).fit(X, values(X)), "network does not take inputs of shape"),
        (lambda: classifier(network=nn.Linear(3, 5), steps=2).fit(X, names(X)).predict(X),
         r"outputs have shape \(200, 5\); expected \(200, 3\)"),
        (lambda: classifier(steps=2).fit(X, names(X)).transfer(X, others(X), head=nn.Linear(24, 2)),
         r"outputs have shape \(200, 2\); expected"),
        (lambda: regressor(steps=2).fit(X, values(X)).transfer(X, pairs(X), head=nn.Linear(24, 5)),
         r"outputs have shape \(200, 5\); expected"),
        (lambda: classifier(steps=2).fit(X, names(X)).transfer(X, ["yak"] * 200, head="new"), "all samples are of one"),
        (lambda: classifier(steps=2).fit(X, names(X)).transfer(X, others(X), head="other"),
         "head='other'; expected 'same', 'new', or a module"),
        (lambda: regressor(steps=2).fit(X, values(X)).transfer(X_FEW[:0], values(X_FEW)[:0]), r"0 sample\(s\)"),
        (lambda: regressor(steps=2).fit(X, values(X)).transfer(X_FEW * np.nan, values(X_FEW)), "contains NaN"),
        (lambda: regressor(steps=2).fit(X, values(X)).predict(X * np.nan), "contains NaN"),
        (lambda: classifier(steps=2).fit(X, names(X)).predict(X[:, :2]), "X has 2 features, but .* is expecting 3"),
        (lambda: regressor(steps=2).fit(X, values(X)).transfer([[1, 2, 3], [1, 2]], [1, 2]), "expected X of finite"),
        (lambda: classifier(steps=2).fit(RNG.normal(size=(9, 1, 4, 4)), [0, 1, 2] * 3).predict(np.ones((2, 1, 5, 4))),
         r"the network does not take inputs of shape \(2, 1, 5, 4\)"),
        (lambda: regressor().fit(X, values(X)[:9]), "inconsistent numbers of samples"),
        (lambda: regressor(source=(X,)).fit(X, values(X)), "source has 1 parts; expected a pair"),
        (lambda: classifier(patience=2).fit(X[:3], ["cat", "dog", "dog"]), "3 rows cannot be divided"),
        (lambda: regressor().fit(X, values(X) * np.nan), "contains NaN"),
        (lambda: regressor().fit(X * np.nan, values(X)), "contains NaN"),
        (lambda: classifier().fit(X, [np.nan] * 200), "contains NaN"),
        (lambda: regressor().fit(X[:0], values(X[:0])), r"0 sample\(s\)"),
        (lambda: regressor(steps=2).fit(X, values(X)).transfer(X_FEW, values(X_FEW) * np.nan), "contains NaN"),
    ],
)  # fmt: skip
def test_bad_input_is_a_value_error_that_names_it(use, message):
    with pytest.raises(DataError, match=message):
        use()


PATIENT = pp.Adam(20, patience=2)


@pytest.mark.parametrize("solver", [PATIENT, pp.InTurn([PATIENT, pp.LBFGS(5)]), [PATIENT, "lbfgs"], ("lbfgs", PATIENT)])
def test_a_solver_that_wants_validation_data_has_it(solver):
    regressor(solver=solver).fit(X, values(X)).transfer(X_FEW, values(X_FEW))


def test_a_patience_below_one_is_refused():
    with pytest.raises(SolverError, match="patience=0; expected 1 or more"):
        regressor(patience=0).fit(X, values(X))


def test_divergence_is_a_warning():
    with pytest.warns(ConvergenceWarning, match="source diverged after .* lower learning_rate"):
        regressor(network=nn.Linear(3, 1), scale=False, learning_rate=1e200).fit(X, values(X))
