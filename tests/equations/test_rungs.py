"""Further tries of a cold start."""

import deepxde as dde
import pytest

import pacpinn as pp
from pacpinn.equations.curriculum import ConditionsFirst, Horizon
from tests.equations.deepxde_data import RATE, dirichlet, network, on_a_line, travelling, volterra
from tests.equations.units import Rod
from tests.toys import Advection, Decay, SoftDecay, Waves, small_network

FIRST, CONDITIONS, WARM, TIME, MORE, WIDE = (
    "another first network",
    "conditions first",
    "a warm-up by Adam",
    "growing horizons",
    "more points",
    "a wider network and more points",
)


def names(problem):
    return [each.name for each in problem.rungs()]


def test_from_the_cheapest_on():
    assert names(Decay()) == [FIRST, WARM, TIME, MORE, WIDE]
    assert names(Advection()) == [FIRST, CONDITIONS, WARM, TIME, MORE, WIDE]


def test_what_an_equation_has_or_cannot_have_is_left_out():
    class Met(SoftDecay):
        conditions_first = True

    class Warm(Decay):
        warm_up = 10

    class Grown(Decay):
        horizons = (0.5,)

    class Own(Decay):
        def network(self, seed):
            return small_network(seed)

    assert names(Rod()) == [FIRST, CONDITIONS, WARM, MORE, WIDE]  # no time
    assert names(Met()) == [FIRST, WARM, TIME, MORE, WIDE]
    assert names(Warm()) == [FIRST, TIME, MORE, WIDE]
    assert names(Grown()) == [FIRST, WARM, MORE, WIDE]
    assert names(Own()) == [FIRST, WARM, TIME, MORE]
    assert list(Waves().rungs()) == []


def test_points_of_a_data_object_stay_and_a_given_network_is_always_the_first():
    made = pp.from_deepxde(on_a_line(dirichlet), network(), RATE)
    given = pp.from_deepxde(on_a_line(dirichlet), dde.nn.FNN([1, 6, 1], "tanh", "Glorot normal"), RATE)
    assert names(made) == [FIRST, CONDITIONS, WARM]
    assert names(given) == [CONDITIONS, WARM]


def test_horizons_grow_where_all_conditions_hold_from_the_beginning_on():
    class AtTheEnd(Decay):
        points = pp.Points(domain=24, boundary=2)

        def conditions(self, geometry, c):
            return [dde.icbc.DirichletBC(geometry, lambda t: 0.3, lambda t, on: on and t[0] > 0.9)]

    assert TIME not in names(AtTheEnd())
    for make_data, inputs in ((travelling, 2), (volterra, 1)):
        assert names(pp.from_deepxde(make_data, network(inputs), RATE)) == [FIRST, CONDITIONS, WARM, TIME]


def test_each_changes_what_it_says_and_leaves_the_problem_as_it_is():
    problem = Advection()
    first, conditions, warm, time, more, wide = problem.rungs()
    assert (first.problem, first.seed) == (problem, 1)
    assert [type(each.stage) for each in conditions.problem.task().easier()] == [ConditionsFirst] * 2
    assert warm.problem.task().warm_up > 0
    shares = [each.stage.share for each in time.problem.task().easier() if isinstance(each.stage, Horizon)]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] < 1
    assert more.problem.task().size == wide.problem.task().size == 2 * problem.task().size
    assert problem.task().warm_up == len(problem.task().easier()) == 0
    assert problem.points == Advection.points


@pytest.mark.parametrize("problem", [Decay(), Rod()], ids=["decay", "rod"])
def test_the_network_is_as_before_but_where_it_is_said_to_be_another(problem):
    def shapes(one):
        return [each.shape for each in one.initial_network(0).parameters()]

    for rung in problem.rungs():
        assert (shapes(rung.problem) == shapes(problem)) is rung.same_network
        assert rung.problem.sizes_at(problem.source).names == problem.sizes_at(problem.source).names
