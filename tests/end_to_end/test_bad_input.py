"""Bad input through the command line: exit code 2, a message that helps, no traceback, nothing written."""

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from tests.command_line import run
from tests.toys import problem_file


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """An empty folder but for a problem file."""
    monkeypatch.chdir(tmp_path)
    problem_file(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    """A family file of that problem."""
    folder = tmp_path_factory.mktemp("solved")
    arguments = ("--keep", 0.5, "--tolerance", 1e-2, "--targets", "k=1.1", "--output", folder)
    assert run("solve", problem_file(folder), *arguments).code == 0
    return folder / "decay.pac"


def refused(place, *arguments: object) -> str:
    """The message with which a command is refused, after a check that it left nothing behind."""
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*")}
    outcome = run(*arguments)
    assert outcome.code == 2, outcome
    assert outcome.out == ""
    assert outcome.err.startswith("error: ")
    assert "Traceback" not in outcome.err
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*") if path.name != "__pycache__"} == before
    return outcome.err


# solve ----------------------------------------------------------------------------------------------------------------


def test_an_unknown_problem_lists_the_known(place):
    message = refused(place, "solve", "burger")
    assert "no problem 'burger'" in message
    assert "burgers" in message


def test_a_problem_file_that_is_not_there(place):
    assert "there is no file nowhere.py" in refused(place, "solve", "nowhere.py")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import numpy\nimport nothing_of_the_kind\n", "line 2: import nothing_of_the_kind"),
        ("x = 1\ny = (\n", "line 2"),
        ("import pacpinn as pp\n", "holds 0 problems"),
    ],
)
def test_a_problem_file_that_holds_no_problem(place, text, message):
    (place / "bad.py").write_text(text)
    assert message in refused(place, "solve", "bad.py")


def test_a_problem_file_whose_residual_has_the_wrong_shape(place):
    text = (place / "mine.py").read_text().replace("+ c.k * u", "+ c.k * u[:, 0]")
    (place / "bad.py").write_text(text)
    assert "the residual of decay at k=1 has shape (24, 24); expected" in refused(place, "solve", "bad.py")


def test_a_problem_file_whose_residual_is_nan(place):
    text = (place / "mine.py").read_text().replace("+ c.k * u", "+ c.k * u * float('nan')")
    (place / "bad.py").write_text(text)
    assert "residual" in refused(place, "solve", "bad.py")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("mass=2", "decay has no coefficient 'mass'; its coefficients are: k"),
        ("k=fast", "k='fast' is not a number; expected 0.1 to 10 (rate)"),
        ("k=", "k='' is not a number"),
        ("k=nan", "k=nan is not finite"),
        ("k=inf", "k=inf is not finite"),
        ("k=11", "k=11 lies outside its range; expected 0.1 to 10 (rate)"),
        ("0.5", "does not say which coefficient"),
    ],
)
@pytest.mark.parametrize("option", ["--source", "--targets"])
def test_bad_coefficients(place, option, values, message):
    assert message in refused(place, "solve", "mine.py", option, values)


def test_two_values_for_the_source(place):
    assert "k has 2 values" in refused(place, "solve", "mine.py", "--source", "k=1,2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("k\n", "no targets given"),
        ("", "targets.csv is empty"),
        ("mass\n1\n", "no coefficient 'mass'"),
        ("k\n1.1\nfast\n", "targets.csv, line 3: k='fast' is not a number"),
        ("k\nnan\n", "targets.csv, line 2: k=nan is not finite"),
        ("k\n11\n", "k=11 lies outside its range"),
    ],
)
def test_bad_files_of_targets(place, text, message):
    (place / "targets.csv").write_text(text)
    assert message in refused(place, "solve", "mine.py", "--targets", "targets.csv")


def test_a_problem_without_targets_and_none_given(place):
    text = (place / "mine.py").read_text().replace("targets = ", "not_targets = ")
    (place / "bad.py").write_text(text)
    assert "no targets given for decay" in refused(place, "solve", "bad.py")


@pytest.mark.parametrize("keep", ["0", "1", "-0.1", "1.5", "nan"])
def test_keep_outside_its_range(place, keep):
    assert "strictly between 0 and 1" in refused(place, "solve", "mine.py", "--keep", keep)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--solver", "newton", "no solver 'newton'; known are: levenberg-marquardt, adam, lbfgs"),
        ("--device", "abacus", "the device 'abacus' is not there"),
        ("--keep", "much", "--keep"),
        ("--seed", "-1", "--seed"),
        ("--color", "red", "--color"),
    ],
)
def test_bad_settings(place, option, value, message):
    assert message in refused(place, "solve", "mine.py", option, value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="the device is there")
def test_a_device_that_is_not_there(place):
    assert "the device 'cuda' is not there" in refused(place, "solve", "mine.py", "--device", "cuda")


@pytest.mark.parametrize("folder", ["taken", "taken/folder"])
def test_a_folder_that_cannot_be_written_to_is_found_before_solving(place, monkeypatch, folder):
    monkeypatch.setattr("pacpinn.family.solve.solve_family", lambda *_, **__: pytest.fail("solved all the same"))
    (place / "taken").touch()
    assert f"{folder} cannot be written to" in refused(place, "solve", "mine.py", "--output", folder)


def test_arguments_that_are_missing_or_too_many(place):
    assert "PROBLEM" in refused(place, "solve")
    assert "guess" in refused(place, "guess")
    assert "more" in refused(place, "solve", "mine.py", "more")


# predict, plot, info --------------------------------------------------------------------------------------------------


def commands(path: object) -> list[tuple[object, ...]]:
    return [("predict", path, "--at", "k=1.1"), ("plot", path), ("info", path)]


@pytest.mark.parametrize("which", range(3))
def test_family_files_that_are_none(place, solved, which):
    (place / "short.pac").write_bytes(solved.read_bytes()[:-10])
    (place / "text.pac").write_text("hello")
    save_file({"x": np.zeros(3)}, place / "other.pac")
    for name, message in [
        ("short.pac", "truncated, damaged or not"),
        ("text.pac", "truncated, damaged or not"),
        ("other.pac", "not a pacpinn family"),
        ("none.pac", "there is no family file"),
    ]:
        assert message in refused(place, *commands(name)[which], "--problem", "mine.py")


@pytest.mark.parametrize("which", range(3))
def test_a_family_of_ones_own_problem_without_its_file(place, solved, which):
    assert "--problem" in refused(place, *commands(solved)[which])


def test_a_problem_file_that_was_changed_since(place, solved):
    (place / "mine.py").write_text((place / "mine.py").read_text() + "# changed\n")
    assert "its content has changed" in refused(place, "info", solved, "--problem", "mine.py")


def test_predict_outside_the_range_of_the_members(place, solved):
    message = refused(place, "predict", solved, "--at", "k=5", "--problem", "mine.py")
    assert "k=5 lies outside the range k=1 to 1.1" in message
    assert "extend" in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--at", "k=11"), "outside its range"),
        (("--at", "k=1,1.1"), "k has 2 values"),
        (("--at", "k=1.1", "--points", "none.csv"), "none.csv cannot be read"),
        (("--at", "k=1.1", "--points", "points.csv"), "has no column t"),
        (("--at", "k=1.1", "--output", "points.csv/u.csv"), "cannot be written"),
        ((), "--at"),
    ],
)
def test_bad_wishes_to_predict(place, solved, arguments, message):
    (place / "points.csv").write_text("x\n1\n")
    assert message in refused(place, "predict", solved, *arguments, "--problem", "mine.py")


def test_a_folder_for_figures_that_is_a_file(place, solved):
    (place / "taken").touch()
    assert "cannot be written" in refused(place, "plot", solved, "--output", "taken", "--problem", "mine.py")
