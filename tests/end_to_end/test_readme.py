"""The README's code does what the README says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pacpinn as pp

README = (Path(__file__).parents[2] / "README.md").read_text()
LIBRARY, UNITS, IN_BETWEEN, HOW_WRONG, RESUMED, MEASURED, BY_HAND, OWN_PROBLEM, GIVEN, DATA = re.findall(
    r"```python\n(.*?)```", README, re.DOTALL
)
COMMANDS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_the_library_in_ten_lines(elsewhere, capsys):
    names: dict[str, object] = {}
    exec(LIBRARY, names)
    family = names["family"]
    assert isinstance(family, pp.Family)
    assert all(solution.status is pp.Status.CONVERGED for solution in family.values())
    assert all(solution.score.value < 5e-4 for c, solution in family.items() if c.nu >= 0.01 and solution.score)
    assert len(family) == 5
    assert names["u"].shape == (2, 1)  # type: ignore[attr-defined]
    assert sorted(each.suffix for each in (elsewhere / "figures").iterdir()) == [".png"] * 3


def test_an_equation_in_its_own_units(capsys):
    names: dict[str, object] = {}
    exec(UNITS, names)
    fin = names["fin"]
    assert isinstance(fin, pp.Family)
    m = np.sqrt(2 * 100 / (205 * 0.002))
    share = 100 / (m * 205)
    tip = 293 + 80 / (np.cosh(m * 0.05) + share * np.sinh(m * 0.05))
    assert abs(fin.predict(np.array([[0.05]]), h=100)[0, 0] - tip) < 0.05


@pytest.mark.slow
def test_any_coefficient_in_between(capsys):
    x = np.array([[0.1, 0.5], [0.2, 1.0]])
    names: dict[str, object] = {"pp": pp, "np": np, "x": x}
    exec(IN_BETWEEN, names)
    exact = pp.get_problem("burgers").reference(x, pp.Coefficients(nu=0.0137))  # type: ignore[attr-defined]
    assert np.abs(names["u"] - exact).max() < 1e-3
    assert names["many"].shape == (1000, 2, 1)  # type: ignore[attr-defined]
    exec(MEASURED, names)
    found = names["found"]
    assert isinstance(found, pp.Inference)
    assert abs(found.estimates["nu"] - 0.03) < 4 * found.standard_errors["nu"]
    assert names["slopes"].shape == (2, 1, 1)  # type: ignore[attr-defined]


@pytest.mark.slow
def test_how_wrong_it_is():
    names: dict[str, object] = {"pp": pp, "x": np.array([[0.1, 0.5], [0.2, 1.0]])}
    exec(HOW_WRONG, names)
    family, error = names["family"], names["family"][{"nu": 0.02}].score.value  # type: ignore[index]
    assert error / 2 < names["estimate"].relative < 2 * error  # type: ignore[attr-defined]
    assert names["e"].shape == (2, 1)  # type: ignore[attr-defined]
    assert all(row["estimate"] > 0 for row in family.table())  # type: ignore[attr-defined]


@pytest.mark.slow
def test_going_on_where_a_run_was(elsewhere):
    names: dict[str, object] = {"pp": pp}
    exec(RESUMED, names)
    assert len(pp.load("family.pac")) == len(names["family"]) == 3  # type: ignore[arg-type]
    before = (elsewhere / "family.pac").read_bytes()
    exec(RESUMED, names)
    assert (elsewhere / "family.pac").read_bytes() == before


def test_pac_by_hand_in_seven(elsewhere):
    names: dict[str, object] = {"pp": pp}
    exec(BY_HAND, names)
    pac = names["pac"]
    assert isinstance(pac, pp.PAC)
    assert pac.names == ["source", "damping=1"]
    assert sum(bool(line.strip()) for line in BY_HAND.splitlines()) == 7


def test_a_problem_of_your_own(elsewhere):
    Path("decay.py").write_text(OWN_PROBLEM)
    solved = subprocess.run(
        [sys.executable, "-m", "pacpinn", "solve", "decay.py"],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "80"},
    )
    assert solved.returncode == 0, solved.stderr
    assert (elsewhere / "decay" / "decay.pac").is_file()


def test_deepxde_code_as_it_is():
    names: dict[str, object] = {}
    exec(GIVEN, names)
    t = np.linspace(0, 1, 9)[:, None]
    for rate in (1.0, 1.2, 1.5):
        assert np.abs(names["family"].predict(t, rate=rate) - np.exp(rate * t)).max() < 1e-2  # type: ignore[attr-defined]


def test_data_and_scikit_learns_way_in(capsys):
    names: dict[str, object] = {}
    exec(DATA, names)
    target, source = (float(each) for each in capsys.readouterr().out.split())
    assert min(target, source) > 0.9


def test_the_two_commands_come_first_and_are_one_line_each():
    first, second = COMMANDS[:2]
    assert first.strip().endswith("pacpinn solve burgers")
    assert "pytest" in second
    assert all(len(command.strip().splitlines()) == 1 and "venv" in command for command in (first, second))
