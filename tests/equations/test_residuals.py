"""DeepXDE's residuals as vectors, checked."""

import contextlib
import io

import deepxde as dde
import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.equations.collocation import bounding_box, domain_points
from pacpinn.errors import ResidualError
from pacpinn.runtime.deepxde_backend import deepxde_defaults
from pacpinn.runtime.isolation import untouched
from tests.toys import EQUATIONS, Advection, Decay, Level, Rotation, SoftDecay, blocks_of, network_of

TAU = 2 * np.pi


each_equation = pytest.mark.parametrize("equation", EQUATIONS, ids=lambda each: each.__name__)


def some(t):
    """A function like a network's: not a solution of anything."""
    return torch.sin(3 * t.sum(1, keepdim=True) + 0.5)


def some_for(equation):
    return lambda x: torch.cat([some((i + 1) * x) for i in range(len(equation.outputs))], dim=1)


def residuals(equation, function, **values):
    """The residual blocks of a function of the points, in the equation's own units, by name."""
    return {block.name: block for block in blocks_of(equation.task(**values), function)}


def exactly(c):
    return {
        Decay: lambda t: (torch.exp(-1.5 * t) - 1) / t.clamp_min(1e-300),
        SoftDecay: lambda t: torch.exp(-1.5 * t),
        Rotation: lambda t: torch.cat([torch.sin(1.5 * t), torch.cos(1.5 * t) - 1], dim=1) / t,
        Advection: lambda x: torch.sin(TAU * (x[:, 0:1] - 1.5 * x[:, 1:2])),
    }[c]


def deepxde_data(problem, task):
    """The task as one would state it to DeepXDE."""
    c, points = task.coefficients, problem.points
    geometry = problem.geometry(c)
    inside = domain_points(geometry, points.domain, points.distribution)
    counts = {"num_boundary": points.boundary, "anchors": inside, "train_distribution": points.distribution}
    kind = dde.data.PDE
    if isinstance(geometry, dde.geometry.GeometryXTime):
        kind, counts["num_initial"] = dde.data.TimePDE, points.initial
    return kind(geometry, lambda x, y: problem.residual(x, y, c), problem.conditions(geometry, c), **counts)


def decay_with(result):
    class Broken(Decay):
        def residual(self, t, u, c):
            return result(dde.grad.jacobian(u, t) + c.k * u)

    return Broken()


@pytest.mark.parametrize("equation", [Decay, SoftDecay, Rotation, Advection], ids=lambda each: each.__name__)
def test_residuals_of_the_exact_solution_vanish(equation):
    name = next(iter(equation.coefficients))
    for block in residuals(equation(), exactly(equation), **{name: 1.5}).values():
        assert block.values.abs().max() < 1e-12, block.name


@each_equation
def test_mean_squares_are_the_losses_that_deepxde_itself_computes(equation):
    problem = equation()
    task = problem.task()
    forward = some_for(problem)
    ours = [block.values.square().mean().item() for block in blocks_of(task, forward)]
    with (
        untouched(seed=0),
        deepxde_defaults(torch.float64, torch.device("cpu")),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        network = problem.initial_network(0)
        network.forward = lambda x: problem.transform(x, forward(x), task.coefficients)
        model = dde.Model(deepxde_data(problem, task), network)
        model.compile("adam", lr=1e-3)
        _, theirs = model.outputs_losses_train(model.data.train_x, None, None)
    assert ours == pytest.approx(theirs.tolist(), rel=1e-12)


@each_equation
def test_there_is_a_block_for_each_equation_and_condition_and_every_residual_is_a_number(equation):
    problem = equation()
    task = problem.task()
    conditions = problem.conditions(problem.geometry(task.coefficients), task.coefficients)
    blocks = task.residuals(some_for(problem), task.everything())
    assert len(blocks) == len(problem.outputs) + len(conditions)
    assert all(block.values.ndim == 1 and torch.isfinite(block.values).all() for block in blocks)


def test_blocks_are_named_after_equations_and_conditions():
    assert list(residuals(Decay(), some)) == ["residual"]
    assert list(residuals(Rotation(), some_for(Rotation()))) == ["residual 1", "residual 2"]
    expected = ["residual", "condition 1 (PeriodicBC)", "condition 2 (PeriodicBC)", "condition 3 (IC)"]
    assert list(residuals(Advection(), some)) == expected


@each_equation
def test_the_equation_holds_at_all_domain_points(equation):
    task = equation().task()
    block = task.residuals(some_for(equation), task.everything())[0]
    points = task.everything().x[block.rows[:, 0]].numpy()
    low, high = bounding_box(equation().geometry(task.coefficients))
    assert len(np.unique(points, axis=0)) >= equation.points.domain
    assert ((low <= points) & (points <= high)).all()


def test_a_soft_condition_compares_with_its_value():
    (initial,) = (block for name, block in residuals(SoftDecay(), lambda t: 3 + t).items() if "IC" in name)
    assert initial.values.tolist() == pytest.approx([2.0], rel=1e-14)


def test_a_periodic_condition_pairs_points_on_both_sides():
    task = Advection().task()
    x = task.everything().x
    for block in blocks_of(task, lambda x: x[:, 0:1] ** 2)[1:3]:
        left, right = x[block.rows[:, 0]], x[block.rows[:, 1]]
        assert (left[:, 0] == 0).all()
        assert (right[:, 0] == 1).all()
        torch.testing.assert_close(left[:, 1], right[:, 1])
        derivative = "condition 2" in block.name
        torch.testing.assert_close(block.values, torch.full_like(block.values, -2.0 if derivative else -1.0))


def test_a_condition_that_mixes_rows_says_so():
    assert residuals(Level(), some)["condition 1 (LevelBC)"].rows is None


def sized(problem, function):
    """The residual blocks of a function of the points, divided by their sizes, as solvers see them."""
    task = problem.task()
    return task.residuals(network_of(task, function), task.everything())


def test_weights_multiply_mean_squares_in_the_equations_own_units():
    class Weighted(Advection):
        weights = (1.0, 2.0, 3.0, 4.0)

    plain, weighted = residuals(Advection(), some).values(), sized(Weighted(), some)
    for weight, a, b in zip(Weighted.weights, plain, weighted, strict=True):
        assert b.scaled.square().sum().item() == pytest.approx(weight * a.scaled.square().sum().item())


def test_residuals_are_in_units_of_the_scale_and_conditions_as_they_were():
    class Scaled(SoftDecay):
        def scale(self, c):
            return 10 * c.k

    plain = residuals(SoftDecay(), some).values()
    (equation, condition), (_, before) = sized(Scaled(), some), sized(SoftDecay(), some)
    torch.testing.assert_close(equation.values, next(iter(plain)).values / 10)
    torch.testing.assert_close(condition.values, before.values)


def test_a_scale_comes_before_weights_and_a_stated_size_before_both():
    class Scaled(SoftDecay):
        weights = (1.0, 1.0)

        def scale(self, c):
            return 10 * c.k

    class Stated(Scaled):
        sizes = {"residual": 7.0, "condition 1": 3.0}

    assert Scaled().sizes_at(Scaled().source).blocks.tolist() == pytest.approx([10, 1])
    assert Stated().sizes_at(Stated().source).blocks.tolist() == pytest.approx([7, 3])


@pytest.mark.parametrize(
    ("result", "shape"),
    [
        (lambda r: r[:, 0], r"shape \(24,\)"),
        (lambda r: r + r[:, 0], r"shape \(24, 24\)"),
        (lambda r: r.mean(), r"shape \(\)"),
        (lambda r: r[:-1], r"shape \(23, 1\)"),
        (lambda r: None, "NoneType"),
    ],
    ids=["(rows,)", "(rows, rows)", "scalar", "(rows - 1, 1)", "nothing"],
)
def test_a_residual_of_the_wrong_shape_is_named_with_the_shape_expected(result, shape):
    with pytest.raises(ResidualError, match=rf"the residual of broken at k=1 .*{shape}; expected .*\(24, 1\)"):
        residuals(decay_with(result), some)


def test_the_equation_of_a_system_that_is_wrong_is_named():
    class Broken(Rotation):
        def residual(self, t, y, c):
            first, second = super().residual(t, y, c)
            return [first, second[:, 0]]

    with pytest.raises(ResidualError, match="the residual 2 of broken at w=1"):
        residuals(Broken(), some_for(Broken))


def test_a_condition_of_the_wrong_shape_is_named():
    class Broken(SoftDecay):
        def conditions(self, geometry, c):
            return [dde.icbc.OperatorBC(geometry, lambda t, u, _: u[:, 0], lambda _, on_boundary: on_boundary)]

    with pytest.raises(ResidualError, match=r"the condition 1 \(OperatorBC\) of broken .*expected .*\(2, 1\)"):
        residuals(Broken(), some)


def test_a_solution_of_the_wrong_shape_is_refused():
    """A flat column turns (rows, 1) into (rows, rows), and would go unnoticed."""

    class Broken(Decay):
        def transform(self, t, u, c):
            return 1 + t[:, 0] * u

    with pytest.raises(ResidualError, match=r"the solution of broken .*shape \(24, 24\); expected \(24, 1\) for u"):
        residuals(Broken(), some)


def test_a_condition_without_points_is_named():
    class Broken(SoftDecay):
        points = pp.Points(domain=24, distribution="pseudo")

    with pytest.raises(ResidualError, match=r"the condition 1 \(IC\) of broken .*has no points.*Points\("):
        residuals(Broken(), some)


def test_a_wrong_number_of_weights_is_refused():
    class Broken(SoftDecay):
        weights = (1.0, 2.0, 3.0)

    with pytest.raises(ResidualError, match="3 weights; expected 2"):
        residuals(Broken(), some)
