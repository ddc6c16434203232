"""The commands, run as from a shell."""

import csv
import json
import os
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import pacpinn as pp
from tests.command_line import run
from tests.toys import problem_file

FILES = {"decay.pac", "table.csv", "solutions.png", "errors.png", "losses.png"}
QUICK = ("--keep", 0.5, "--tolerance", 1e-2)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a problem file that prints, and the family that `solve` made of it; only to be read."""
    folder = tmp_path_factory.mktemp("place")
    with problem_file(folder).open("a") as file:
        file.write('\nprint("hello from the problem file")\n')
    outcome = run("solve", folder / "mine.py", *QUICK, "--output", folder / "decay")
    assert outcome.code == 0, outcome.err
    return folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Every command runs in an empty folder, on a page of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


# The program ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["problems", "solve", "predict", "infer", "plot", "info"])
def test_help_teaches(command):
    outcome = run(command, "--help")
    assert outcome.code == 0
    assert command == "problems" or f"pacpinn {command} " in re.sub(r"\x1b\[\d+m", "", outcome.out)


@pytest.mark.parametrize("arguments", [["--help"], []])
def test_help_of_the_program_lists_the_commands(arguments):
    outcome = run(*arguments)
    assert outcome.code == 0
    assert all(name in outcome.out for name in ("problems", "solve", "predict", "infer", "plot", "info"))


def test_help_knows_the_default_of_keep():
    assert f"{pp.Settings().keep} by default" in " ".join(re.sub(r"[│\s]+", " ", run("solve", "--help").out).split())


def test_help_does_not_wait_for_torch(run_python):
    done = run_python("import sys, pacpinn.cli.app; pacpinn.cli.app.main(['--help']); print('torch' in sys.modules)")
    assert done.stdout.endswith("False\n"), done.stderr


def test_version():
    assert run("--version").out == f"pacpinn {pp.__version__}\n"


def test_problems_lists_what_is_installed():
    outcome = run("problems")
    assert outcome.code == 0
    assert all(name in outcome.out for name in ("burgers", "digits", "friedman", "heat", "oscillator"))
    assert "nu = 0.05" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80


# solve ----------------------------------------------------------------------------------------------------------------


def test_solve_writes_family_table_and_figures(place):
    assert {path.name for path in (place / "decay").iterdir()} == FILES
    table = rows((place / "decay" / "table.csv").read_text())
    assert [float(row["k"]) for row in table] == [1.0, 1.3, 1.6]
    assert {row["status"] for row in table} == {"converged"}


def test_solve_shows_the_members_and_what_it_wrote(tmp_path):
    outcome = run("solve", problem_file(tmp_path), *QUICK, "--targets", "k=1.1,1.2")
    assert outcome.code == 0
    assert [line.split()[1] for line in outcome.out.splitlines()[2:5]] == ["1", "1.1", "1.2"]
    assert re.search(r"wrote decay.pac, table.csv, .* in decay/\n2 of 2 targets converged; [\d.]+ s", outcome.out)
    assert re.search(r"^1/3 source: converged after \d+ steps", outcome.err)
    assert {path.name for path in (tmp_path / "decay").iterdir()} == FILES


def test_json_is_one_object_and_nothing_else(tmp_path):
    path = problem_file(tmp_path)
    with path.open("a") as file:
        file.write('\nprint("hello from the problem file")\n')
    outcome = run("solve", path, *QUICK, "--source", "k=0.9", "--targets", "k=1.1", "--json")
    assert outcome.code == 0
    assert "hello from the problem file" in outcome.err
    found = outcome.json()
    assert list(found) == ["problem", "bases", "source", "targets", "refinement"]
    assert found["bases"] == [{"k": 0.9}]
    assert found["problem"] == "decay"
    members = [found["source"], *found["targets"]]
    assert [each["coefficients"] for each in members] == [{"k": 0.9}, {"k": 1.1}]
    for each in members:
        measured = ["metric", "error", "error_estimate", "residual", "steps", "seconds"]
        assert list(each) == ["coefficients", "status", "base", "reached", "singular", *measured]
        assert (each["status"], each["metric"]) == ("converged", "relative L2 error")
        assert 0 < each["error"] < 0.1


def test_targets_from_a_file(tmp_path):
    (tmp_path / "targets.csv").write_text("k\n1.1\n0.9\n")
    found = run("solve", problem_file(tmp_path), *QUICK, "--targets", "targets.csv", "--json").json()
    assert [each["coefficients"]["k"] for each in found["targets"]] == [1.1, 0.9]


def test_several_targets_options_are_a_grid_around_the_source(tmp_path):
    path = problem_file(tmp_path)
    mass = "    mass = pp.Coefficient(1.0, low=0.5, high=2.0)\n    scale = lambda self, c: c.mass\n"
    path.write_text(path.read_text() + mass)
    arguments = ("--source", "mass=1.5,k=0.9", "--targets", "k=1,1.1", "--targets", "mass=1,1.5")
    found = run("solve", path, *QUICK, *arguments, "--json").json()
    assert found["source"]["coefficients"] == {"k": 0.9, "mass": 1.5}
    solved = {tuple(each["coefficients"].values()) for each in found["targets"]}
    assert solved == {(1.0, 1.0), (1.0, 1.5), (1.1, 1.0), (1.1, 1.5)}


def test_conditions_made_soft(tmp_path):
    path = problem_file(tmp_path)
    assert run("solve", path, *QUICK, "--targets", "k=1.1", "--soft").code == 0
    family = pp.load(tmp_path / "decay" / "decay.pac", path)
    assert family.problem.points.boundary == 2


def test_a_range_in_place_of_targets(tmp_path):
    arguments = ("--keep", 0.5, "--tolerance", 2e-3, "--within", "k=1:2", "--output", "out")
    outcome = run("solve", problem_file(tmp_path), *arguments)
    assert outcome.code == 0, outcome.err
    assert re.search(r"k from 1 to 2: estimated error \S+ at most \(asked 0.002\), \d+ members", outcome.out)
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES | {"range.png", "along.png"}
    answer = run("predict", "out/decay.pac", "--at", "k=1.37", "--problem", "mine.py")
    assert answer.code == 0, answer.err
    assert all(abs(float(row["u"]) - np.exp(-1.37 * float(row["t"]))) < 1e-2 for row in rows(answer.out))
    found = run("info", "out/decay.pac", "--problem", "mine.py", "--json").json()["refinement"]
    assert (found["within"], found["tolerance"]) == ({"k": [1, 2]}, 2e-3)
    assert found["reached"] <= 2e-3


def test_a_range_that_is_not_answered_is_exit_code_1(tmp_path):
    arguments = ("--keep", 0.5, "--tolerance", 1e-3, "--within", "k=0.5:8", "--members", 2)
    assert run("solve", problem_file(tmp_path), *arguments).code == 1


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--within", "k=1"], "k=1 is no range; expected k=LOW:HIGH"),
        (["--within", "k=2:1"], "is empty"),
        (["--within", "k=1:2", "--targets", "k=1.5"], "exclude each other"),
        (["--within", "mass=1:2"], "no coefficient 'mass'"),
    ],
)
def test_bad_ranges(tmp_path, arguments, reason):
    outcome = run("solve", problem_file(tmp_path), *arguments)
    assert outcome.code == 2
    assert reason in outcome.err
    assert not (tmp_path / "decay").exists()


def test_doubtful_answers_are_refused_and_given_anyway(place):
    arguments = ("predict", place / "decay" / "decay.pac", "--at", "k=2", "--problem", place / "mine.py")
    refused, given = run(*arguments), run(*arguments, "--anyway")
    assert refused.code == 2
    assert "outside the range" in refused.err
    assert given.code == 0
    assert "outside the range" in given.err
    assert rows(given.out)


def test_a_missed_tolerance_is_exit_code_1(tmp_path, monkeypatch, solved_decay):
    converged, stalled = solved_decay.targets[0], replace(solved_decay.targets[1], status=pp.Status.STALLED)
    members = [solved_decay.source, converged, stalled]
    family = pp.Family(solved_decay.problem, solved_decay.bases, members, solved_decay.settings)
    monkeypatch.setattr("pacpinn.family.solve.solve_family", lambda *_, **__: family)
    outcome = run("solve", problem_file(tmp_path))
    assert outcome.code == 1
    assert "1 of 2 targets converged" in outcome.out


def test_settings_reach_the_family(tmp_path):
    path = problem_file(tmp_path)
    arguments = ("--keep", 0.6, "--seed", 3, "--tolerance", 0.1, "--solver", "lbfgs", "--solver", "levenberg-marquardt")
    assert run("solve", path, *arguments, "--device", "cpu", "--targets", "k=1.1").code == 0
    settings = run("info", "decay/decay.pac", "--problem", path, "--json").json()["settings"]
    assert (settings["keep"], settings["seed"], settings["tolerance"]) == (0.6, 3, 0.1)
    assert settings["solver"] == ["lbfgs", "levenberg-marquardt"]


def test_solving_again_overwrites(tmp_path):
    (tmp_path / "decay").mkdir()
    (tmp_path / "decay" / "table.csv").write_text("old")
    (tmp_path / "decay" / "notes.txt").write_text("mine")
    assert run("solve", problem_file(tmp_path), *QUICK, "--targets", "k=1.1").code == 0
    assert (tmp_path / "decay" / "table.csv").read_text().startswith("k,status")
    assert (tmp_path / "decay" / "notes.txt").read_text() == "mine"


def test_an_interrupt_ends_with_130_and_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("pacpinn.family.solve.solve_family", interrupted)
    outcome = run("solve", problem_file(tmp_path))
    assert (outcome.code, outcome.out) == (130, "")
    assert "interrupted" in outcome.err
    assert not (tmp_path / "decay").exists()


# predict, plot, info --------------------------------------------------------------------------------------------------


def test_predict_on_a_grid_is_what_the_library_says(place):
    outcome = run("predict", place / "decay/decay.pac", "--at", "k=1.3", "--problem", place / "mine.py")
    table = np.array([[float(each) for each in row.values()] for row in rows(outcome.out)])
    assert outcome.out.startswith("t,u\n0.0,1.0\n")
    assert table[[0, -1], 0].tolist() == [0, 1]
    family = pp.load(place / "decay/decay.pac", place / "mine.py")
    assert (family.predict(table[:, :1], k=1.3) == table[:, 1:]).all()


def test_predict_at_points_into_a_file(place, tmp_path):
    (tmp_path / "points.csv").write_text("note,t\n7,0.5\n7,0.25\n")
    arguments = ("--at", "k=1.6", "--points", "points.csv", "--output", "new/u.csv", "--problem", place / "mine.py")
    outcome = run("predict", place / "decay/decay.pac", *arguments)
    assert outcome.out == "wrote new/u.csv\n"
    written = rows((tmp_path / "new/u.csv").read_text())
    assert [row["t"] for row in written] == ["0.5", "0.25"]
    assert float(written[0]["u"]) == pytest.approx(np.exp(-0.8), abs=0.05)


def test_predict_on_points_of_a_problem_without_names_for_its_inputs_is_refused(tmp_path, monkeypatch, family):
    monkeypatch.setattr(type(family.problem), "inputs", ())
    monkeypatch.setattr("pacpinn.family.family.load", lambda *_: family)
    outcome = run("predict", "any.pac", "--at", "k=1.3", "--points", "any.csv")
    assert outcome.code == 2
    assert "predict in Python" in outcome.err


def test_plot_draws_into_a_folder(place, tmp_path):
    outcome = run("plot", place / "decay/decay.pac", "--problem", place / "mine.py", "--output", "figures")
    assert outcome.out == "wrote solutions.png, errors.png, losses.png in figures/\n"
    assert {path.name for path in (tmp_path / "figures").iterdir()} == FILES - {"decay.pac", "table.csv"}


def test_plot_draws_beside_the_family_by_default(place, tmp_path):
    (tmp_path / "mine.pac").write_bytes((place / "decay/decay.pac").read_bytes())
    assert run("plot", "mine.pac", "--problem", place / "mine.py").code == 0
    assert (tmp_path / "errors.png").is_file()


def test_info_tells_what_a_family_is(place):
    outcome = run("info", place / "decay/decay.pac", "--problem", place / "mine.py")
    for expected in (
        "u' = -k u",
        "source    k 1",
        "48 of 97 weights kept (49%)",
        "keep 0.5",
        f"pacpinn {pp.__version__}",
        "kB",
    ):
        assert expected in outcome.out
    assert [line.split()[1] for line in outcome.out.splitlines()[-3:]] == ["1", "1.3", "1.6"]


def test_info_as_json(place):
    found = run("info", place / "decay/decay.pac", "--problem", place / "mine.py", "--json").json()
    assert [each["coefficients"]["k"] for each in found["targets"]] == [1.3, 1.6]
    assert found["weights"] == {"kept": 48, "free": 49}
    assert found["versions"]["pacpinn"] == pp.__version__
    assert found["bytes"] == (place / "decay/decay.pac").stat().st_size


# As a process of its own ----------------------------------------------------------------------------------------------


def test_the_module_is_the_command(tmp_path):
    path = problem_file(tmp_path)
    command = [
        sys.executable,
        "-m",
        "pacpinn",
        "solve",
        str(path),
        "--targets",
        "k=1.1",
        "--tolerance",
        "1e-2",
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["problem"] == "decay"


# infer ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def measured(tmp_path):
    t = np.linspace(0, 1, 30)
    noise = 0.01 * np.random.default_rng(0).normal(size=30)
    path = tmp_path / "data.csv"
    path.write_text("t,u\n" + "\n".join(f"{a},{b}" for a, b in zip(t, np.exp(-1.4 * t) + noise, strict=True)) + "\n")
    return path


def test_infer_shows_estimate_error_and_interval(place, measured):
    outcome = run(
        "infer",
        place / "decay" / "decay.pac",
        measured,
        "--problem",
        place / "mine.py",
        "--unknown",
        "k",
        "--deviation",
        0.01,
    )
    assert outcome.code == 0, outcome.err
    assert all(word in outcome.out for word in ("estimate", "standard error", "95 % from", "misfit", "converged after"))
    assert max(map(len, outcome.out.splitlines())) <= 80
    assert "hello" not in outcome.out


def test_infer_as_json(place, measured):
    found = run("infer", place / "decay" / "decay.pac", measured, "--problem", place / "mine.py", "--json").json()
    low, high = found["intervals"]["k"]
    assert low < found["estimates"]["k"] < high
    assert found["estimates"]["k"] == pytest.approx(1.4, abs=0.1)
    assert found["deviation"] == pytest.approx(0.01, rel=0.5)
    assert found["degrees"] == 29


@pytest.mark.parametrize(
    ("text", "options", "reason"),
    [
        ("x,u\n0,1\n", (), "has no column t; expected a first line that names t and one at least of u"),
        ("t,v\n0,1\n", (), "has no column u"),
        ("t,u\n", (), "holds no measurements"),
        ("t,u\n0.5,0.6\n0.7,\n", (), "measurement 2 of 2 is NaN"),
        ("t,u\n0.5,0.6\n7,0.1\n", (), "outside the domain"),
        ("t,u\n0.5,0.6\n", (), "1 measurements for 1 unknowns"),
        ("t,u\n0.5,0.6\n0.7,0.5\n", ("--unknown", "mass"), "no coefficient 'mass' to find"),
        ("t,u\n0.5,0.6\n0.7,0.5\n", ("--start", "k=100"), "k=100 lies outside its range"),
        ("t,u\n0.5,0.6\n0.7,0.5\n", ("--deviation", "0"), "deviation=0.0; expected"),
        ("t,u\n0,1\n0,1.01\n", (), "k cannot be found"),
    ],
)
def test_infer_refuses_bad_input(place, tmp_path, text, options, reason):
    (tmp_path / "bad.csv").write_text(text)
    outcome = run("infer", place / "decay" / "decay.pac", "bad.csv", "--problem", place / "mine.py", *options)
    assert outcome.code == 2
    assert reason in outcome.err
    assert outcome.out == ""


def test_infer_that_does_not_converge_says_so(place, measured, monkeypatch):
    monkeypatch.setattr("pacpinn.inverse.gauss_newton_search._STEPS", 0)
    monkeypatch.setattr("pacpinn.inverse.inference._BIAS", 0)
    outcome = run("infer", place / "decay" / "decay.pac", measured, "--problem", place / "mine.py")
    assert outcome.code == 1
    assert "max_steps" in outcome.out
