"""DeepXDE's own data objects as families."""

from __future__ import annotations

import contextlib
import io

import deepxde as dde
import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.errors import PacpinnError, ResidualError
from pacpinn.runtime.isolation import untouched
from tests.equations.deepxde_data import (
    LINE,
    RATE,
    dirichlet,
    everywhere,
    network,
    neumann,
    on_a_line,
    travelling,
    turning,
    volterra,
)
from tests.toys import network_of


def test_a_family_is_solved_and_stored(tmp_path):
    problem = pp.from_deepxde(
        on_a_line(dirichlet), network(), RATE, targets=pp.grid(rate=[1.7, 1.9]), tolerance=1e-3, name="growth"
    )
    family = pp.solve_family(problem, keep=0.5)
    x = np.linspace(0, 1, 20)[:, None]
    for rate in (1.5, 1.7, 1.9):
        assert family[{"rate": rate}].status == "converged"
        assert np.abs(family.predict(x, rate=rate) - np.exp(rate * x)).max() < 1e-2
    assert np.abs(family.predict(x, rate=1.8, tolerance=1e-2) - np.exp(1.8 * x)).max() < 2e-2  # in the members' span
    loaded = pp.load(family.save(tmp_path / "growth.pac"), problem)
    assert np.array_equal(loaded.predict(x, rate=1.7), family.predict(x, rate=1.7))


def test_an_integral_equation_is_solved_but_not_between_its_members():
    problem = pp.from_deepxde(volterra, network(), RATE, targets=pp.grid(rate=[1.8]), tolerance=2e-3)
    family = pp.solve_family(problem, keep=0.5)
    x = np.linspace(0, 2, 20)[:, None]
    assert np.abs(family.predict(x, rate=1.8) - 1.8 * np.exp(-x) * np.cosh(x)).max() < 1e-2
    with pytest.raises(PacpinnError, match="volterra has integrals in it"):
        family.at(rate=1.6)
    with pytest.raises(PacpinnError, match="has integrals in it"):
        pp.solve_family(problem, within={"rate": (1, 2)})


def test_a_trained_model_is_taken_over_with_its_transforms():
    with untouched(0):
        net = dde.nn.FNN([1, 10, 10, 1], "tanh", "Glorot normal")
    net.apply_feature_transform(lambda x: 2 * x - 1)
    net.apply_output_transform(lambda x, u: 1 + x * u)  # u(0) = 1
    made = on_a_line(neumann, num_domain=24)
    with untouched(0), contextlib.redirect_stdout(io.StringIO()):
        model = dde.Model(made(pp.Coefficients(rate=1.5)), net)
        model.compile("adam", lr=1e-2)
        model.train(iterations=20, display_every=1000)
        expected = model.predict(np.linspace(0, 1, 5, dtype=np.float32)[:, None])
    problem = pp.from_deepxde(made, model, RATE, tolerance=3e-3, targets=pp.grid(rate=[1.7]))
    task, network_ = problem.task(), problem.initial_network(7).double()
    found = task.predict(network_, np.linspace(0, 1, 5)[:, None])
    assert np.allclose(found, expected, atol=1e-5)
    assert found[0, 0] == 1
    family = pp.solve_family(problem, keep=0.5)
    x = np.linspace(0, 1, 9)[:, None]
    for rate in (1.5, 1.7):  # u'' = rate² u with u(0) = 1 and u'(1) = rate e^rate, as e^(rate x) has
        assert family[{"rate": rate}].status == "converged"
        assert np.abs(family.predict(x, rate=rate) - np.exp(rate * x)).max() < 1e-2


def test_the_solution_of_the_data_object_is_the_reference():
    def make_data(c):
        return on_a_line(dirichlet, solution=lambda x: np.exp(c.rate * x))(c)

    problem = pp.from_deepxde(make_data, network(), RATE)
    task = problem.task(rate=2.0)
    assert task.score(network_of(task, lambda x: torch.exp(2 * x))).value < 1e-12


def test_transform_and_reference_as_functions():
    def transform(x, y, c):
        return torch.exp(c.rate * x) + 0 * y

    problem = pp.from_deepxde(
        on_a_line(dirichlet), network(), RATE, transform=transform, reference=lambda x, c: np.exp(c.rate * x)
    )
    assert problem.task(rate=2.0).score(torch.zeros_like).value < 1e-12


def test_names_of_inputs_and_outputs():
    assert pp.from_deepxde(travelling, network(2), RATE).inputs == ("x", "t")
    assert pp.from_deepxde(turning, network(1, 2), RATE).outputs == ("u1", "u2")
    assert pp.from_deepxde(turning, network(1, 2), RATE, outputs=("s", "c")).outputs == ("s", "c")
    assert pp.from_deepxde(turning, network(1, 2), RATE).name == "turning"


def test_a_network_that_does_not_take_the_points():
    with pytest.raises(PacpinnError, match="network of travelling does not take its points, which have 2 coordinates"):
        pp.from_deepxde(travelling, network(3), RATE)


def test_the_same_conditions_twice_are_refused():
    shared = dde.icbc.DirichletBC(LINE, lambda x: np.exp(x), everywhere)
    problem = pp.from_deepxde(on_a_line(lambda _: shared), network(), RATE)
    with pytest.raises(PacpinnError, match="the same DirichletBC as in an earlier call"):
        problem.task()


def test_points_in_batches_are_refused():
    points = np.linspace(0, 1, 9)[:, None]
    some = on_a_line(lambda rate: dde.icbc.PointSetBC(points, np.exp(rate * points), batch_size=4))
    with pytest.raises(PacpinnError, match=r"PointSetBC with batch_size=4, .*leave batch_size out"):
        pp.from_deepxde(some, network(), RATE)


def test_what_is_no_data_of_equations_is_refused():
    with pytest.raises(PacpinnError, match=r"is a dict; expected a dde\.data\.PDE"):
        pp.from_deepxde(lambda c: {}, network(), RATE)


def test_a_wrong_component_is_named():
    def make_data(c):
        return on_a_line(lambda rate: dde.icbc.DirichletBC(LINE, lambda x: 0 * x, everywhere, component=2))(c)

    problem = pp.from_deepxde(make_data, network(), RATE)
    with pytest.raises(ResidualError, match=r"condition 1 \(DirichletBC\).* component 2, but the solution has 1 \(u\)"):
        problem.sizes_at(problem.source)
