"""Kept fraction and strength chosen on validation data."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

import pacpinn as pp
from pacpinn.errors import PacpinnError, PruningError
from pacpinn.transfer.model_selection import choose_prior
from tests.toys import Decay, same_bits, small_network, wave

ADAM = pp.Adam(steps=30, learning_rate=1e-2)
SAMPLES = np.random.default_rng(0)


def regression(rows: int, slope: float, noise: float = 0.0) -> pp.RegressionTask:
    """y = slope x1 in eight inputs, of which seven are noise; tests that would tell of any peeping."""
    x = SAMPLES.normal(size=(rows, 8))
    y = slope * x[:, :1] + noise * SAMPLES.normal(size=(rows, 1))
    return pp.RegressionTask(pp.Samples(x, y, x, np.full_like(y, 1e6)))


def fitted(source: pp.Task) -> pp.PAC:
    pac = pp.PAC(small_network(inputs=8, dtype=torch.float32))
    pac.fit(source, pp.Adam(steps=300, learning_rate=1e-2))
    return pac


@pytest.fixture(scope="module")
def source() -> pp.RegressionTask:
    return regression(200, 1.0)


def test_the_pair_of_least_validation_loss_is_chosen(source):
    choice = pp.choose(fitted(source), source, regression(12, 1.0, noise=2.0), (0.5, 0.8), (0.0, 10.0), 3, ADAM, ADAM)
    assert list(choice.losses) == [(0.5, 0.0), (0.5, 10.0), (0.8, 0.0), (0.8, 10.0)]
    assert choice.losses[choice.keep, choice.penalty] == min(choice.losses.values())
    assert max(choice.losses.values()) < 1e3  # no test sample was looked at


def test_under_a_huge_penalty_the_loss_is_the_sources_own(source):
    target = regression(12, 1.5)
    choice = pp.choose(fitted(source), source, target, (0.7,), (1e6,), 4, pp.LevenbergMarquardt(), ADAM)
    network = choice.pac.network("source")
    expected = np.mean([float(part.validation(network).detach()) for part in target.folds(4)])
    assert choice.losses[0.7, 1e6] == pytest.approx(expected, rel=1e-3)


def test_the_chosen_network_is_ready_to_calibrate_and_the_one_given_as_it_was(source):
    pac = fitted(source)
    pac.prune(keep=0.6)
    pac.allocate(source, ADAM)
    pac.calibrate(regression(20, 0.9), "before", ADAM)
    before, names = pac.network("source"), pac.names
    target = regression(20, 1.2)
    choice = pp.choose(pac, source, target, (0.3, 0.7), (0.0,), 2, ADAM, ADAM)
    assert same_bits(pac.network("source"), before)
    assert pac.names == names
    assert choice.pac.names == ["source"]
    choice.pac.calibrate(target, penalty=choice.penalty, solver=ADAM)
    kept = int((~choice.pac.base.free).sum())
    assert kept == round(choice.keep * 81)


def test_a_target_with_a_head_of_its_own():
    x = SAMPLES.normal(size=(40, 8))
    source = pp.ClassificationTask(pp.Samples(x, (x[:, 0] > 0).astype(int)))
    target = pp.ClassificationTask(pp.Samples(x[:24], np.digitize(x[:24, 1], [-0.5, 0.5])))
    pac = pp.PAC(small_network(inputs=8, outputs=2, dtype=torch.float32))
    pac.fit(source, ADAM)
    choice = pp.choose(pac, source, target, (0.5,), (0.0, 0.1), 2, ADAM, ADAM, head=nn.Linear(8, 3))
    assert len(choice.losses) == 2


def test_an_equation_is_judged_on_points_that_training_does_not_see():
    pac = pp.PAC(Decay().initial_network(0))
    pac.fit(Decay().task(k=1.0))
    few = pp.LevenbergMarquardt(max_steps=8)
    choice = pp.choose(pac, Decay().task(k=1.0), Decay().task(k=1.5), (0.5, 0.9), (0.0, 10.0), solver=few)
    assert choice.penalty == 0.0
    task = Decay().task(k=1.5)
    task.tolerance = None
    assert choice.losses[0.5, 10.0] > choice.losses[0.5, 0.0]


def test_a_task_without_validation_data_is_refused():
    pac = pp.PAC(small_network(dtype=torch.float32))
    pac.fit(wave(), ADAM)
    with pytest.raises(PacpinnError, match="CurveFit has no validation data"):
        pp.choose(pac, wave(), wave(0.3), solver=ADAM, source_solver=ADAM)


def test_nothing_to_try_and_a_bad_fraction_are_refused(source):
    pac = fitted(source)
    with pytest.raises(PacpinnError, match=r"penalty=\[\]; expected at least one"):
        pp.choose(pac, source, source, penalty=())
    with pytest.raises(PruningError, match=r"keep=1\.5"):
        pp.choose(pac, source, source, keep=(1.5,), source_solver=ADAM)


# The prior alone ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def allocated(source) -> pp.PAC:
    pac = fitted(source)
    pac.prune(keep=0.7)
    pac.allocate(source, ADAM)
    return pac


def test_the_prior_of_least_loss_on_what_is_held_out_is_chosen(allocated):
    target, priors = regression(12, 1.0, noise=2.0), (0.0, 1e-2, 1e4)

    def loss(prior):
        found = []
        for part in target.folds(3):
            trial = copy.copy(allocated)
            trial.calibrate(part, "trial", ADAM, prior / 8)
            found.append(float(part.validation(trial.network("trial")).detach()))
        return np.mean(found)

    before, names = allocated.network("source"), allocated.names
    assert choose_prior(allocated, target, priors, ADAM) == min(priors, key=loss)
    assert same_bits(allocated.network("source"), before)
    assert allocated.names == names


def test_much_data_are_divided_once(allocated, monkeypatch):
    trained = []
    monkeypatch.setattr(pp.PAC, "calibrate", lambda self, task, *_, **__: trained.append(len(task.samples.x_train)))
    monkeypatch.setattr(pp.PAC, "network", lambda self, name: lambda x: x[:, :1])
    for rows, expected in [(6, [4] * 6), (299, [199, 199, 200] * 2), (300, [200] * 2)]:
        trained.clear()
        choose_prior(allocated, regression(rows, 1.0), (0.0, 1.0), ADAM)
        assert sorted(trained) == sorted(expected)


def test_few_samples_or_a_single_prior_leave_nothing_to_try(allocated, monkeypatch):
    monkeypatch.setattr(pp.PAC, "calibrate", lambda *_, **__: pytest.fail("tried all the same"))
    assert choose_prior(allocated, regression(5, 1.0), (3.0, 1.0, 2.0)) == 2.0
    assert choose_prior(allocated, regression(5, 1.0), (1.0, 2.0)) == 2.0
    assert choose_prior(allocated, regression(100, 1.0), (7.0,)) == 7.0


def test_no_prior_at_all_is_refused(allocated):
    with pytest.raises(PacpinnError, match=r"priors=\[\]; expected at least one to try"):
        choose_prior(allocated, regression(12, 1.0), ())
