"""Mean zero, spread one, and back."""

import numpy as np
import pytest

from pacpinn.scale import Scale

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("shape", "rows"), [((50, 3), 0), ((20, 3, 4, 5), (0, 2, 3))])
def test_each_column_or_channel_has_mean_zero_and_spread_one(shape, rows):
    values = 1e3 + RNG.normal(size=shape) * np.array([1e-3, 1, 1e6]).reshape(1, 3, *[1] * (len(shape) - 2))
    scale = Scale.of(values)
    np.testing.assert_allclose(scale.scaled(values).mean(axis=rows), 0, atol=1e-8)
    np.testing.assert_allclose(scale.scaled(values).std(axis=rows), 1)
    np.testing.assert_allclose(scale.back(scale.scaled(values)), values)


@pytest.mark.parametrize("level", [0.0, 0.1, -1e9])
def test_a_column_without_spread_keeps_its_size(level):
    scale = Scale.of(np.full((7, 1), level))
    np.testing.assert_allclose(scale.scaled(np.array([[level + 2.0]])), 2.0)


def test_no_scale_leaves_values_as_they_are():
    assert Scale().scaled(RNG.normal(size=3)).shape == (3,)
    assert Scale().back(np.ones(2)).tolist() == [1, 1]
