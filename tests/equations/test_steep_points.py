"""Points where a solution is steepest."""

import numpy as np

from pacpinn.equations.steep_points import steepest

LINE = np.random.default_rng(0).uniform(0, 1, (4096, 1))


def layer(x, at=0.3, width=1e-3):
    return np.tanh((x - at) / width)


def test_a_layer_is_found_that_few_points_meet():
    chosen = steepest(layer, LINE, 8)
    assert chosen.shape == (8, 1)
    assert np.abs(chosen - 0.3).max() < 5e-3
    assert np.isin(chosen, LINE).all()


def test_a_layer_at_an_end():
    """Differences go inwards, so that no point lies outside."""
    seen = []

    def solution(x):
        seen.append(x)
        return np.exp(-(1 - x) / 1e-3)

    assert steepest(solution, LINE, 4).min() > 0.99
    assert LINE.min() <= np.concatenate(seen).min()
    assert np.concatenate(seen).max() <= LINE.max()


def test_an_output_counts_relative_to_its_variation():
    def solution(x):
        return np.hstack([1e6 * np.sin(3 * x), 5 + 1e-6 * layer(x)])

    assert np.abs(steepest(solution, LINE, 8) - 0.3).max() < 5e-3


def test_each_input_counts_relative_to_its_width():
    box = np.random.default_rng(0).uniform(0, 1, (4096, 2)) * [1e-9, 1e9]
    chosen = steepest(lambda x: layer(x[:, :1] / 1e-9, width=0.01) + x[:, 1:] / 1e9, box, 8)
    assert np.abs(chosen[:, 0] / 1e-9 - 0.3).max() < 0.02


def test_a_constant_has_no_steepest_point_but_any():
    assert steepest(lambda x: np.full_like(x, 300.0), LINE, 5).shape == (5, 1)
    assert steepest(np.zeros_like, LINE, 5).shape == (5, 1)
