"""``pacpinn solve``: what it solves, writes and shows."""

import re
from dataclasses import replace

import numpy as np
import pytest

import pacpinn as pp
from tests.cli import FILES, QUICK, rows
from tests.command_line import run
from tests.toys import problem_file


def test_solve_writes_family_table_and_figures(place):
    assert {path.name for path in (place / "decay").iterdir()} == FILES
    table = rows((place / "decay" / "table.csv").read_text())
    assert [float(row["k"]) for row in table] == [1.0, 1.3, 1.6]
    assert {row["status"] for row in table} == {"converged"}


def test_solve_shows_the_members_and_what_it_wrote(tmp_path):
    outcome = run("solve", problem_file(tmp_path), *QUICK, "--targets", "k=1.1,1.2")
    assert outcome.code == 0
    assert [line.split()[1] for line in outcome.out.splitlines()[2:5]] == ["1", "1.1", "1.2"]
    shown = r"wrote decay.pac, table.csv, .* in decay/\nsizes: inputs t 0 to 1; .*\n2 of 2 targets converged; [\d.]+ s"
    assert re.search(shown, outcome.out)
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
    assert list(found) == ["problem", "sizes", "bases", "source", "targets", "refinement"]
    assert found["bases"] == [{"k": 0.9}]
    assert found["problem"] == "decay"
    assert found["sizes"]["inputs"] == {"t": [0, 1]}
    assert list(found["sizes"]["blocks"]) == ["residual"]
    members = [found["source"], *found["targets"]]
    assert [each["coefficients"] for each in members] == [{"k": 0.9}, {"k": 1.1}]
    for each in members:
        measured = ["metric", "error", "error_estimate", "error_bound", "residual", "steps", "seconds"]
        assert list(each) == ["coefficients", "status", "base", "reached", "singular", *measured]
        assert (each["status"], each["metric"]) == ("converged", "relative error")
        assert 0 < each["error"] < 0.1
        assert 0 < each["error_estimate"] <= 1e-2
        assert each["error_estimate"] <= each["error_bound"]


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
        (["--effort", "ninety"], "effort='ninety'; expected a number of steps, as 2000, or of seconds, as '90 s'"),
    ],
)
def test_bad_ranges_and_efforts(tmp_path, arguments, reason):
    outcome = run("solve", problem_file(tmp_path), *arguments)
    assert outcome.code == 2
    assert reason in outcome.err
    assert not (tmp_path / "decay").exists()


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
    assert run("solve", path, *arguments, "--device", "cpu", "--effort", "90s", "--targets", "k=1.1").code == 0
    settings = run("info", "decay/decay.pac", "--problem", path, "--json").json()["settings"]
    assert (settings["keep"], settings["seed"], settings["tolerance"]) == (0.6, 3, 0.1)
    assert settings["effort"] == "90 s"
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
