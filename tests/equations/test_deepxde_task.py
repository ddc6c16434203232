"""Tasks on the points of DeepXDE's own data objects: every kind of condition, with known solutions."""

from __future__ import annotations

import contextlib
import io

import deepxde as dde
import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.equations.collocation import bounding_box
from pacpinn.equations.curriculum import Horizon
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.runtime.deepxde_backend import deepxde_defaults
from pacpinn.runtime.isolation import untouched
from pacpinn.solvers.base import Status
from pacpinn.transfer.from_scratch import cold_start
from tests.equations.deepxde_data import KNOWN, RATE, Known, dirichlet, fractional, network, on_a_line
from tests.toys import blocks_of, network_of


@pytest.fixture(params=KNOWN)
def known(request) -> tuple[pp.GivenEquation, Known]:
    case = KNOWN[request.param]
    return pp.from_deepxde(case.make_data, network(case.inputs, case.outputs), RATE, name=request.param), case


def residuals(problem, function, rate):
    return blocks_of(problem.task(rate=rate), function)


def test_residuals_of_the_solution_vanish_and_others_do_not(known):
    problem, case = known
    accuracy = 2e-3 if case.make_data is fractional else 1e-9  # of the fractional derivative's discretisation
    for rate in (1.0, 2.5):
        blocks = residuals(problem, lambda x, rate=rate: case.exact(x, rate), rate)
        assert len(blocks) == case.outputs + case.conditions
        assert all(each.values.abs().max() < accuracy for each in blocks)
        wrong = residuals(
            problem, lambda x, rate=rate: case.exact(x, rate) + x[:, 0:1] ** 2 * torch.sin(5 * x[:, 0:1] + 1) + 1, rate
        )
        assert wrong[0].values.abs().max() > 10 * accuracy


@pytest.mark.parametrize(
    ("name", "condition"),
    [
        ("NeumannBC", 1),
        ("RobinBC", 1),
        ("OperatorBC", 1),
        ("PointSetBC", 0),
        ("PointSetOperatorBC", 1),
        ("PeriodicBC", 2),
    ],
)
def test_a_condition_that_is_not_met_shows(name, condition):
    case = KNOWN[name]
    problem = pp.from_deepxde(case.make_data, network(case.inputs), RATE)
    block = residuals(problem, lambda x: 2 * case.exact(x, 1.5) + x[:, 0:1], 1.5)[1 + condition]
    assert block.values.abs().max() > 0.05


def test_both_jacobians_agree(known):
    problem, _ = known
    objective = Objective(problem.task(), MaskedNetwork(problem.initial_network(0).double()))
    z = objective.masked.start[None]
    found, general = objective.linearise(z).jacobian, objective.general_jacobian(z)
    assert (found - general).abs().max() <= 1e-10 * general.abs().max()


def test_losses_are_those_that_deepxde_computes(known):
    problem, _ = known
    task, forward = problem.task(), problem.initial_network(0).double()
    ours = [each.values.square().mean().item() for each in blocks_of(task, forward)]
    with (
        untouched(seed=0),
        deepxde_defaults(torch.float64, torch.device("cpu")),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        model = dde.Model(problem.data(problem.source), forward)
        model.compile("adam", lr=1e-3)
        data = model.data
        _, theirs = model.outputs_losses_train(data.train_x, data.train_y, data.train_aux_vars)
    assert ours == pytest.approx(theirs.tolist(), rel=1e-10)


def test_fresh_points_are_others(known):
    problem, case = known
    task = problem.task()
    training, fresh = task.everything(), task.fresh(1)
    if case.make_data is not fractional:  # on its fixed mesh
        assert fresh.x.shape[1] == training.x.shape[1]
        inside = slice(sum(training.counts), None)
        assert not np.isin(fresh.points[inside].round(9), training.points[inside].round(9)).all()
    loss = task.loss(network_of(task, lambda x: case.exact(x, problem.source.rate)), fresh)
    assert loss < (1e-3 if case.make_data is fractional else 1e-15)


@pytest.mark.parametrize("name", ["DirichletBC", "IDE", "FPDE"])
def test_measurements_are_further_residuals(name):
    case = KNOWN[name]
    problem = pp.from_deepxde(case.make_data, network(), RATE)
    points = np.array([[0.2], [0.6]])
    values = case.exact(torch.as_tensor(points), 1.5).numpy()
    for physics in (True, False):
        task = problem.task(rate=1.5).with_measurements(pp.Measurements(points, values + 0.02, 0.01), physics=physics)
        exact = network_of(task, lambda x: case.exact(x, 1.5))
        *others, measured = task.residuals(exact, task.everything())
        assert measured.values.tolist() == pytest.approx([-2, -2])
        assert len(others) == (1 + case.conditions if physics else 0)


def test_data_are_made_for_each_target_not_for_each_evaluation():
    made = []

    def make_data(c):
        made.append(c)
        return on_a_line(dirichlet)(c)

    problem = pp.from_deepxde(make_data, network(), RATE)
    task = problem.task()
    forward, points = problem.initial_network(0).double(), task.everything()
    before = len(made)
    for _ in range(5):
        task.residuals(forward, points)
    assert len(made) <= before + 1


# Chosen points --------------------------------------------------------------------------------------------------------


def test_points_are_chosen_by_the_residual_and_the_solution_still_solves(known):
    problem, case = known
    task = problem.task()
    exact = network_of(task, lambda x: case.exact(x, problem.source.rate))
    wrong = network_of(task, lambda x: case.exact(x, problem.source.rate) + torch.exp(-80 * (x[:, :1] - 0.5) ** 2))
    chosen = task.redrawn(wrong, 1)
    if not problem.pointwise:
        assert chosen is None  # its matrices of weights belong to its points
        return
    batch, training = chosen.everything(), task.everything()
    assert len(batch.x) - sum(batch.counts) == len(training.x) - sum(training.counts)
    assert all(each.values.abs().max() < 1e-9 for each in chosen.residuals(exact, batch))


def test_half_of_them_lie_where_the_residual_is_large_whatever_the_object_draws():
    time = dde.geometry.TimeDomain(0, 1)

    def task(**points):
        def make_data(c):
            return dde.data.PDE(time, lambda t, u: dde.grad.jacobian(u, t) + c.rate * u, [], **points)

        return pp.from_deepxde(make_data, network(), RATE).task()

    for made, count in ((task(num_domain=80), 80), (task(anchors=np.linspace(0, 1, 60)[:, None]), 60)):
        late = network_of(made, lambda t: torch.where(t < 0.25, torch.sin(40 * t), torch.exp(-1.5 * t)))
        x = made.redrawn(late, 1).everything().x
        assert len(x) == count
        assert 0.4 < (x < 0.25).double().mean() < 0.9


# Growing horizons -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["PeriodicBC", "components", "IDE"])
def test_a_horizon_bounds_the_points_that_are_drawn_and_the_solution_still_solves(name):
    case = KNOWN[name]
    problem = pp.from_deepxde(case.make_data, network(case.inputs, case.outputs), RATE)
    whole, task = problem.task(), problem.task().at_stage(Horizon(0.25))
    exact = network_of(task, lambda x: case.exact(x, problem.source.rate))
    end = bounding_box(problem.geometry(problem.source))[1][-1]
    for batch in (task.everything(), task.fresh(1)):
        inside = batch.x[sum(batch.counts) :, -1]
        assert 0.1 * end < inside.max() <= 0.25 * end
        assert len(inside) == len(whole.everything().x) - sum(whole.everything().counts)
        assert len(batch.counts) == case.conditions
        assert all(each.values.abs().max() < 1e-9 for each in task.residuals(exact, batch))


@pytest.mark.parametrize(("count", "expected"), [(5, 2 + 2 + 5), (0, 2 + 3)], ids=["some", "alone"])
def test_anchors_after_the_horizon_are_left_out_and_anchors_alone_are_drawn_anew(count, expected):
    time = dde.geometry.TimeDomain(0, 1)

    def make_data(c):
        start = dde.icbc.IC(time, lambda t: np.ones_like(t), lambda _, on_initial: on_initial)
        anchors = np.array([[0.1], [0.2], [0.8]])
        return dde.data.PDE(time, lambda t, u: dde.grad.jacobian(u, t) + c.rate * u, start, count, 2, anchors=anchors)

    task = pp.from_deepxde(make_data, network(), RATE).task().at_stage(Horizon(0.5))
    points = task.everything().points[1:]
    assert len(points) == expected
    assert points.max() <= 0.5


class SoftPendulum(pp.Equation):
    """u' = v, v' = -k sin u up to t = 12, from u = 2 at rest: long enough that a plain cold start rests elsewhere."""

    k = pp.Coefficient(1.0, low=0.5, high=2.0, doc="gravity over length")
    inputs, outputs, points = ("t",), ("u", "v"), pp.Points(domain=96, boundary=2)

    def geometry(self, c):
        return dde.geometry.TimeDomain(0, 12)

    def residual(self, t, y, c):
        u_t, v_t = dde.grad.jacobian(y, t, i=0), dde.grad.jacobian(y, t, i=1)
        return [u_t - y[:, 1:2], v_t + c.k * torch.sin(y[:, 0:1])]

    def conditions(self, geometry, c):
        first = lambda _, on_initial: on_initial  # noqa: E731
        return [
            dde.icbc.IC(geometry, lambda t: np.full_like(t, 2), first, component=0),
            dde.icbc.IC(geometry, lambda t: np.zeros_like(t), first, component=1),
        ]


def as_data(equation):
    """The same ordinary differential equation as a data object of DeepXDE's."""

    def make_data(c):
        time, points = equation.geometry(c), equation.points
        conditions = equation.conditions(time, c)
        return dde.data.PDE(time, lambda t, y: equation.residual(t, y, c), conditions, points.domain, points.boundary)

    attributes = {"inputs": equation.inputs, "outputs": equation.outputs}
    return pp.from_deepxde(make_data, lambda: equation.network(0), equation.coefficients, **attributes)


def test_a_class_and_a_data_object_draw_the_same_points_up_to_a_horizon():
    of_class, of_data = (
        each.task().at_stage(Horizon(0.25)).everything() for each in (SoftPendulum(), as_data(SoftPendulum()))
    )
    assert of_class.counts == of_data.counts
    assert np.sort(of_class.points, axis=0) == pytest.approx(np.sort(of_data.points, axis=0))


@pytest.mark.parametrize("made", [lambda each: each, as_data], ids=["class", "data object"])
def test_growing_horizons_solve_what_a_plain_cold_start_does_not(made):
    problem = made(SoftPendulum())
    (grown,) = (rung.problem for rung in problem.rungs() if rung.name == "growing horizons")
    found = [cold_start(each.initial_network(0), each.task())[1] for each in (problem, grown)]
    assert [each.status for each in found] == [Status.STALLED, Status.CONVERGED]
