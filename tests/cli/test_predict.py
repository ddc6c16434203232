"""``pacpinn predict``: a family's solution as a table."""

import numpy as np
import pytest

import pacpinn as pp
from tests.cli import rows
from tests.command_line import run


def test_doubtful_answers_are_refused_and_given_anyway(place):
    arguments = ("predict", place / "decay" / "decay.pac", "--at", "k=2", "--problem", place / "mine.py")
    refused, given = run(*arguments), run(*arguments, "--anyway")
    assert refused.code == 2
    assert "outside the range" in refused.err
    assert given.code == 0
    assert "outside the range" in given.err
    assert rows(given.out)


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
