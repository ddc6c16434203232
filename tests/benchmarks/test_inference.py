"""The bound against which inferred coefficients are judged, and what counts as one run."""

import numpy as np
import pytest

import pacpinn as pp
from inference import CASES, Case, bounds, one_run
from tests.toys import Decay

T = np.linspace(0, 1, 50)[:, None]


def test_the_bound_of_a_closed_form():
    found = bounds(Decay(), pp.Coefficients(k=1.4), T, ["k"], noise=0.01)
    assert found == pytest.approx(0.01 / np.linalg.norm(T * np.exp(-1.4 * T)), rel=1e-5)


def test_a_run_is_told_in_units_of_the_bound(solved_decay):
    case = Case("decay", {"k": (1, 1.6)}, 1e-3, {"k": 1.4})
    row = one_run(solved_decay, case, seed=0)
    assert abs(row["off"][0]) < 4
    assert row["standard_error"][0] == pytest.approx(1, abs=0.5)
    assert row["status"] == "converged"
    assert one_run(solved_decay, case, seed=0)["off"] == row["off"]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_truth_lies_inside_the_range(case):
    assert all(case.within[name][0] < value < case.within[name][1] for name, value in case.truth.items())
