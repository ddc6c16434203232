"""Settings: what they refuse, and what they make of a task."""

import pytest
import torch

import pacpinn as pp
from pacpinn.continuation.family_methods import FAMILY_METHODS
from pacpinn.continuation.settings import Settings
from pacpinn.errors import PacpinnError
from tests.toys import Decay, Waves


def test_a_tolerance_asked_for_replaces_the_problems_own():
    assert Settings().task(Decay(), Decay().source).tolerance == Decay.tolerance
    assert Settings(tolerance=0.1).task(Decay(), Decay().source).tolerance == 0.1


def test_data_has_no_tolerance_whatever_is_asked_for():
    assert Settings(tolerance=0.1).task(Waves(), Waves().source).tolerance is None


def test_a_dtype_asked_for_is_the_tasks():
    assert Settings(dtype=torch.float32).task(Decay(), Decay().source).dtype == torch.float32


def test_a_task_without_wishes_is_the_problems_own():
    task = Settings().task(Decay(), pp.Coefficients(k=2.0))
    assert (task.coefficients, task.dtype, task.tolerance) == (pp.Coefficients(k=2.0), torch.float64, Decay.tolerance)


@pytest.mark.parametrize("method", FAMILY_METHODS)
def test_every_method_of_the_table_is_known(method):
    assert Settings(method=method).method == method


def test_an_unknown_method_is_refused_with_the_known_ones():
    with pytest.raises(PacpinnError, match="'adapters'; known are: pac, fine-tuning, last-layer, from-scratch, param"):
        Settings(method="adapters")


@pytest.mark.parametrize(
    "wrong",
    [
        {"bases": 0},
        {"halvings": -1},
        {"batch": 0},
        {"tolerance": 0.0},
        {"tolerance": float("inf")},
        {"penalty": -1.0},
        {"tree": "star"},
        {"tree": "chain", "batch": 2},
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(pp.PacpinnError, match=f"{next(iter(wrong))}="):
        Settings(**wrong)
