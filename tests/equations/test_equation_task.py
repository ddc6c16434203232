"""An equation at fixed coefficients: points, references, errors."""

import deepxde as dde
import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.equations.curriculum import Horizon
from pacpinn.errors import ResidualError, SizeError
from tests.toys import Advection, Decay, Rotation, SoftDecay, blocks_of, network_of


def some(t):
    """A function like a network's: not a solution of anything."""
    return torch.sin(3 * t.sum(1, keepdim=True) + 0.5)


def residuals(equation, forward, **values):
    task = equation.task(**values)
    return {block.name: block for block in task.residuals(forward, task.everything())}


def decay_with(result):
    class Broken(Decay):
        def residual(self, t, u, c):
            return result(dde.grad.jacobian(u, t) + c.k * u)

    return Broken()


def test_the_penalty_suggested_is_far_under_what_the_tolerance_allows():
    """A fixed penalty floors the accuracy that can be reached."""
    task = Decay().task()
    assert 0 < task.penalty < 1e-4 * task.tolerance**2


@pytest.mark.parametrize("size", [0.0, -1.0, float("inf"), float("nan")])
def test_a_scale_that_is_no_size_is_refused(size):
    class Scaled(Decay):
        def scale(self, c):
            return size

    with pytest.raises(SizeError, match=r"scale of scaled at k=1 .*above 0"):
        residuals(Scaled(), some)
    with pytest.raises(SizeError, match=r"scale of scaled at k=1 .*above 0"):
        pp.solve_family(Scaled())


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
        blocks = [blocks_of(Start().task(k=k), some) for k in (1, 2, 3)]
        return [[each.scaled.square().sum().item() for each in pair] for pair in blocks]

    first = losses()
    assert first == losses()
    assert [initial for _, initial in first] == pytest.approx([(np.sin(0.5) - k) ** 2 for k in (1, 2, 3)])


def test_a_reference_of_the_wrong_shape_is_refused():
    class Broken(SoftDecay):
        def reference(self, t, c):
            return np.exp(-c.k * t[:, 0])

    with pytest.raises(ResidualError, match=r"the reference of broken .*shape \(1001,\); expected \(1001, 1\) for u"):
        Broken().task().score(some)


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
    with pytest.raises(ResidualError, match="ZeroDivisionError"):
        residuals(decay_with(fail), some)
    assert dde.config.real(np) is before
    assert torch.get_default_dtype() == torch.float32
    residuals(Decay(), some)


def test_all_coefficients_share_their_training_points():
    a, b = Advection().task(speed=1), Advection().task(speed=2)
    assert torch.equal(a.everything().x, b.everything().x)


def late(task):
    """A network that solves the decay from t = 0.25 on only."""
    return network_of(
        task, lambda t: torch.where(t < 0.25, 1 + t * torch.sin(40 * t), torch.exp(-task.coefficients.k * t))
    )


def test_points_are_chosen_where_the_residual_is_large():
    class Many(SoftDecay):
        points = pp.Points(domain=200, boundary=2)

    task = Many().task()
    x, plain = task.redrawn(late(task), 1).everything().x, task.everything().x
    assert x.shape == plain.shape
    assert (plain < 0.25).double().mean() < 0.3
    assert 0.45 < (x < 0.25).double().mean() < 0.85  # half of them by the residual, half evenly
    inside = set(x[(x > 0) & (x < 1)].tolist())
    assert not inside & set(task.fresh(1).x.flatten().tolist())
    assert not torch.equal(x, task.redrawn(late(task), 2).everything().x)
    assert torch.equal(x, task.redrawn(late(task), 1).everything().x)


def test_chosen_points_stay_before_a_horizon_and_are_chosen_anew_from_all_of_it():
    task = SoftDecay().task().at_stage(Horizon(0.5))
    once = task.redrawn(late(task), 1)
    assert once.everything().x.max() <= 0.5
    assert torch.equal(once.redrawn(late(task), 2).everything().x, task.redrawn(late(task), 2).everything().x)


def test_points_are_chosen_as_often_as_the_equation_allows():
    class Twice(SoftDecay):
        adaptive = 2

    task = Twice().task()
    assert task.redrawn(late(task), 2) is not None
    assert task.redrawn(late(task), 3) is None


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
    task = Decay().task()
    np.testing.assert_allclose(task.predict(network_of(task, lambda t: 0 * t + 2), x), [[1.0], [2.0]])


def test_the_score_is_the_error_relative_to_the_variation():
    task = SoftDecay().task(k=1.5)
    exact = task.reference_on_grid()[1]
    score = task.score(network_of(task, lambda t: torch.exp(-1.5 * t) + 0.01))
    assert score.name == "relative error"
    assert score.value == pytest.approx(0.01 / exact.std())


def test_the_score_is_that_of_the_worst_output():
    class Plain(Rotation):
        def transform(self, t, y, c):
            return y

    task = Plain().task(w=1.5)
    exact = task.reference_on_grid()[1]

    def wrong(t):
        return torch.cat([torch.sin(1.5 * t) + 0.01, torch.cos(1.5 * t) + 0.002], dim=1)

    assert task.score(network_of(task, wrong)).value == pytest.approx(0.01 / exact[:, 0].std())


def test_the_error_of_a_constant_is_relative_to_the_variation_that_is_expected():
    class Constant(SoftDecay):
        """u' = k (1 - u) with u(0) = 1: u = 1."""

        def residual(self, t, u, c):
            return dde.grad.jacobian(u, t) + c.k * (u - 1)

        def reference(self, t, c):
            return np.ones_like(t)

    task = Constant().task()
    sizes = Constant().sizes_at(task.coefficients)
    score = task.score(network_of(task, lambda t: 1 + 0.01 * sizes.variation[0] + 0 * t))
    assert 0 < sizes.variation[0] <= 1
    assert score.value == pytest.approx(0.01)


def test_there_is_no_score_without_a_reference():
    class Unknown(Decay):
        def reference(self, t, c):
            return None

    assert Unknown().task().score(some) is None


def test_validation_is_the_loss_on_points_of_its_own():
    task, network = Decay().task(), Decay().initial_network(0).double()
    seen = {tuple(row) for batch in (task.everything(), task.fresh(1)) for row in task.inputs(batch).tolist()}
    assert not seen & {tuple(row) for row in task.inputs(task.fresh(2)).tolist()}
    assert task.validation(network) == task.loss(network, task.fresh(2))
