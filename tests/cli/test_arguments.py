"""Coefficients and points as a user writes them."""

import math

import pytest

from pacpinn.cli.arguments import (
    named_values,
    read_csv,
    read_measurements,
    read_points,
    read_ranges,
    read_targets,
    single_values,
)
from pacpinn.errors import CoefficientError, PacpinnError


def test_values_belong_to_the_name_before_them():
    assert named_values(["nu=0.04,0.03"]) == {"nu": ["0.04", "0.03"]}
    assert named_values(["mass=1,damping=0.5,1"]) == {"mass": ["1"], "damping": ["0.5", "1"]}


def test_repeating_adds():
    assert named_values(["nu=0.04", "k=2", "nu = 0.03"]) == {"nu": ["0.04", "0.03"], "k": ["2"]}


@pytest.mark.parametrize("text", ["0.04", "", "=0.04", "0.04,nu=1"])
def test_a_value_without_a_name_is_refused(text):
    with pytest.raises(PacpinnError, match=r"does not say which coefficient; expected name=value"):
        named_values([text])


def test_where_one_value_is_expected_two_are_refused():
    assert single_values(["mass=1,damping=2"]) == {"mass": "1", "damping": "2"}
    with pytest.raises(PacpinnError, match=r"nu has 2 values here \(1, 2\); expected one"):
        single_values(["nu=1,2"])


def test_targets_are_the_grid_of_all_values():
    targets = read_targets(["damping=0.5,1", "stiffness=4,9"])
    assert [tuple(each.values()) for each in targets] == [("0.5", "4"), ("0.5", "9"), ("1", "4"), ("1", "9")]


def test_targets_from_a_file_are_its_rows(tmp_path):
    path = tmp_path / "targets.csv"
    path.write_text("nu, k\n0.04,1\n\n0.03,2\n")
    assert read_targets([str(path)]) == [{"nu": 0.04, "k": 1.0}, {"nu": 0.03, "k": 2.0}]


def test_a_file_and_values_together_are_refused(tmp_path):
    with pytest.raises(PacpinnError, match="from one CSV file or from names with values"):
        read_targets(["nu=1", "targets.csv"])


def test_points_are_found_by_the_names_of_the_inputs(tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("\ufefft,u,x\n0.5,9,0.1\n1,9,0.2\n", encoding="utf-8")
    assert read_points(path, ["x", "t"]) == [[0.1, 0.5], [0.2, 1.0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,u\n1,2\n", "has no column t; expected a first line that names x, t, got x, u"),
        ("x,t\n", "holds no points"),
        ("", "is empty"),
        ("x,t\n1,2\n1\n", "line 3: 1 values; expected 2, for x, t"),
        ("x,t\n1,two\n", "line 2: t='two' is not a number"),
        ("x,t\n1,nan\n", "line 2: t=nan is not finite"),
        ("x,x\n1,2\n", "names a column twice"),
    ],
)
def test_bad_points_are_refused_with_their_line(tmp_path, text, message):
    path = tmp_path / "points.csv"
    path.write_text(text)
    with pytest.raises(PacpinnError, match=message):
        read_points(path, ["x", "t"])


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path):
    with pytest.raises(PacpinnError, match=r"none.csv cannot be read \(No such file"):
        read_csv(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PacpinnError, match=r"binary.csv cannot be read .*expected a CSV file"):
        read_csv(tmp_path / "binary.csv")


def test_ranges():
    assert read_ranges(["nu=0.01:0.05", "rho=1 : 4"]) == {"nu": ("0.01", "0.05"), "rho": ("1", "4")}


@pytest.mark.parametrize("text", ["nu=0.01", "nu=0.01,0.05", "0.01:0.05"])
def test_what_is_no_range(text):
    with pytest.raises(CoefficientError):
        read_ranges([text])


def test_measurements_are_points_and_values_with_nan_where_nothing_was_measured(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("v,t,x,note\n7,0.5,0.1,1\n,1,0.2,1\n")
    points, values = read_measurements(path, ["x", "t"], ["u", "v"])
    assert points == [[0.1, 0.5], [0.2, 1.0]]
    assert values[0][1] == 7.0
    assert all(math.isnan(each) for each in (values[0][0], *values[1]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,u\n1,2\n", "has no column t; expected a first line that names x, t and one at least of u, v, got x, u"),
        ("x,t\n1,2\n", "has no column u or v; expected"),
        ("x,t,u\n", "holds no measurements"),
        ("x,t,u\n1,,2\n", "line 2: t='' is not a number"),
    ],
)
def test_bad_measurements_are_refused(tmp_path, text, message):
    path = tmp_path / "data.csv"
    path.write_text(text)
    with pytest.raises(PacpinnError, match=message):
        read_measurements(path, ["x", "t"], ["u", "v"])
