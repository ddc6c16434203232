"""Equations: DeepXDE's residuals as vectors, checked; points, references and grids."""

import contextlib
import io

import deepxde as dde
import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.backend import deepxde_defaults
from pacpinn.collocation import bounding_box, domain_points
from pacpinn.errors import ResidualError
from pacpinn.isolation import untouched
from tests.toys import EQUATIONS, Advection, Decay, Level, Rotation, SoftDecay

TAU = 2 * np.pi
each_equation = pytest.mark.parametrize("equation", EQUATIONS, ids=lambda each: each.__name__)


def some(t):
    """A function like a network's: not a solution of anything."""
    return torch.sin(3 * t.sum(1, keepdim=True) + 0.5)


def some_for(equation):
    return lambda x: torch.cat([some((i + 1) * x) for i in range(len(equation.outputs))], dim=1)


def residuals(equation, forward, **values):
    task = equation.task(**values)
    return {block.name: block for block in task.residuals(forward, task.everything())}


# Residuals ------------------------------------------------------------------------------------------------------------


def exactly(c):
    return {
        Decay: lambda t: (torch.exp(-1.5 * t) - 1) / t.clamp_min(1e-300),
        SoftDecay: lambda t: torch.exp(-1.5 * t),
        Rotation: lambda t: torch.cat([torch.sin(1.5 * t), torch.cos(1.5 * t) - 1], dim=1) / t,
        Advection: lambda x: torch.sin(TAU * (x[:, 0:1] - 1.5 * x[:, 1:2])),
    }[c]


@pytest.mark.parametrize("equation", [Decay, SoftDecay, Rotation, Advection], ids=lambda each: each.__name__)
def test_residuals_of_the_exact_solution_vanish(equation):
    name = next(iter(equation.coefficients))
    for block in residuals(equation(), exactly(equation), **{name: 1.5}).values():
        assert block.values.abs().max() < 1e-12, block.name


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


@each_equation
def test_mean_squares_are_the_losses_that_deepxde_itself_computes(equation):
    problem = equation()
    task = problem.task()
    forward = some_for(problem)
    ours = [block.values.square().mean().item() for block in task.residuals(forward, task.everything())]
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
    assert initial.values.tolist() == [2.0]


def test_a_periodic_condition_pairs_points_on_both_sides():
    task = Advection().task()
    x = task.everything().x
    for block in task.residuals(lambda x: x[:, 0:1] ** 2, task.everything())[1:3]:
        left, right = x[block.rows[:, 0]], x[block.rows[:, 1]]
        assert (left[:, 0] == 0).all()
        assert (right[:, 0] == 1).all()
        torch.testing.assert_close(left[:, 1], right[:, 1])
        derivative = "condition 2" in block.name
        torch.testing.assert_close(block.values, torch.full_like(block.values, -2.0 if derivative else -1.0))


def test_a_condition_that_mixes_rows_says_so():
    assert residuals(Level(), some)["condition 1 (LevelBC)"].rows is None


def test_the_penalty_suggested_is_far_under_what_the_tolerance_allows():
    """A fixed penalty floors the accuracy that can be reached."""
    task = Decay().task()
    assert 0 < task.penalty < 1e-4 * task.tolerance**2


def test_weights_multiply_mean_squares():
    class Weighted(Advection):
        weights = (1.0, 2.0, 3.0, 4.0)

    plain, weighted = residuals(Advection(), some).values(), residuals(Weighted(), some).values()
    for weight, a, b in zip(Weighted.weights, plain, weighted, strict=True):
        assert b.scaled.square().sum().item() == pytest.approx(weight * a.scaled.square().sum().item())


def test_residuals_are_in_units_of_the_scale_and_conditions_as_they_are():
    class Scaled(SoftDecay):
        def scale(self, c):
            return 10 * c.k

    plain, scaled = residuals(SoftDecay(), some), residuals(Scaled(), some)
    equation, condition = plain
    torch.testing.assert_close(scaled[equation].values, plain[equation].values / 10)
    torch.testing.assert_close(scaled[condition].values, plain[condition].values)


@pytest.mark.parametrize("size", [0.0, -1.0, float("inf"), float("nan")])
def test_a_scale_that_is_no_size_is_refused(size):
    class Scaled(Decay):
        def scale(self, c):
            return size

    with pytest.raises(ResidualError, match=r"scale of scaled at k=1 .*above 0"):
        Scaled().task()


def test_training_points_are_put_in_their_places_and_fresh_ones_left_where_they_are():
    class Early(SoftDecay):
        def place(self, t, c):
            return t**3

    plain, early = SoftDecay().task(), Early().task()
    expected = plain.everything().x.clone()
    inside = (expected > 0) & (expected < 1)
    expected[inside] **= 3
    torch.testing.assert_close(early.everything().x.sort(dim=0)[0], expected.sort(dim=0)[0])
    assert torch.equal(early.fresh(1).x, plain.fresh(1).x)


def test_the_network_sees_features_of_its_inputs():
    class Seen(Decay):
        def features(self, t, c):
            return torch.cat([t, c.k * t**2, torch.sin(t)], dim=1)

    task = Seen().task(k=2.0)
    batch = task.everything()
    given = []
    task.residuals(lambda x: given.append(x) or x.sum(dim=1, keepdim=True), batch)
    (x,) = given
    torch.testing.assert_close(x, torch.cat([batch.x, 2 * batch.x**2, torch.sin(batch.x)], dim=1))
    torch.testing.assert_close(task.inputs(batch), x)
    assert Seen().initial_network(seed=0).linears[0].in_features == 3
    family = pp.solve_family(Seen(), targets=[{"k": 1.1}], keep=0.5)
    assert family.targets[0].score.value < 1e-3


@pytest.mark.parametrize("distribution", ["uniform", "pseudo", "LHS"])
def test_as_many_points_are_drawn_as_asked_for(distribution):
    class Drawn(Decay):
        points = pp.Points(domain=24, distribution=distribution)

    x = Drawn().task().everything().x
    assert x.shape == (24, 1)
    assert ((x >= 0) & (x <= 1)).all()


def test_a_loop_over_coefficients_leaves_nothing_behind():
    """Derivatives and boundary values are cached inside DeepXDE: they must not leak from one task to the next."""

    class Start(SoftDecay):
        def conditions(self, geometry, c):
            return [dde.icbc.IC(geometry, lambda t: c.k, lambda _, on_initial: on_initial)]

    def losses():
        blocks = [residuals(Start(), some, k=k).values() for k in (1, 2, 3)]
        return [[each.scaled.square().sum().item() for each in pair] for pair in blocks]

    first = losses()
    assert first == losses()
    assert [initial for _, initial in first] == pytest.approx([(np.sin(0.5) - k) ** 2 for k in (1, 2, 3)])


# Bad residuals --------------------------------------------------------------------------------------------------------


def decay_with(result):
    class Broken(Decay):
        def residual(self, t, u, c):
            return result(dde.grad.jacobian(u, t) + c.k * u)

    return Broken()


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


def test_a_reference_of_the_wrong_shape_is_refused():
    class Broken(SoftDecay):
        def reference(self, t, c):
            return np.exp(-c.k * t[:, 0])

    with pytest.raises(ResidualError, match=r"the reference of broken .*shape \(1001,\); expected \(1001, 1\) for u"):
        Broken().task().score(some)


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


@pytest.mark.parametrize("solver", ["levenberg-marquardt", "adam", "lbfgs", "nncg"])
def test_a_residual_that_is_nan_is_bad_input_to_every_solver(solver):
    problem = decay_with(lambda r: r * torch.where(torch.arange(24)[:, None] < 2, torch.nan, 1.0))
    pac = pp.PAC(problem.initial_network(0))
    with pytest.raises(ResidualError, match="the residual is not finite at 2 of 24 points before the first step"):
        pac.fit(problem.task(), solver)


def test_an_error_in_a_residual_leaves_no_trace():
    def fail(r):
        raise ZeroDivisionError

    before = dde.config.real(np)
    with pytest.raises(ZeroDivisionError):
        residuals(decay_with(fail), some)
    assert dde.config.real(np) is before
    assert torch.get_default_dtype() == torch.float32
    residuals(Decay(), some)


# Points, predictions and references -----------------------------------------------------------------------------------


def test_all_coefficients_share_their_training_points():
    a, b = Advection().task(speed=1), Advection().task(speed=2)
    assert torch.equal(a.everything().x, b.everything().x)


def test_fresh_points_are_others_and_the_same_for_the_same_seed():
    task = Decay().task()
    training, fresh = task.everything().x, task.fresh(1).x
    assert len(fresh) == len(training)
    assert not torch.isin(fresh, training).any()
    assert torch.equal(fresh, task.fresh(1).x)
    assert not torch.equal(fresh, task.fresh(2).x)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_points_residuals_and_conditions_have_the_dtype_asked_for(dtype):
    task = Advection().task().to(dtype)
    assert task.everything().x.dtype == dtype
    assert {block.values.dtype for block in task.residuals(some, task.everything())} == {dtype}


def test_predict_applies_the_transform():
    x = np.array([[0.0], [0.5]])
    np.testing.assert_allclose(Decay().task().predict(lambda t: 0 * t + 2, x), [[1.0], [2.0]])


def test_the_score_is_the_relative_l2_error():
    score = SoftDecay().task(k=1.5).score(lambda t: 1.01 * torch.exp(-1.5 * t))
    assert score.name == "relative L2 error"
    assert score.value == pytest.approx(0.01)


def test_there_is_no_score_without_a_reference():
    class Unknown(Decay):
        def reference(self, t, c):
            return None

    assert Unknown().task().score(some) is None


def test_the_grid_covers_the_domain_with_its_boundary():
    x = Advection().task().grid(per_axis=3)
    assert sorted(map(tuple, x)) == [(a, t) for a in (0, 0.5, 1) for t in (0, 0.25, 0.5)]


def test_the_grid_stays_inside_a_domain_that_is_no_box():
    class Round(Advection):
        def geometry(self, c):
            return dde.geometry.GeometryXTime(dde.geometry.Disk([0, 0], 1), dde.geometry.TimeDomain(0, 1))

    x = Round().task().grid(per_axis=5)
    assert np.hypot(x[:, 0], x[:, 1]).max() <= 1 + 1e-6
    assert len(x) == 13 * 5


@pytest.mark.parametrize(
    ("geometry", "low", "high"),
    [
        (dde.geometry.TimeDomain(0, 2), [0], [2]),
        (dde.geometry.Rectangle([-1, 0], [1, 3]), [-1, 0], [1, 3]),
        (dde.geometry.GeometryXTime(dde.geometry.Interval(-1, 1), dde.geometry.TimeDomain(0, 2)), [-1, 0], [1, 2]),
    ],
    ids=["time", "rectangle", "interval with time"],
)
def test_the_bounding_box_has_time_last(geometry, low, high):
    found = bounding_box(geometry)
    np.testing.assert_allclose(found, [low, high])


def test_the_default_network_fits_inputs_and_outputs():
    class Wide(Rotation):
        hidden = (5, 7)

    shapes = [tuple(each.shape) for each in Wide().initial_network(0).parameters() if each.ndim == 2]
    assert shapes == [(5, 1), (7, 5), (2, 7)]
