"""``pacpinn infer``: coefficients from a table of measurements."""

import numpy as np
import pytest

from tests.command_line import run


@pytest.fixture
def measured(tmp_path):
    t = np.linspace(0, 1, 30)
    noise = 0.01 * np.random.default_rng(0).normal(size=30)
    path = tmp_path / "data.csv"
    path.write_text("t,u\n" + "\n".join(f"{a},{b}" for a, b in zip(t, np.exp(-1.4 * t) + noise, strict=True)) + "\n")
    return path


@pytest.fixture
def infer(place):
    """``pacpinn infer`` with the solved family."""
    return lambda *arguments: run("infer", place / "decay/decay.pac", *arguments, "--problem", place / "mine.py")


def test_infer_shows_estimate_error_and_interval(infer, measured):
    outcome = infer(measured, "--unknown", "k", "--deviation", 0.01)
    assert outcome.code == 0, outcome.err
    assert all(word in outcome.out for word in ("estimate", "standard error", "95 % from", "misfit", "converged after"))
    assert max(map(len, outcome.out.splitlines())) <= 80
    assert "hello" not in outcome.out


def test_infer_as_json(infer, measured):
    found = infer(measured, "--json").json()
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
def test_infer_refuses_bad_input(infer, tmp_path, text, options, reason):
    (tmp_path / "bad.csv").write_text(text)
    outcome = infer("bad.csv", *options)
    assert outcome.code == 2
    assert reason in outcome.err
    assert outcome.out == ""


def test_infer_that_does_not_converge_says_so(infer, measured, monkeypatch):
    monkeypatch.setattr("pacpinn.inverse.gauss_newton_search._STEPS", 0)
    monkeypatch.setattr("pacpinn.inverse.inference._BIAS", 0)
    outcome = infer(measured)
    assert outcome.code == 1
    assert "max_steps" in outcome.out
