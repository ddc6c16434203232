"""A problem: its coefficients, names, tasks, initial network and distances."""

import pytest
import torch

import pacpinn as pp
from pacpinn.errors import CoefficientError
from tests.toys import Decay, Waves, same_bits, wave


class DampedHeatEquation(pp.Problem):
    alpha = pp.Coefficient(1.0, low=0.1, high=10.0, scale="log")
    damping = pp.Coefficient(0.0, low=0.0, high=2.0)

    def build(self, c):
        self.drawn = torch.rand(1)
        return wave(c.damping)

    def network(self, seed):
        return torch.nn.Linear(1, 1)


class Forced(DampedHeatEquation):
    force = pp.Coefficient(1.0, low=0.0, high=5.0)


def test_the_name_is_the_class_in_snake_case():
    assert DampedHeatEquation().name == "damped_heat_equation"
    assert Decay().name == "decay"


def test_a_subclass_has_the_coefficients_of_its_base_too():
    assert list(Forced.coefficients) == ["alpha", "damping", "force"]
    assert list(DampedHeatEquation.coefficients) == ["alpha", "damping"]


def test_the_default_source_has_every_coefficient_at_its_default():
    assert dict(Forced().source) == {"alpha": 1.0, "damping": 0.0, "force": 1.0}


def test_at_fills_what_is_left_out_from_the_base():
    base = pp.Coefficients(alpha=2.0, damping=1.0, force=3.0)
    assert dict(Forced().at({"force": "4"}, base)) == {"alpha": 2.0, "damping": 1.0, "force": 4.0}


def test_at_names_an_unknown_coefficient_and_lists_the_known():
    with pytest.raises(CoefficientError, match="no coefficient 'beta'; its coefficients are: alpha, damping, force"):
        Forced().at({"beta": 1})


def test_a_task_knows_its_coefficients():
    assert dict(Forced().task(alpha=3).coefficients) == {"alpha": 3.0, "damping": 0.0, "force": 1.0}


def test_a_task_out_of_range_is_refused():
    with pytest.raises(CoefficientError, match="alpha=11 lies outside its range"):
        Forced().task(alpha=11)


def test_a_build_that_draws_at_random_draws_the_same_each_time():
    problem = Forced()
    problem.task()
    first = problem.drawn
    torch.rand(5)
    problem.task()
    assert problem.drawn == first


@pytest.mark.parametrize("problem", [Decay(), Waves()], ids=lambda each: each.name)
def test_the_initial_network_depends_on_the_seed_alone(problem):
    first = problem.initial_network(seed=3)
    torch.rand(5)
    assert same_bits(first, problem.initial_network(seed=3))
    assert not same_bits(first, problem.initial_network(seed=4))


def test_a_problem_needs_build_and_network():
    class Unfinished(pp.Problem):
        def build(self, c):
            return wave()

    with pytest.raises(TypeError, match="network"):
        Unfinished()


def test_a_subclass_may_do_without_a_coefficient():
    class Fixed(Decay):
        k = 2.0

    assert dict(Fixed.coefficients) == {}


class Spring(Decay):
    mass = pp.Coefficient(1.0, low=0.5, high=2.0)


def test_numbers_ask_for_one_coefficient():
    cs, several = Spring().broadcast({"k": "1.5"}, Spring().source)
    assert not several
    assert [dict(c) for c in cs] == [{"k": 1.5, "mass": 1.0}]


def test_arrays_ask_for_many_and_are_broadcast():
    cs, several = Spring().broadcast({"k": [1.0, 2.0], "mass": 0.5}, Spring().source)
    assert several
    assert [tuple(c.values()) for c in cs] == [(1.0, 0.5), (2.0, 0.5)]


def test_arrays_of_different_lengths_are_refused():
    with pytest.raises(CoefficientError, match="do not match"):
        Spring().broadcast({"k": [1.0, 2.0], "mass": [0.5, 1, 2]}, Spring().source)


def test_empty_arrays_are_refused():
    with pytest.raises(CoefficientError, match="no values given for k"):
        Spring().broadcast({"k": []}, Spring().source)


def test_methods_of_version_0_1_warn_and_answer_as_then():
    problem = DampedHeatEquation()
    a, b = problem.at({"alpha": 0.1}), problem.at({"alpha": 10.0})
    for name, present in (("distance", "distance"), ("between", "between"), ("beyond", "beyond")):
        arguments = (a, b, a) if name == "beyond" else (a, b)
        with pytest.warns(DeprecationWarning, match=f"problem.{name} is a method of problem.space now"):
            assert getattr(problem, name)(*arguments) == getattr(problem.space, present)(*arguments)
    with pytest.warns(DeprecationWarning, match=r"problem\.positions"):
        assert problem.positions([a, b]).tolist() == problem.space.places([a, b]).tolist()
    with pytest.warns(DeprecationWarning, match=r"problem\.way"):
        assert problem.way({"alpha": 0.1}, b, 0.3) == problem.space.path(a, b, 0.3)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        problem.nonsense  # noqa: B018
