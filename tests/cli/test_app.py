"""The program: help, errors and exit codes, and the commands ``problems``, ``plot`` and ``info``."""

import json
import os
import re
import subprocess
import sys

import pytest

import pacpinn as pp
from tests.cli import FILES
from tests.command_line import run
from tests.toys import problem_file


@pytest.mark.parametrize("command", ["problems", "solve", "predict", "infer", "rerun", "plot", "info"])
def test_help_teaches(command):
    outcome = run(command, "--help")
    assert outcome.code == 0
    assert command == "problems" or f"pacpinn {command} " in re.sub(r"\x1b\[\d+m", "", outcome.out)


@pytest.mark.parametrize("arguments", [["--help"], []])
def test_help_of_the_program_lists_the_commands(arguments):
    outcome = run(*arguments)
    assert outcome.code == 0
    assert all(name in outcome.out for name in ("problems", "solve", "predict", "infer", "rerun", "plot", "info"))


def test_help_of_solve_knows_the_default_of_keep_and_the_extra_for_clusters():
    page = " ".join(re.sub(r"[│\s]+", " ", run("solve", "--help").out).split())
    assert f"{pp.Settings().keep} by default" in page
    assert page.count("needs pacpinn[dask]") == 2


@pytest.mark.parametrize("arguments", ["['--help']", "['solve', '--help']"])
def test_help_does_not_wait_for_torch(run_python, arguments):
    slow = "[each for each in ('torch', 'deepxde', 'numpy', 'scipy', 'matplotlib') if each in sys.modules]"
    done = run_python(f"import sys, pacpinn.cli.app; pacpinn.cli.app.main({arguments}); print({slow})")
    assert done.stdout.endswith("\n[]\n"), done.stdout + done.stderr


def test_version():
    assert run("--version").out == f"pacpinn {pp.__version__}\n"


def test_problems_lists_what_is_installed():
    outcome = run("problems")
    assert outcome.code == 0
    assert all(name in outcome.out for name in ("burgers", "digits", "friedman", "heat", "oscillator"))
    assert "nu = 0.05" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80


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
        "sizes     inputs t 0 to 1; outputs u 0 ±",
    ):
        assert expected in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80
    assert [line.split()[1] for line in outcome.out.splitlines()[-3:]] == ["1", "1.3", "1.6"]


def test_info_as_json(place):
    found = run("info", place / "decay/decay.pac", "--problem", place / "mine.py", "--json").json()
    assert [each["coefficients"]["k"] for each in found["targets"]] == [1.3, 1.6]
    assert found["weights"] == {"kept": 48, "free": 49}
    assert found["versions"]["pacpinn"] == pp.__version__
    assert found["bytes"] == (place / "decay/decay.pac").stat().st_size


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
