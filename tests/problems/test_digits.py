"""Handwritten digits, rotated."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

import pacpinn as pp
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.problems.digits import TRAINING, Digits, deal
from tests.toys import same_bits

DIGITS = Digits()


def rows(images: np.ndarray) -> list[bytes]:
    return [image.tobytes() for image in images]


@pytest.fixture(scope="module")
def source() -> pp.ClassificationTask:
    return DIGITS.task()


def test_training_and_test_images_are_all_bundled_images_each_once(source):
    images, labels = load_digits(return_X_y=True)
    samples = source.samples
    assert samples.x_train.shape == (TRAINING, 1, 8, 8)
    assert samples.x_test.shape == (len(images) - TRAINING, 1, 8, 8)
    assert sorted(rows(samples.x_train) + rows(samples.x_test)) == sorted(rows(images / 16))
    assert sorted([*samples.y_train, *samples.y_test]) == sorted(labels)


def test_images_keep_their_labels(source):
    images, labels = load_digits(return_X_y=True)
    label_of = dict(zip(rows(images / 16), labels, strict=True))
    for x, y in ((source.samples.x_train, source.samples.y_train), (source.samples.x_test, source.samples.y_test)):
        assert [label_of[image] for image in rows(x)] == y.tolist()


def test_the_classes_are_divided_evenly(source):
    for labels in (source.samples.y_train, source.samples.y_test):
        counts = np.bincount(labels)
        assert len(counts) == 10
        assert counts.min() > 80
    assert np.bincount(DIGITS.task(samples=100).samples.y_train).tolist() == [10] * 10
    assert set(np.bincount(DIGITS.task(samples=57).samples.y_train)) == {5, 6}


def test_few_samples_are_the_first_of_many_and_the_test_images_stay(source):
    few = DIGITS.task(samples=30).samples
    assert (few.x_train == source.samples.x_train[:30]).all()
    assert (few.x_test == source.samples.x_test).all()


def test_a_quarter_turn_is_anticlockwise(source):
    turned = DIGITS.task(angle=90).samples
    np.testing.assert_allclose(turned.x_test, np.rot90(source.samples.x_test, axes=(2, 3)), atol=1e-12)
    assert (turned.y_test == source.samples.y_test).all()


def test_turned_images_stay_between_blank_and_ink():
    images = DIGITS.task(angle=33).samples.x_test
    assert images.min() >= 0
    assert images.max() <= 1 + 1e-12


def test_the_data_seed_alone_decides_the_division():
    first, again, other = (Digits(seed).task(samples=100).samples for seed in (0, 0, 1))
    assert (first.x_train == again.x_train).all()
    assert not (first.x_train == other.x_train).all()


def test_making_a_task_leaves_the_global_random_state_alone():
    numpy_state, torch_state = np.random.get_state()[1].copy(), torch.get_rng_state()
    DIGITS.data(DIGITS.source)
    assert (np.random.get_state()[1] == numpy_state).all()
    assert (torch.get_rng_state() == torch_state).all()


def test_dealing_gives_every_row_once_and_equal_parts_to_any_first_few():
    labels = np.repeat([0, 1, 2], [5, 9, 7])
    order = deal(labels, seed=0)
    assert sorted(order) == list(range(21))
    for few in range(1, 16):
        counts = np.bincount(labels[order[:few]], minlength=3)
        assert counts.max() - counts.min() <= 1


def test_the_default_targets_are_turned_and_have_few_samples():
    targets = [DIGITS.at(values) for values in Digits.targets]
    assert [c.angle for c in targets] == [15, 30, 45, 60]
    assert {c.samples for c in targets} == {100}


@pytest.mark.parametrize("bad", [{"angle": 91}, {"samples": 5}, {"samples": 899}, {"samples": 20.5}])
def test_an_impossible_task_is_refused(bad):
    with pytest.raises(pp.PacpinnError, match=next(iter(bad))):
        DIGITS.task(**bad)


def test_predictions_are_ten_probabilities(source):
    probabilities = source.predict(DIGITS.initial_network(0).eval(), source.samples.x_test[:20])
    assert probabilities.shape == (20, 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_both_ways_to_the_jacobian_agree():
    task = DIGITS.task(angle=20, samples=12).to(torch.float64)
    objective = Objective(task, MaskedNetwork(DIGITS.initial_network(0).to(torch.float64)))
    z = objective.masked.start[None]
    torch.testing.assert_close(objective.linearise(z).jacobian, objective.general_jacobian(z), rtol=1e-10, atol=1e-10)


def test_a_short_training_tells_the_digits_apart_and_moves_the_batch_statistics(source):
    masked = MaskedNetwork(DIGITS.initial_network(0))
    before = masked.network[1].running_mean.clone()
    result = pp.Adam(steps=100, learning_rate=1e-2)(Objective(source, masked), masked.start)
    assert source.score(masked.forward(result.z)).value < 0.1
    assert not same_bits(masked.network[1].running_mean, before)
