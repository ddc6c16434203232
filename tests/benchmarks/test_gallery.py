"""The gallery's table and pictures."""

import numpy as np
import pytest

import pacpinn as pp
from gallery import asked, claims, factor, page, picture
from report import Report
from tests.toys import Advection, Decay

ROW = {
    "problem": "heat",
    "seed": 0,
    "targets": 5,
    "converged": True,
    "factor": 4.0,
    "bases": 1,
    "error_median": 1e-5,
    "error_worst": 5e-5,
    "asked": 1e-4,
    "above_estimate": 0,
    "above_bound": 0,
    "seconds": 10.0,
}


@pytest.fixture(scope="module")
def decay() -> pp.Family:
    return pp.solve_family(Decay(), keep=0.5)


def test_what_is_asked_of_a_problem():
    assert asked(Decay()) == 1e-4
    assert asked(Advection()) == 1e-3
    assert asked(pp.get_problem("schrodinger")) == 2e-3


def test_the_factor_over_which_targets_reach(decay):
    assert factor(decay) == pytest.approx(1.6)


def test_curves_of_all_members(decay):
    (axes,) = picture(decay).axes
    assert len(axes.lines) == 3
    assert np.allclose(axes.lines[0].get_ydata()[0], 1)


def test_a_miss_is_named():
    report = Report("gallery", quick=True)
    report.rows = [ROW, {**ROW, "problem": "wave", "error_worst": 3e-4}]
    claims(report)
    (missed,) = [each for each in report.claims if not each.holds]
    assert missed.reached == "1 of 2, but wave (seed 0) 3.0e-04"


def test_flattered_members_are_counted_over_all_families():
    report = Report("gallery", quick=True)
    report.rows = [ROW, {**ROW, "seed": 1, "above_estimate": 1, "above_bound": 1}]
    claims(report)
    found = {each.claim: (each.reached, each.holds) for each in report.claims}
    assert found["members with an error above 3 x its estimate"] == ("1 of 12", False)
    assert found["members with an error above its bound"] == ("1 of 12", False)


def test_the_page_has_a_row_for_each_problem():
    report = Report("gallery", quick=True)
    report.rows = [ROW, {**ROW, "seed": 1, "error_worst": 7e-5}]
    assert page(report).count("| [heat](heat.py)<br>u_t = alpha u_xx") == 1
    assert "7e-05 | 10 |" in page(report)
