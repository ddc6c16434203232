"""Random streams, defaults and devices are left as they were found."""

import contextlib
import random

import numpy as np
import pytest
import torch

from pacpinn.errors import DeviceError
from pacpinn.runtime.isolation import defaults, existing_device, untouched


def draw() -> tuple[float, float, float]:
    return random.random(), np.random.random(), float(torch.rand(()))


def test_untouched_gives_all_three_streams_back():
    with untouched():
        pass
    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    expected = [draw(), draw()]
    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    got = [draw()]
    with untouched(seed=5):
        draw()
    assert [*got, draw()] == expected


def test_the_same_seed_draws_the_same():
    drawn = []
    for seed in (1, 1, 2):
        with untouched(seed):
            drawn.append(draw())
    assert drawn[0] == drawn[1] != drawn[2]


def test_untouched_gives_back_streams_and_dtype_after_an_error():
    before = torch.get_rng_state()
    with contextlib.suppress(ZeroDivisionError), untouched(seed=1):
        torch.set_default_dtype(torch.float64)
        raise ZeroDivisionError
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_default_dtype() == torch.float32


def test_defaults_hold_inside_the_block_only():
    with defaults(torch.float64, torch.device("meta")):
        inside = torch.zeros(1)
    outside = torch.zeros(1)
    assert (inside.dtype, inside.device.type) == (torch.float64, "meta")
    assert (outside.dtype, outside.device.type) == (torch.float32, "cpu")


def test_defaults_end_with_an_error_too():
    with pytest.raises(ZeroDivisionError), defaults(torch.float64, torch.device("meta")):
        raise ZeroDivisionError
    assert (torch.zeros(1).dtype, torch.zeros(1).device.type) == (torch.float32, "cpu")


def test_a_device_that_is_there():
    assert existing_device("cpu") == existing_device(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.parametrize("device", ["cuda:77", "abacus", "cpu:x"])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(device):
    with pytest.raises(DeviceError, match=rf"'{device}' is not there .*choose from: cpu"):
        existing_device(device)
