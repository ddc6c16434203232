"""Sizes found from a statement: the same in all units, and those that one would write down by hand."""

import warnings
from contextlib import suppress

import deepxde as dde
import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.equations.size_estimate import measure_sizes
from pacpinn.errors import PacpinnError, SizeError
from tests.equations.units import (
    STATEMENTS,
    Decay,
    Exact,
    Forced,
    Mixed,
    Predators,
    Rod,
    Units,
    at_end,
    at_start,
    derivative,
    in_units,
)
from tests.toys import SoftDecay, small_network

each_statement = pytest.mark.parametrize("kind", STATEMENTS, ids=lambda each: each.__name__)
in_other_units = pytest.mark.parametrize(
    ("a", "b"), [(7.0, (0.37, 0.11)), (1e-3, (1e6, 1e-2)), (1e5, (1e-9, 1e4)), (3.0, (1e20, 1e-20))]
)


def sizes_of(problem, **values):
    return measure_sizes(problem, problem.at(values))


@each_statement
@in_other_units
def test_sizes_change_by_the_units_alone(kind, a, b):
    one, other = in_units(kind, 1.0, (1.0, 1.0)), in_units(kind, a, b)
    mine, its = sizes_of(one), sizes_of(other)
    units = torch.tensor(b[: len(one.outputs)], dtype=torch.float64)
    outputs = units / a if kind is Exact else units  # a factor of time
    lengths = torch.tensor([a, 1.0][: len(one.inputs)], dtype=torch.float64)
    close = {"rtol": 1e-6, "atol": 0.0}
    torch.testing.assert_close(its.centre, lengths * mine.centre, **close)
    torch.testing.assert_close(its.half, lengths * mine.half, **close)
    torch.testing.assert_close(its.size, outputs * mine.size, **close)
    torch.testing.assert_close(its.offset / its.size, mine.offset / mine.size, rtol=1e-6, atol=1e-12)
    torch.testing.assert_close(its.variation, units * mine.variation, **close)
    blocks = torch.tensor(other.block_units(), dtype=torch.float64) / torch.tensor(one.block_units())
    torch.testing.assert_close(its.blocks, blocks * mine.blocks, **close)


@each_statement
@pytest.mark.parametrize(("a", "b"), [(1e5, (1e-9, 1e4))])
def test_a_network_has_the_same_residuals_in_all_units(kind, a, b):
    found = []
    for units in ((1.0, (1.0, 1.0)), (a, b)):
        problem = in_units(kind, *units)
        network = small_network(inputs=len(problem.inputs), outputs=len(problem.outputs))
        task = problem.task()
        found.append(torch.cat([each.values for each in task.residuals(network, task.everything())]).detach())
    torch.testing.assert_close(*found, rtol=1e-5, atol=1e-5)


@each_statement
def test_residuals_of_an_initial_network_are_about_one(kind):
    problem = in_units(kind, 1e3, (1e5, 1e-5))
    task, network = problem.task(), problem.initial_network(0).double()
    sizes = [float(each.values.detach().square().mean().sqrt()) for each in task.residuals(network, task.everything())]
    assert max(sizes) < 10
    assert max(sizes[: len(problem.outputs)]) > 0.01


def test_prescribed_values_give_offset_and_size():
    sizes = sizes_of(Rod())
    assert (sizes.offset.item(), sizes.size.item(), sizes.variation.item()) == pytest.approx((650, 350, 350))


def test_an_output_that_nothing_prescribes_balances_the_terms_of_another():
    """q = -40 T' with T from 300 to 1000: of the size of 40 times a slope of some hundreds."""
    sizes = sizes_of(Mixed())
    assert sizes.offset.tolist() == pytest.approx([650, 0])
    assert sizes.size[0].item() == pytest.approx(350)
    assert 40 * 700 / 3 < sizes.size[1] < 40 * 700 * 3


def test_one_prescribed_value_is_the_offset_and_the_equation_gives_the_size():
    """300 exp(-t) on [0, 2] varies by 260 in all."""
    sizes = sizes_of(Decay())
    assert sizes.offset.item() == pytest.approx(300)
    assert 260 / 4 < sizes.size.item() < 300


def test_a_force_gives_the_size():
    """The linear response to a force of 5 is about 1 in two units of time, where u and u³ are alike."""
    assert 0.2 < sizes_of(Forced()).size.item() < 5


def test_outputs_of_unlike_size_have_sizes_of_their_own():
    sizes = sizes_of(Predators())
    assert sizes.offset.tolist() == pytest.approx([1e4, 0.01])
    assert 1e3 < sizes.size[0] < 2e4
    assert 1e-3 < sizes.size[1] < 1e-2


def test_a_block_is_as_large_as_a_relative_change_of_all_outputs_by_one_makes_it():
    class Algebraic(Units):
        outputs = ("u", "v")
        sizes = {"u": 30.0, "v": 0.02}

        def residual(self, t, y, c):
            return [2 * y[:, 0:1] + 1000 * c.k * y[:, 1:2] + 0 * derivative(y, t), y[:, 1:2] + 0 * derivative(y, t)]

    sizes = sizes_of(Algebraic())
    assert sizes.blocks.tolist() == pytest.approx([np.hypot(2 * 30, 1000 * 0.02), 0.02], rel=1e-6)


def test_a_residual_that_does_not_depend_on_the_solution_has_the_size_one():
    class Vacant(Units):
        def residual(self, t, u, c):
            return [derivative(u, t) + c.k * u, 0 * t]

        def conditions(self, geometry, c):
            return [at_start(geometry, 1.0)]

    assert sizes_of(Vacant()).blocks[1].item() == 1


def test_sizes_are_stated_in_one_line():
    class Stated(Decay):
        sizes = {"t": (-4, 8), "u": (20.0, 5.0), "residual": 7.0, "condition 1": 3}

    sizes = sizes_of(Stated())
    assert (sizes.centre.item(), sizes.half.item()) == (2, 6)
    assert (sizes.offset.item(), sizes.size.item()) == pytest.approx((20, 5), rel=1e-14)
    assert sizes.blocks.tolist() == [7, 3]


def test_a_stated_size_of_one_output_is_known_to_the_others():
    class Stated(Mixed):
        sizes = {"T": (650.0, 3.5)}

    assert sizes_of(Stated()).size[1].item() == pytest.approx(sizes_of(Mixed()).size[1].item() / 100, rel=1e-6)


def test_with_weights_blocks_are_in_the_equations_own_units():
    class Weighted(Rod):
        weights = (1.0, 10.0, 10.0)

    sizes = sizes_of(Weighted())
    assert sizes.blocks.tolist() == [1, 1, 1]
    assert sizes.size.item() == pytest.approx(350)


def test_a_trained_network_and_one_with_transforms_keep_their_units():
    def make_data(c):
        start = dde.icbc.IC(TIME, lambda t: 300.0, lambda _, on_initial: on_initial)
        return dde.data.PDE(TIME, lambda t, u: dde.grad.jacobian(u, t) + c.k * u, start, 24, 2)

    TIME = dde.geometry.TimeDomain(0, 8)
    network, changed = (dde.nn.FNN([1, 6, 1], "tanh", "Glorot normal") for _ in range(2))
    changed.apply_output_transform(lambda t, u: 300 + t * u)
    rates = {"k": pp.Coefficient(1.0, low=0.5, high=2.0)}
    x = torch.linspace(0, 8, 5, dtype=torch.float64)[:, None]
    for kept, given in (
        (False, network),
        (True, dde.Model(make_data(pp.Coefficients(k=1.0)), network)),
        (True, changed),
    ):
        problem = pp.from_deepxde(make_data, given, rates)
        sizes = sizes_of(problem)
        assert torch.equal(sizes.scaled_inputs(x), x) is kept
        assert torch.equal(sizes.sized_outputs(x), x) is kept
        assert sizes.blocks[0] > 10  # blocks have sizes all the same


def test_features_may_be_made_of_those_by_default():
    class Waves(Decay):
        def features(self, t, c):
            seen = super().features(t, c)
            return torch.cat([seen, torch.sin(3 * seen)], dim=1)

    t = torch.tensor([[0.0], [2.0]], dtype=torch.float64)
    np.testing.assert_allclose(Waves().features(t, Waves().source)[:, 0], [-1, 1])
    assert Waves().sizes_at(Waves().source).size.item() > 0


def test_a_condition_on_a_small_part_of_the_boundary_has_points():
    class Corner(pp.Equation):
        """Δu = 0 on a square, given at the boundary; once more beside a corner, on 1 part in 100."""

        k = pp.Coefficient(1.0, low=0.5, high=2.0)
        inputs, points, hidden = ("x", "y"), pp.Points(domain=30, boundary=800), (6,)

        def geometry(self, c):
            return dde.geometry.Rectangle([0, 0], [1, 1])

        def residual(self, x, u, c):
            return dde.grad.hessian(u, x, i=0, j=0) + c.k * dde.grad.hessian(u, x, i=1, j=1)

        def conditions(self, geometry, c):
            beside = dde.icbc.DirichletBC(geometry, lambda x: 1.0, lambda x, on: on and x[0] == 0 and x[1] < 0.02)
            return [dde.icbc.DirichletBC(geometry, lambda x: 0.0, lambda _, on: on), beside]

    assert torch.isfinite(sizes_of(Corner()).blocks).all()


def test_formulas_that_torch_differentiates_once_only_have_sizes_too():
    def looked_up(u):
        """u² from a table, as a material's data are: torch has no second derivatives of it."""
        table = torch.linspace(-20, 20, 4001, dtype=u.dtype).square()[None, None, None]
        places = torch.stack([u / 20, 0 * u], dim=-1)[None]
        return torch.nn.functional.grid_sample(table, places, align_corners=True)[0, 0]

    def problem_of(square):
        class Quadratic(Units):
            def residual(self, t, u, c):
                return derivative(u, t) + c.k * square(u)

            def conditions(self, geometry, c):
                return [at_start(geometry, 3.0)]

        return Quadratic()

    mine, its = (sizes_of(problem_of(each)) for each in (looked_up, torch.square))
    torch.testing.assert_close(mine.size, its.size, rtol=1e-2, atol=0)
    torch.testing.assert_close(mine.blocks, its.blocks, rtol=1e-2, atol=0)


@pytest.mark.parametrize("size", [1e308, -1.7e308, 1e200, 1e-200, 1e-308])
@pytest.mark.parametrize("kind", [Decay, Rod, Exact])
def test_extreme_units_work_or_are_refused(kind, size):
    class Extreme(Units):
        geometry, residual, inputs, outputs = kind.geometry, kind.residual, kind.inputs, kind.outputs
        transform = kind.transform

        def conditions(self, geometry, c):
            if kind is Rod:
                return [at_end(geometry, 0, size), at_end(geometry, 1, -size)]
            return [at_start(geometry, size)] if kind is Decay else []

    problem = type("Extreme", (Extreme,), {"b": (size / 300, 1.0)})()
    with warnings.catch_warnings(), suppress(SizeError):
        warnings.simplefilter("error")
        sizes = problem.sizes_at(problem.source)
        assert all(torch.isfinite(each).all() for each in (sizes.offset, sizes.size, sizes.variation, sizes.blocks))
        assert all((each > 0).all() for each in (sizes.size, sizes.variation, sizes.blocks))
        assert 1e-3 < float(sizes.variation[0]) / abs(size) < 10
        return
    assert abs(size) > 1e300 or abs(size) < 1e-300  # refused only where numbers end


def test_units_in_which_a_size_overflows_are_refused_with_the_block():
    class Huge(SoftDecay):
        def residual(self, t, u, c):
            return 1e200 * (derivative(u, t) + c.k * u)

        def conditions(self, geometry, c):
            return [at_start(geometry, 1e150)]

    with pytest.raises(SizeError, match=r"size of (u|residual) of huge at k=1 .*other units"):
        Huge().sizes_at(Huge().source)


def test_a_residual_that_is_never_finite_is_left_to_the_check_of_the_start():
    class Rooted(SoftDecay):
        def residual(self, t, u, c):
            return derivative(u, t) + c.k * torch.sqrt(-1 - u**2)

    assert torch.isfinite(Rooted().sizes_at(Rooted().source).blocks).all()
    with pytest.raises(PacpinnError, match="is not finite"):
        pp.solve_family(Rooted())
