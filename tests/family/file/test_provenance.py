"""What decides a family, to a header and back, and compared."""

import functools
from dataclasses import replace

import msgspec
import pytest
import torch

import pacpinn as pp
from pacpinn.equations.parametric import parametric
from pacpinn.errors import FamilyFileError
from pacpinn.family.file.provenance import differences, problem_of, run_spec, settings_of, source_hash
from pacpinn.sweep.requests import RangeRequest, TargetRequest
from pacpinn.transfer.pruning import layer_magnitude
from tests.toys import Decay, SoftDecay, problem_file

CPU = torch.device("cpu")
SOURCE = pp.Coefficients(k=1.0)
TARGETS = TargetRequest((pp.Coefficients(k=1.2),), begun=1)
RANGE = RangeRequest({"k": (1.0, 2.0)}, 1e-3, 40, begun=2)


def spec(problem=None, source=SOURCE, requests=(TARGETS,), **settings):
    return run_spec(problem or Decay(), source, pp.Settings(**settings), list(requests))


@pytest.mark.parametrize(
    "settings",
    [
        pp.Settings(),
        pp.Settings(keep=0.5, solver="lbfgs", tolerance=1e-4, batch=3, tree="spine", dtype=torch.float32),
        pp.Settings(method="fine-tuning", solver=[pp.Adam(steps=3), "lbfgs"], always_kept=("*.bias",), seed=4),
    ],
)
def test_settings_come_back(settings):
    header = run_spec(Decay(), SOURCE, settings, []).settings
    assert settings_of(header, CPU) == replace(settings, device=CPU)


def test_a_criterion_of_ones_own_is_its_name():
    assert spec(criterion=layer_magnitude).settings.criterion == "layer_magnitude"
    assert spec(criterion=functools.partial(layer_magnitude)).settings.criterion == "partial"


@pytest.mark.parametrize("dtype", ["float7", "load"])
def test_a_dtype_that_is_none(dtype):
    header = msgspec.structs.replace(spec().settings, dtype=dtype)
    with pytest.raises((ValueError, AttributeError), match=dtype):
        settings_of(header, CPU)


def test_equal_runs_do_not_differ():
    assert differences(spec(keep=0.5), spec(keep=0.5)) == []


def test_a_run_may_go_on_from_the_first_of_its_requests():
    assert differences(spec(), spec(requests=[TARGETS, RANGE])) == []
    assert differences(spec(requests=[TARGETS, RANGE]), spec()) == [f"{RANGE} there, not asked"]
    assert differences(spec(), spec(requests=[RANGE])) == [f"{TARGETS} there, {RANGE} asked"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"keep": 0.6}, ["keep: 0.7 there, 0.6 asked"]),
        ({"solver": "adam", "seed": 3}, ["solver: the default there, adam asked", "seed: 0 there, 3 asked"]),
        ({"source": pp.Coefficients(k=1.1)}, ["source: k=1 there, k=1.1 asked"]),
        ({"problem": pp.soft(Decay())}, ["soft: False there, True asked"]),
    ],
)
def test_differences_in_words(asked, words):
    assert differences(spec(), spec(**asked)) == words


def test_a_changed_file_is_a_difference(tmp_path):
    file = problem_file(tmp_path)
    before = spec(pp.get_problem(str(file)))
    file.write_text(file.read_text() + "\n# changed\n")
    assert differences(before, spec(pp.get_problem(str(file)))) == ["the problem's file: its content has changed"]


def test_a_problem_of_no_file_has_no_hash():
    made = type("Made", (Decay,), {"__module__": "nowhere"})
    assert source_hash(made()) == ""
    assert len(source_hash(Decay())) == 64


@pytest.mark.parametrize(
    "form", [pp.soft, lambda problem: parametric(problem, {"k": (1.0, 2.0)}), lambda problem: problem]
)
def test_a_problem_comes_back_in_the_form_in_which_it_was_solved(tmp_path, form):
    header = spec(form(Decay())).problem
    assert spec(problem_of(tmp_path, header, Decay())).problem == header


def test_an_installed_problem_needs_its_name_only(tmp_path):
    header = spec(pp.get_problem("burgers")).problem
    assert header.installed
    assert problem_of(tmp_path, header, None).name == "burgers"


@pytest.mark.parametrize(("given", "message"), [(None, "which is not installed"), (SoftDecay(), "not of soft_decay")])
def test_another_problem_is_refused(tmp_path, given, message):
    with pytest.raises(FamilyFileError, match=message):
        problem_of(tmp_path, spec().problem, given)
