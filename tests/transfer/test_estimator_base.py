"""What both estimators share: a new head, the choice of the prior, networks that cannot be used."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from torch import nn

import pacpinn as pp
from pacpinn.errors import DataError, NetworkError, PacpinnError, PruningError
from pacpinn.transfer.model_selection import PRIORS
from tests.learners import RNG, X_FEW, X, classifier, each_head, each_kind, names, others, pairs, regressor, values
from tests.toys import TiedNetwork, same_bits, small_network

# A new head ----------------------------------------------------------------------------------------------------------


@each_head
def test_a_target_of_other_classes_or_outputs_is_learnt_by_a_new_head(make, answers, other):
    model = make(steps=300).fit(X, answers(X))
    network, before = model.network_, model.predict(X)
    model.transfer(X_FEW, other(X_FEW), head="new")
    assert model.score(X_FEW, other(X_FEW)) > 0.8
    assert model.predict(X).shape == other(X).shape
    np.testing.assert_array_equal(model.source_.predict(X), before)
    assert same_bits(model.source_.network_, network)


@each_head
def test_a_head_is_the_targets_alone(make, answers, other):
    model = make().fit(X, answers(X))
    first = model.transfer(X_FEW, answers(X_FEW, shift=1.0)).predict(X)
    model.transfer(X_FEW, other(X_FEW), head="new")
    np.testing.assert_array_equal(model.transfer(X_FEW, answers(X_FEW, shift=1.0)).predict(X), first)


@each_head
def test_a_new_head_may_be_asked_for_beforehand_or_given(make, answers, other):
    model = make().fit(X, answers(X)).transfer(X_FEW, other(X_FEW), head="new")
    at_once = make(source=(X, answers(X)), head="new").fit(X_FEW, other(X_FEW))
    np.testing.assert_array_equal(at_once.predict(X), model.predict(X))
    outputs = model.network_[-1].out_features
    given = nn.Sequential(nn.Linear(24, 5), nn.Tanh(), nn.Linear(5, outputs))
    model.transfer(X_FEW, other(X_FEW), head=given)
    assert model.network_[-1][2].out_features == outputs
    assert model.predict(X).shape == other(X).shape


def test_classes_and_probabilities_are_the_heads():
    model = classifier().fit(X, names(X)).transfer(X_FEW, others(X_FEW), head="new")
    assert model.classes_.tolist() == ["asp", "bee", "cod", "hen"]
    assert model.predict_proba(X).shape == (200, 4)
    assert model.source_.classes_.tolist() == ["cat", "dog", "emu"]
    assert model.source_.predict_proba(X).shape == (200, 3)


def test_a_new_head_for_some_of_the_sources_classes_knows_those_alone():
    few = names(X_FEW) != "emu"
    model = classifier().fit(X, names(X)).transfer(X_FEW[few], names(X_FEW)[few], head="new")
    assert model.classes_.tolist() == ["cat", "dog"]


def test_a_copy_by_pickle_keeps_the_head():
    model = classifier().fit(X, names(X)).transfer(X_FEW, others(X_FEW), head="new")
    other = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(other.predict(X), model.predict(X))
    np.testing.assert_array_equal(other.source_.predict(X), model.source_.predict(X))


def test_weights_of_classes_are_those_of_the_target():
    weights = {"cat": 1, "dog": 1, "emu": 1}
    model = classifier(class_weight=weights).fit(X, names(X))
    with pytest.raises(
        DataError, match="class_weight has weights for cat, dog, emu; expected some for the classes asp"
    ):
        model.transfer(X_FEW, others(X_FEW), head="new")
    heavy = weights | {"asp": 1000, "bee": 1, "cod": 1, "hen": 1}
    plain, weighted = (
        np.mean(model.set_params(class_weight=each).transfer(X_FEW, others(X_FEW), head="new").predict(X) == "asp")
        for each in (None, {name: heavy[name] for name in ("asp", "bee", "cod", "hen")})
    )
    assert weighted > plain


# The prior ------------------------------------------------------------------------------------------------------------


@each_kind
def test_the_prior_is_chosen_on_the_targets_own_samples(make, answers):
    model = make(prior=(1e-3, 1e5), steps=100).fit(X, answers(X))
    assert not hasattr(model, "prior_")
    assert model.transfer(X_FEW, answers(X_FEW, shift=1.0)).prior_ == 1e-3
    fixed = make(prior=(1e-3, 1e5), steps=100).fit(X, answers(X)).set_params(prior=1e-3)
    np.testing.assert_array_equal(fixed.transfer(X_FEW, answers(X_FEW, shift=1.0)).predict(X), model.predict(X))


def test_samples_that_are_mostly_noise_leave_the_target_at_the_source():
    model = regressor(prior=(1e-3, 1e5)).fit(X, values(X))
    noisy = values(X_FEW) + 100 * np.random.default_rng(1).normal(size=40)
    assert model.transfer(X_FEW, noisy).prior_ == 1e5
    assert model.score(X, values(X)) > 0.9


def test_the_prior_is_chosen_unless_it_is_given():
    assert pp.PACRegressor().prior == pp.PACClassifier().prior == PRIORS
    for prior in (0.3, [0.3], np.float64(0.3)):
        assert regressor(prior=prior, steps=5).fit(X, values(X)).transfer(X_FEW, values(X_FEW)).prior_ == 0.3


def test_a_prior_is_chosen_for_a_new_head_too():
    model = classifier(prior=(0.1, 1e6)).fit(X, names(X))
    assert model.transfer(X_FEW, others(X_FEW), head="new").prior_ == 0.1


def test_too_few_samples_to_choose_by_take_the_middle_prior():
    model = regressor(prior=PRIORS, steps=5).fit(X, values(X))
    assert model.transfer(X_FEW[:5], values(X_FEW)[:5]).prior_ == 1.0


@pytest.mark.parametrize("prior", [-1.0, float("nan"), float("inf"), (), (1.0, -1.0), "best", None])
def test_a_prior_that_is_none_is_refused(prior):
    with pytest.raises(PacpinnError, match=r"prior=.*; expected a finite number, 0 or more, or several"):
        regressor(prior=prior).fit(X, values(X))


# Networks -------------------------------------------------------------------------------------------------------------


class Noisy(nn.Linear):
    """Draws random numbers in evaluation mode too."""

    def forward(self, x):
        return super().forward(x) + torch.randn(())


@each_kind
def test_a_network_that_is_not_deterministic_is_named(make, answers):
    outputs = 1 if make is regressor else 3
    with pytest.raises(NetworkError, match="gives different outputs for the same inputs in evaluation mode; expected"):
        make(network=Noisy(3, outputs), steps=2).fit(X, answers(X))


@each_kind
def test_tied_weights_stay_tied(make, answers):
    tied, x = nn.Sequential(TiedNetwork(), nn.Linear(4, 1 if make is regressor else 3)), X[:, [0, 1, 2, 0]]
    model = make(network=tied).fit(x, answers(x))
    before = model.predict(x)
    model.transfer(X_FEW[:, [0, 1, 2, 0]], answers(X_FEW, shift=1.0))
    assert model.network_[0].first.weight is model.network_[0].second.weight
    np.testing.assert_array_equal(model.source_.predict(x), before)


def test_a_new_head_in_place_of_tied_weights_is_named():
    x = X[:, [0, 1, 2, 0]]
    model = regressor(network=TiedNetwork(), steps=2).fit(x, x)
    with pytest.raises(NetworkError, match=r"'second' shares its weights with 'first.weight'.*untie them"):
        model.transfer(x, pairs(x), head="new")


def test_a_place_for_which_no_head_can_be_made_is_named():
    images, labels = RNG.normal(size=(12, 1, 4, 4)), np.arange(12) % 2
    network = nn.Sequential(nn.Conv2d(1, 2, 4), nn.Flatten())
    model = classifier(network=network, steps=2).fit(images, labels)
    with pytest.raises(NetworkError, match=r"'0', is Conv2d.*; expected nn.Linear with 2 outputs, .* give a module"):
        model.transfer(images, labels + 2, head="new")
    assert model.transfer(images, np.arange(12) % 3, head=nn.Conv2d(1, 3, 4)).predict_proba(images).shape == (12, 3)


@each_kind
@pytest.mark.parametrize("keep", [0.999, 1e-9, 1.0, 0.0])
def test_a_mask_that_leaves_no_weight_free_or_kept_is_named(make, answers, keep):
    with pytest.raises(PruningError, match=r"frees none|keeps none|strictly between 0 and 1"):
        make(network=small_network(inputs=3, outputs=1 if make is regressor else 3), keep=keep, steps=2).fit(
            X, answers(X)
        )
