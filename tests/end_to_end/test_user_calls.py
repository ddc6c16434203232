"""How often a user's functions are called: for new points and new coefficients, never for the steps of a solver."""

from collections import Counter

import deepxde as dde
import numpy as np
import pytest

import pacpinn as pp
from pacpinn.transfer.from_scratch import cold_start
from tests.toys import SoftDecay


class Calls(Counter):
    """Calls by function and rate; formulas that are asked for several coefficients at once are left out."""

    def note(self, function, c):
        if np.ndim(c.k) == 0:
            self[function, round(float(c.k), 9)] += 1


def as_a_class(calls):
    class Counted(SoftDecay):
        def geometry(self, c):
            calls.note("geometry", c)
            return super().geometry(c)

        def conditions(self, geometry, c):
            calls.note("statement", c)
            return super().conditions(geometry, c)

    return Counted()


def as_a_data_object(calls):
    def make_data(c):
        calls.note("statement", c)
        time = dde.geometry.TimeDomain(0, 1)
        start = dde.icbc.IC(time, lambda t: np.ones_like(t), lambda _, on_initial: on_initial)
        return dde.data.PDE(time, lambda t, u: dde.grad.jacobian(u, t) + c.k * u, start, 24, 2)

    return pp.from_deepxde(make_data, lambda: SoftDecay().network(0), {"k": SoftDecay.k})


KINDS = pytest.mark.parametrize("made", [as_a_class, as_a_data_object])


@KINDS
def test_the_steps_of_a_solver_call_neither_geometry_nor_conditions(made):
    counts = []
    for steps in (5, 50):
        calls = Calls()
        problem = made(calls)
        calls.clear()
        cold_start(problem.initial_network(0), problem.task(), pp.Adam(steps=steps))
        counts.append(dict(calls))
    assert counts[0] == counts[1]


def test_a_geometry_is_made_once_for_each_solve_of_a_target():
    calls = Calls()
    problem = as_a_class(calls)
    family = pp.solve_family(problem, targets=pp.grid(k=[1.1, 1.3, 1.5, 1.7, 1.9]), keep=0.5)
    assert max(calls["geometry", each.coefficients.k] for each in family.targets) <= 2  # once more to look ahead


@KINDS
def test_an_answer_between_members_asks_once_for_its_solve_and_once_for_its_check(made):
    calls = Calls()
    family = pp.solve_family(made(calls), within={"k": (1, 3)}, tolerance=1e-3, keep=0.5)
    family.at(k=[1.2, 2.3])
    calls.clear()
    ks = np.linspace(1.05, 2.9, 20)
    family.at(k=ks)
    asked = [calls["statement", round(k, 9)] for k in ks.tolist()]
    assert max(asked) <= 2
