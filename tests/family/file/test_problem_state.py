"""A family that is loaded has the sizes, points and network with which it was solved."""

import copy

import deepxde as dde
import msgspec
import numpy as np
import pytest

import pacpinn as pp
from pacpinn.equations.rungs import rungs_of
from pacpinn.family.file import codec
from pacpinn.family.file.problem_state import Changes, SizeLine, problem_state, restored
from tests.toys import Decay, SoftDecay, Waves, same_bits, same_family

T = np.linspace(0, 1, 7)[:, None]


class Cooling(pp.Equation):
    """T' = -k (T - 290) on [0, end], T(0) = 290 + rise: its sizes depend on two coefficients."""

    k = pp.Coefficient(1.0, low=0.5, high=2.0)
    rise = pp.Coefficient(50.0, low=5.0, high=500.0, scale="log")
    end = pp.Coefficient(1.0, low=0.5, high=2.0)
    targets = pp.grid(rise=[60.0, 70.0])
    inputs, outputs, points, hidden = ("t",), ("T",), pp.Points(domain=24, boundary=2), (8, 8)

    def geometry(self, c):
        return dde.geometry.TimeDomain(0, c.end)

    def residual(self, t, u, c):
        return dde.grad.jacobian(u, t) + c.k * (u - 290)

    def conditions(self, geometry, c):
        return [dde.icbc.IC(geometry, lambda t: 290 + c.rise, lambda _, on_initial: on_initial)]


@pytest.fixture(scope="module")
def cooling() -> pp.Family:
    return pp.solve_family(Cooling(), targets=[*pp.grid(rise=[60.0]), {"rise": 60.0, "end": 1.2}], keep=0.5)


def same_sizes(a, b) -> bool:
    parts = ("centre", "half", "offset", "size", "variation", "blocks")
    return a.names == b.names and all(same_bits(getattr(a, each), getattr(b, each)) for each in parts)


def after(problem, word: str):
    """The problem as the rung whose name has this word changes it."""
    return next(rung.problem for rung in rungs_of(problem) if word in rung.name)


def through_json(state):
    """The state as a file holds it."""
    return msgspec.json.decode(msgspec.json.encode(state), type=type(state))


def test_members_predict_the_same_where_sizes_depend_on_coefficients(cooling, tmp_path):
    again = pp.load(cooling.save(tmp_path / "cooling.pac"), Cooling())
    assert same_family(again, cooling)
    for c in cooling:
        assert same_sizes(again.problem.sizes_at(c), cooling.problem.sizes_at(c))
        assert again.predict(T, **c).tobytes() == cooling.predict(T, **c).tobytes()
    sizes = [cooling.problem.sizes_at(c) for c in cooling]
    assert sizes[0].size.tolist() != sizes[1].size.tolist()
    assert sizes[1].half.tolist() != sizes[2].half.tolist()


def test_sizes_are_those_of_the_file_even_if_others_would_be_measured_now(cooling, tmp_path, monkeypatch):
    path = cooling.save(tmp_path / "cooling.pac")

    def measured(*_):
        raise AssertionError("sizes were measured again")

    monkeypatch.setattr("pacpinn.equations.size_rule.measure_sizes", measured)
    again = pp.load(path, Cooling())
    assert again.predict(T, rise=60.0).tobytes() == cooling.predict(T, rise=60.0).tobytes()


def test_a_family_that_is_extended_after_a_load_is_the_same(cooling, tmp_path):
    """Along k no size had been measured when the file was written."""
    again = pp.load(cooling.save(tmp_path / "cooling.pac"), Cooling())
    at_once = pp.Family(**vars(cooling.record))
    for each in (again, at_once):
        each.extend([{"k": 1.1}])
    assert same_family(again, at_once)


@pytest.mark.parametrize("word", ["conditions first", "warm-up", "growing horizons", "more points", "wider network"])
def test_what_escalation_has_changed_is_kept(word):
    changed = after(SoftDecay(), word)
    other = restored(SoftDecay(), through_json(problem_state(changed)))
    for name in Changes.__struct_fields__:
        value = getattr(other, name)
        assert (tuple(value) if name in ("horizons", "hidden") else value) == getattr(changed, name)
    assert same_bits(other.initial_network(0), changed.initial_network(0))
    assert other.task().everything().points.tobytes() == changed.task().everything().points.tobytes()


def test_a_problem_as_its_class_states_it_has_no_changes():
    assert problem_state(Decay()).changes == Changes()


@pytest.mark.parametrize("word", ["more points", "wider network"])
def test_a_family_that_escalation_has_changed_is_the_same_after_a_load(tmp_path, word):
    family = pp.solve_family(after(SoftDecay(), word), targets=[{"k": 1.2}], keep=0.5)
    again = pp.load(family.save(tmp_path / "decay.pac"), SoftDecay())
    assert same_family(again, family)
    assert again.predict(T, k=1.2).tobytes() == family.predict(T, k=1.2).tobytes()
    for each in (again, family):
        each.extend([{"k": 1.4}])
    assert same_family(again, family)


def test_a_run_goes_on_with_what_escalation_found(tmp_path, monkeypatch):
    """The problem that is given again is as its file states it; its network is narrower than the family's."""
    found = after(SoftDecay(), "wider network")
    rungs = [rung for rung in rungs_of(SoftDecay()) if "wider" in rung.name]
    monkeypatch.setattr(SoftDecay, "rungs", lambda self: rungs)
    monkeypatch.setattr("pacpinn.continuation.escalation.ColdStart.solved", property(is_wide))
    asked = {"targets": pp.grid(k=[1.2, 1.4]), "keep": 0.5, "effort": 10**6}
    whole = pp.solve_family(SoftDecay(), **asked)
    assert whole.problem.hidden == found.hidden
    with pytest.raises(KeyboardInterrupt):
        pp.solve_family(SoftDecay(), save=tmp_path / "decay.pac", progress=interrupted_after_a_target, **asked)
    assert same_family(pp.solve_family(SoftDecay(), resume=tmp_path / "decay.pac", **asked), whole)


def is_wide(start) -> bool:
    return len(start.masked.network.linears[0].bias) > SoftDecay.hidden[0]


def interrupted_after_a_target(progress):
    if progress.stage == "calibrate" and progress.solution is not None:
        raise KeyboardInterrupt


def test_without_a_state_sizes_are_units():
    """As in files of version 0.1."""
    problem = restored(SoftDecay(), None)
    sizes = problem.sizes_at(problem.at({"k": 2.0}))
    assert (sizes.centre.tolist(), sizes.half.tolist()) == ([0], [1])
    assert (sizes.offset.tolist(), sizes.size.tolist()) == ([0], [1])
    assert (sizes.names, sizes.blocks.tolist()) == ((), [])
    (block, condition) = problem.task().residuals(lambda t: 2 + 0 * t, problem.task().everything())
    assert block.values.detach().numpy() == pytest.approx(2)
    assert condition.values.detach().numpy() == pytest.approx(1)


@pytest.mark.parametrize(
    "change",
    [
        {"sizes": [0.0] * 3},
        {"blocks": ("residual", "condition 1", "condition 2")},
        {"lines": {"k": SizeLine([0.0, 1.0], [[0.0] * 7])}},
        {"lines": {"k": SizeLine([0.0], [[0.0] * 3])}},
        {"lines": {"k": SizeLine([], [])}},
        {"lines": {"rate": SizeLine([0.0], [[0.0] * 7])}},
        {"changes": Changes(points=(24, -1, 0))},
        {"changes": Changes(hidden=(-8,))},
    ],
)
def test_a_state_of_another_shape_is_refused(change):
    state = problem_state(SoftDecay())
    assert len(state.sizes) == 7
    with pytest.raises(ValueError, match=r"sizes|below 0"):
        restored(SoftDecay(), msgspec.structs.replace(state, **change))


def test_the_problem_that_was_given_stays_as_it_is():
    problem = SoftDecay()
    before = copy.copy(vars(problem))
    restored(problem, problem_state(after(SoftDecay(), "wider network")))
    restored(problem, None)
    assert vars(problem) == before


def test_what_is_no_equation_has_no_state(tmp_path):
    waves = Waves()
    assert problem_state(waves) is None
    assert restored(waves, None) is waves
    family = pp.solve_family(waves, targets=[{"shift": 0.1}], keep=0.5, solver=pp.Adam(steps=3))
    assert codec.read_header(family.save(tmp_path / "waves.pac")).state is None
