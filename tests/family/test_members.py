"""A family as a mapping from coefficients to solved members."""

import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.errors import NotSolved
from tests.toys import Decay, Waves, same_bits

T = np.linspace(0, 1, 13)[:, None]


class Spring(Decay):
    """Decay with two coefficients more, which change little."""

    mass = pp.Coefficient(1.0, low=0.5, high=2.0)
    length = pp.Coefficient(1.0, low=0.5, high=2.0)

    def scale(self, c):
        return c.mass * c.length


def test_a_family_is_a_mapping_from_coefficients_to_solutions(solved_decay):
    assert len(solved_decay) == 3
    for c, solution in solved_decay.items():
        assert solution.coefficients == c
        assert solved_decay[c] is solved_decay[dict(c)] is solution


def test_coefficients_are_matched_to_1e_9(solved_decay):
    assert solved_decay[{"k": 1.3 * (1 + 1e-10)}] is solved_decay[{"k": 1.3}]
    assert {"k": 1.3 * (1 + 1e-10)} in solved_decay
    assert {"k": 1.3 * (1 + 1e-7)} not in solved_decay


@pytest.mark.parametrize("stranger", [{"k": 2.0}, {"k": 99}, {"nu": 1}, {"k": "thin"}, 1.3, "k=1.3", None])
def test_what_is_not_a_member_is_not_in_the_family(solved_decay, stranger):
    assert stranger not in solved_decay


def test_get_has_a_default(solved_decay):
    assert solved_decay.get({"k": 1.3}) is solved_decay.targets[0]
    assert solved_decay.get({"k": 2.0}) is None


def test_text_names_problem_source_and_counts(solved_decay):
    assert repr(solved_decay) == "Family(decay, source k=1, 2 targets, 48 of 97 weights kept (49%), 49 free)"


def test_families_are_compared_by_identity(solved_decay, family):
    assert solved_decay == solved_decay
    assert solved_decay != family


def test_a_coefficient_not_solved_names_the_nearest_and_how_to_extend(solved_decay):
    message = r"decay is not solved at k=1\.5; the nearest member is k=1\.6\. family\.extend\(\[\{'k': 1\.5\}\]\)"
    with pytest.raises(NotSolved, match=message):
        solved_decay[{"k": 1.5}]


def test_nearest_measures_in_the_coefficients_own_scale(solved_decay):
    between = (1.3 * 1.6) ** 0.5
    assert solved_decay.nearest(k=between * 1.001).coefficients.k == 1.6
    assert solved_decay.nearest(k=between * 0.999).coefficients.k == 1.3


def test_the_table_has_a_row_for_each_member(solved_decay):
    rows = solved_decay.table()
    assert [row["k"] for row in rows] == [1.0, 1.3, 1.6]
    assert list(rows[0]) == [
        "k",
        "status",
        "base",
        "residual",
        "metric",
        "error",
        "estimate",
        "bound",
        "singular",
        "steps",
        "seconds",
    ]
    assert {(row["status"], row["metric"]) for row in rows} == {("converged", "relative error")}
    assert all(isinstance(row["error"], float) and row["residual"] > 0 for row in rows)
    assert all(0 < row["estimate"] <= row["bound"] for row in rows)


def test_the_table_shows_the_coefficients_that_vary():
    family = pp.solve_family(Spring(), targets=[{"mass": 2}], keep=0.5)
    assert list(family.table()[0])[:2] == ["mass", "status"]


def test_the_table_without_reference_has_no_error():
    family = pp.solve_family(Waves(), keep=0.5, solver=pp.Adam(steps=1))
    assert [(row["metric"], row["error"]) for row in family.table()] == [(None, None)] * 2


def test_a_network_is_an_independent_module(solved_decay):
    network = solved_decay.network(k=1.3)
    t = torch.tensor(T)
    sizes = solved_decay.problem.sizes_at(pp.Coefficients(k=1.3))
    answer = (1 + t * sizes.sized_outputs(network(sizes.scaled_inputs(t)))).detach().numpy()
    np.testing.assert_allclose(answer, solved_decay.predict(T, k=1.3), rtol=1e-14)
    with torch.no_grad():
        next(network.parameters()).zero_()
    np.testing.assert_array_equal(solved_decay.predict(T, k=1.3), solved_decay.predict(T, k=1.3))
    assert not same_bits(network, solved_decay.network(k=1.3))


def test_the_source_is_the_base_with_its_pruned_weights_at_zero(solved_decay):
    base = solved_decay.bases[0].masked
    assert same_bits(solved_decay.source.z, torch.zeros_like(base.start))
    assert same_bits(solved_decay.network(), base.module(torch.zeros_like(base.start)))
