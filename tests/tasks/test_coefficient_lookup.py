"""Look-up by coefficients, to rounding."""

import numpy as np
import pytest

import pacpinn as pp
from pacpinn.tasks.coefficient_lookup import CoefficientLookup


def at(a, b=2.0):
    return pp.Coefficients(a=a, b=b)


def test_coefficients_that_agree_to_rounding_are_found():
    lookup = CoefficientLookup([(at(0.3), "first"), (at(0.7), "second")])
    assert lookup.get(at(0.1 + 0.2)) == "first"
    assert lookup.get(at(0.7 * (1 - 5e-10), 2 * (1 + 5e-10))) == "second"


def test_others_are_not():
    lookup = CoefficientLookup([(at(0.3), "first")])
    assert lookup.get(at(0.3 * (1 + 1e-8))) is None
    assert lookup.get(at(0.3, -2.0)) is None
    assert lookup.get(pp.Coefficients(a=0.3)) is None


def test_the_order_of_names_and_the_sign_of_zero_do_not_matter():
    assert CoefficientLookup([(pp.Coefficients(b=0.0, a=-0.0), 0)]).get(at(0.0, -0.0)) == 0


@pytest.mark.parametrize("sign", [-1, 1])
def test_it_agrees_with_a_scan_at_the_edges_of_the_rounding_cells(sign):
    edges = [(10 + k + 0.5) * 1e-6 for k in range(200)]  # half-way between numbers of seven digits
    members = [at(sign * edge) for edge in edges]
    lookup = CoefficientLookup((c, k) for k, c in enumerate(members))
    for k, share in enumerate(np.random.default_rng(0).uniform(-2e-9, 2e-9, size=200)):
        asked = at(members[k].a * (1 + share))
        assert lookup.get(asked) == (k if members[k].close_to(asked) else None)
