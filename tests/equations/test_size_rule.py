"""Sizes over a family: measured at the nodes, interpolated in between."""

import deepxde as dde
import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.equations.size_estimate import measure_sizes
from pacpinn.equations.size_rule import SizeRule
from tests.equations.units import Rod, at_end
from tests.toys import Decay


class Heated(Rod):
    """A rod between 300 and a temperature that varies, of a length that varies over two decades."""

    hot = pp.Coefficient(1000.0, low=400.0, high=2000.0)
    length = pp.Coefficient(1.0, low=0.1, high=10.0, scale="log")

    def geometry(self, c):
        return dde.geometry.Interval(0, c.length)

    def conditions(self, geometry, c):
        return [at_end(geometry, 0, 300.0), at_end(geometry, c.length, c.hot)]


def parts(sizes):
    return {name: getattr(sizes, name) for name in ("centre", "half", "offset", "size", "variation", "blocks")}


def same(one, other, rtol=1e-9):
    for name, values in parts(one).items():
        torch.testing.assert_close(values, getattr(other, name), rtol=rtol, atol=1e-12)


@pytest.mark.parametrize(
    "values", [{}, {"hot": 400.0}, {"hot": 1200.0}, {"hot": 2000.0}, {"length": 0.1}, {"length": 10.0}]
)
def test_at_the_source_the_ends_and_the_middle_sizes_are_those_measured(values):
    problem = Heated()
    c = problem.at(values)
    same(problem.sizes_at(c), measure_sizes(problem, c))


def test_sizes_follow_a_boundary_value():
    problem = Heated()
    for hot in np.linspace(400, 2000, 7):
        sizes = problem.sizes_at(problem.at({"hot": hot}))
        assert sizes.offset.item() == pytest.approx((300 + hot) / 2)
        assert sizes.size.item() == pytest.approx((hot - 300) / 2, rel=0.5)  # of which the logarithm is interpolated


def test_between_nodes_a_size_lies_between_theirs_and_a_power_is_followed_exactly():
    """The residual k T'' is as the inverse square of the length: straight in logarithms."""
    problem = Heated()
    lengths = np.geomspace(0.1, 10, 9)
    found = [problem.sizes_at(problem.at({"length": each})) for each in lengths]
    np.testing.assert_allclose([each.half.item() for each in found], lengths / 2)
    residuals = np.array([each.blocks[0].item() for each in found])
    np.testing.assert_allclose(residuals * lengths**2, residuals[4], rtol=1e-6)
    hot = np.array([problem.sizes_at(problem.at({"hot": each})).size.item() for each in np.linspace(400, 2000, 40)])
    assert (np.diff(hot) > 0).all()


def test_changes_by_several_coefficients_multiply():
    problem = Heated()
    one, other, both = (
        problem.sizes_at(problem.at(values))
        for values in ({"hot": 2000.0}, {"length": 10.0}, {"hot": 2000.0, "length": 10.0})
    )
    source = problem.sizes_at(problem.source)
    torch.testing.assert_close(both.blocks, one.blocks * other.blocks / source.blocks)
    same(both, measure_sizes(problem, problem.at({"hot": 2000.0, "length": 10.0})), rtol=1e-6)


def test_a_coefficient_at_its_source_needs_no_measurement():
    measured = []

    class Counted(Decay):
        gain = pp.Coefficient(1.0, low=0.5, high=2.0)

        def residual(self, t, u, c):
            measured.append(dict(c))
            return super().residual(t, u, c) * c.gain

    problem = Counted()
    problem.sizes_at(problem.source)
    assert {(each["k"], each["gain"]) for each in measured} == {(1.0, 1.0)}
    problem.sizes_at(problem.at({"k": 3.0}))
    assert {each["gain"] for each in measured} == {1.0}
    count = len(measured)
    problem.sizes_at(problem.at({"k": 7.0}))
    assert len(measured) == count


def test_an_end_where_the_formulas_fail_is_left_out():
    class Failing(Heated):
        def residual(self, x, u, c):
            if c.hot > 1900:
                raise ValueError("too hot")
            return super().residual(x, u, c)

    problem = Failing()
    ends = [problem.sizes_at(problem.at({"hot": hot})).size.item() for hot in (400.0, 1200.0, 1999.0)]
    assert ends == pytest.approx([50, 450, 450])


def test_the_unit_rule_changes_nothing():
    problem = Heated()
    rule = SizeRule.unit(problem)
    for values in ({}, {"hot": 2000.0, "length": 10.0}):
        sizes = rule.at(problem, problem.at(values))
        x = torch.rand(4, 1, dtype=torch.float64)
        assert torch.equal(sizes.scaled_inputs(x), x)
        assert torch.equal(sizes.sized_outputs(x), x)
        assert len(sizes.blocks) == 0


def test_a_problem_with_the_unit_rule_is_in_its_own_units():
    problem = Heated()
    problem.size_rule = SizeRule.unit(problem)
    task = problem.task(hot=500.0)
    assert task.predict(lambda x: 7 * x, np.array([[0.5]])).item() == 3.5
    residual, *conditions = task.residuals(lambda x: 400 + 0 * x**3, task.everything())
    assert residual.values.abs().max() == 0
    assert [set(each.values.tolist()) for each in conditions] == [{100}, {-100}]


def test_other_formulas_have_a_rule_of_their_own():
    decay = Decay()
    assert len(decay.sizes_at(decay.source).blocks) == 1
    soft = pp.soft(decay)
    assert soft.sizes_at(soft.source).names == ("residual", "condition 1 (IC)")
    assert decay.sizes_at(decay.source).names == ("residual",)


def test_several_targets_are_stacked():
    problem = Heated()
    tasks = [problem.at({"hot": hot}) for hot in (500.0, 1500.0)]

    class Several(pp.Coefficients):
        several = True

        def each(self):
            return tuple(tasks)

    sizes = problem.sizes_at(Several())
    assert sizes.offset[:, 0].tolist() == pytest.approx([400, 900])
    assert sizes.names == problem.sizes_at(tasks[0]).names
