"""Friedman #1 with concept coefficients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import make_friedman1

import pacpinn as pp
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.problems.friedman import Friedman, draw_concepts, friedman1

FRIEDMAN = Friedman()


def test_the_source_is_friedmans_own_regression():
    x, y = make_friedman1(n_samples=100, noise=0.0, random_state=0)
    np.testing.assert_allclose(friedman1(x, FRIEDMAN.source)[:, 0], y, rtol=1e-12)


def test_each_coefficient_does_what_the_formula_says():
    a, b, c = [1.1, 0.9, 1.2, 0.8], [1.05, 0.95, 1.1, 0.9, 1.2], [0.1, -0.1, 0.05, 0.02, -0.03]
    values = dict(zip(list(Friedman.coefficients)[:14], a + b + c, strict=True))
    x = np.random.default_rng(0).random((50, 10))
    z = b * x[:, :5] + c
    terms = [10 * np.sin(np.pi * z[:, 0] * z[:, 1]), 20 * (z[:, 2] - 0.5) ** 2, 10 * z[:, 3], 5 * z[:, 4]]
    np.testing.assert_allclose(friedman1(x, FRIEDMAN.at(values))[:, 0], a @ np.array(terms), rtol=1e-12)


def test_the_noise_has_mean_0_and_standard_deviation_1():
    task = FRIEDMAN.task()
    noise = task.samples.y_train - friedman1(task.samples.x_train, task.coefficients)
    assert noise.shape == (10_000, 1)
    assert noise.mean() == pytest.approx(0, abs=0.04)
    assert noise.std() == pytest.approx(1, abs=0.03)


def test_the_true_concept_scores_the_noise():
    task = FRIEDMAN.task(a1=1.2, samples=50)
    truth = lambda x: torch.as_tensor(friedman1(x.numpy(), task.coefficients))  # noqa: E731
    assert task.score(truth).value == pytest.approx(1, abs=0.04)


def test_inputs_are_uniform_on_the_unit_cube():
    samples = FRIEDMAN.task(samples=50).samples
    assert samples.x_train.shape == (50, 10)
    assert samples.x_test.shape == (5_000, 10)
    assert 0 <= samples.x_test.min() < 0.001
    assert 0.999 < samples.x_test.max() < 1
    np.testing.assert_allclose(samples.x_test.std(axis=0), 12**-0.5, rtol=0.05)


def test_samples_are_the_same_each_time_and_others_for_each_concept_and_data_seed():
    first, again = Friedman().task(samples=20).samples, Friedman().task(samples=20).samples
    assert (first.x_train == again.x_train).all()
    assert (first.y_train == again.y_train).all()
    for other in (Friedman().task(a1=1.001, samples=20).samples, Friedman(data_seed=1).task(samples=20).samples):
        assert not np.isin(first.x_train, other.x_train).any()
        assert not np.isin(first.x_test, other.x_test).any()


def test_the_number_of_samples_leaves_the_test_samples_as_they_are():
    few, many = FRIEDMAN.task(samples=10).samples, FRIEDMAN.task(samples=1000).samples
    assert (few.x_test == many.x_test).all()
    assert (few.y_test == many.y_test).all()


def test_no_training_sample_is_a_test_sample():
    samples = FRIEDMAN.task().samples
    assert not np.isin(samples.x_train, samples.x_test).any()


def test_drawing_samples_leaves_the_global_random_state_alone():
    numpy_state, torch_state = np.random.get_state()[1].copy(), torch.get_rng_state()
    FRIEDMAN.data(FRIEDMAN.source)
    draw_concepts(3, drift=1, samples=50, seed=0)
    assert (np.random.get_state()[1] == numpy_state).all()
    assert (torch.get_rng_state() == torch_state).all()


def test_the_default_targets_are_five_concepts_in_range_with_few_samples():
    targets = [FRIEDMAN.at(values) for values in Friedman.targets]
    assert len(set(targets)) == 5
    assert {c.samples for c in targets} == {50}
    assert all(0.1 < each.position(c[name]) < 0.9 for c in targets for name, each in Friedman.coefficients.items())


def test_concepts_drift_as_far_as_they_are_asked_to():
    draws = [FRIEDMAN.at(each) for each in draw_concepts(400, drift=2, samples=50, seed=1)]
    for name, mean, spread in (("a1", 1, 0.2), ("b5", 1, 0.2), ("c3", 0, 0.1)):
        values = [c[name] for c in draws]
        assert np.mean(values) == pytest.approx(mean, abs=0.04)
        assert np.std(values) == pytest.approx(spread, rel=0.15)


def test_a_fraction_of_a_sample_is_refused():
    with pytest.raises(pp.PacpinnError, match=r"samples=50\.5 is not a whole number"):
        FRIEDMAN.task(samples=50.5)


def test_mean_and_spread_of_the_output_are_no_weights_to_learn():
    network = FRIEDMAN.initial_network(0)
    assert [name for name, each in network.named_parameters() if not each.requires_grad] == ["5.weight", "5.bias"]
    assert len(MaskedNetwork(network).weights) == 10 * 100 + 100 + 100 * 100 + 100 + 100 + 1


def test_both_ways_to_the_jacobian_agree():
    task = FRIEDMAN.task(samples=10).to(torch.float64)
    objective = Objective(task, MaskedNetwork(FRIEDMAN.initial_network(0).to(torch.float64)))
    z = objective.masked.start[None]
    torch.testing.assert_close(objective.linearise(z).jacobian, objective.general_jacobian(z), rtol=1e-10, atol=1e-10)


def test_a_short_training_learns_the_concept():
    task = FRIEDMAN.task(samples=2_000)
    masked = MaskedNetwork(FRIEDMAN.initial_network(0))
    before = task.score(masked.forward(masked.start)).value
    result = pp.Adam(steps=200, learning_rate=1e-2)(Objective(task, masked), masked.start)
    assert before > 4
    assert task.score(masked.forward(result.z)).value < 1.5
