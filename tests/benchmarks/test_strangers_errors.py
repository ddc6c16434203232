"""What counts as the error of a case, and that every case is complete."""

from types import SimpleNamespace

import numpy as np
import pytest

import pacpinn as pp
from strangers import CASES
from strangers_errors import Case, errors, estimated, finite
from tests.toys import Decay

C = pp.Coefficients(k=1.0)
X = np.linspace(0, 1, 101)[:, None]


def case(**others) -> Case:
    """Decay, as a case."""
    asked = {"targets": [{"k": 1.3}, {"k": 1.6}], "within": {"k": (1, 1.6)}, "goal": 1e-2}
    return Case("decay", Decay, **asked, exact=Decay().reference, points=lambda c, n: X, **others)


def test_errors_are_relative_to_the_variation_and_to_the_values():
    u = case().exact(X, C)
    found = errors(case(), X, C, u + 0.1)
    assert found.variation == pytest.approx(0.1 / np.std(u))
    assert found.plain == pytest.approx(0.1 / np.sqrt(np.mean(u**2)))


def test_a_case_may_name_the_size():
    assert errors(case(size=lambda x, c: [2.0]), X, C, case().exact(X, C) + 0.1).variation == pytest.approx(0.05)


def test_the_worst_output_counts():
    two = case(size=lambda x, c: np.array([1.0, 10.0]))
    two = Case(**{**vars(two), "exact": lambda x, c: np.full((len(x), 2), 1.0)})
    assert errors(two, X, C, two.exact(X, C) + np.array([0.1, 0.5])).variation == pytest.approx(0.1)


def test_only_what_is_judged_counts():
    u = np.hstack([case().exact(X, C) + 0.1, 7 + 0 * X])
    expected = errors(case(), X, C, u[:, :1])
    assert errors(case(outputs=[0]), X, C, u) == expected
    assert errors(case(judged=lambda x, u: u[:, :1]), X, C, u) == expected


def test_a_case_of_the_wrong_shape_is_told():
    with pytest.raises(ValueError, match=r"decay: judged \(101, 2\), right values \(101, 1\)"):
        errors(case(), X, C, np.zeros((101, 2)))


def test_the_estimate_of_judged_columns_is_that_of_the_whole_if_all_are_judged(solved_decay):
    u = solved_decay.predict(X, k=1.3)
    c = pp.Coefficients(k=1.3)
    whole, bound = estimated(case(), solved_decay, X, c, u)
    assert whole < bound < 10 * whole
    assert estimated(case(outputs=[0]), solved_decay, X, c, u)[0] == pytest.approx(whole, rel=0.2)


def test_a_bound_is_taken_where_the_estimate_has_one():
    found = SimpleNamespace(relative=1e-3, bound=2e-3, at=lambda x: 1e-3 + 0 * x)
    family = SimpleNamespace(error_estimate=lambda **c: found)
    assert estimated(case(), family, X, C, X) == (1e-3, 2e-3)
    assert estimated(case(outputs=[0]), family, X, C, X)[1] is None


def test_what_json_can_hold():
    assert [finite(each) for each in (1, np.inf, np.nan, None)] == [1.0, None, None, None]


@pytest.mark.parametrize("name", CASES)
def test_a_case_is_complete(name):
    """Right values are finite; coefficients that are asked for or sought lie in the problem's own ranges."""
    each = Case.named(name)
    problem, ends = each.problem(), zip(*each.within.values(), strict=True)
    corners = [dict(zip(each.within, corner, strict=True)) for corner in ends]
    for target in [{}, *each.targets, *corners, each.truth or {}]:
        c = problem.at(target)
        x = each.points(c, 20)
        right = each.exact(x, c)
        assert len(right) == len(x) == 20
        assert np.isfinite(right).all()
    assert (each.truth is None) == (each.inverse is None)
