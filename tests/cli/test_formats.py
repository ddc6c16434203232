"""JSON and CSV."""

import json
from dataclasses import replace

import pytest

import pacpinn as pp
from pacpinn.cli import formats
from tests.toys import Waves


def test_json_knows_no_nan(solved_decay):
    broken = replace(solved_decay.targets[0], residual=float("nan"), score=pp.Score("relative error", float("inf")))
    family = pp.Family(solved_decay.problem, solved_decay.bases, [solved_decay.source, broken], solved_decay.settings)
    target = json.loads(formats.as_json(formats.family_as_dict(family)))["targets"][0]
    assert (target["metric"], target["error"], target["residual"]) == ("relative error", None, None)


def test_json_without_a_reference_has_no_error(solved_decay):
    unknown = replace(solved_decay.source, score=None)
    family = pp.Family(solved_decay.problem, solved_decay.bases, [unknown], solved_decay.settings)
    source = formats.family_as_dict(family)["source"]
    assert source["metric"] is source["error"] is None


def test_json_without_an_estimate_has_none_and_no_sizes_without_an_equation():
    family = pp.solve_family(Waves(), targets=[{"shift": 0.1}], keep=0.5, solver=pp.Adam(steps=1))
    found = formats.family_as_dict(family)
    assert found["sizes"] is found["source"]["error_estimate"] is found["source"]["error_bound"] is None


def test_sizes_are_in_json_by_name(solved_decay):
    found = json.loads(formats.as_json(formats.family_as_dict(solved_decay)))["sizes"]
    assert list(found) == ["inputs", "outputs", "blocks"]
    assert found["inputs"] == {"t": [0, 1]}
    assert len(found["outputs"]["u"]) == 2


def test_numbers_in_csv_keep_every_digit():
    number = 0.1 + 0.2
    line = formats.as_csv(["a", "b"], [[number, None]]).splitlines()[1]
    assert float(line.split(",")[0]) == number
    assert line.endswith(",")


@pytest.mark.parametrize(("value", "kept"), [(0.5, 0.5), (float("inf"), None), (float("nan"), None)])
def test_what_json_cannot_say_is_none(value, kept):
    assert formats.finite(value) == kept
    with pytest.raises(ValueError, match="not JSON compliant"):
        formats.as_json({"value": float("nan")})


@pytest.mark.parametrize(
    ("value", "written"), [(2.06e-5, "2.1e-05"), (0.00999, "1.0e-02"), (0.01, "0.01"), (0.12345, "0.123")]
)
def test_errors_are_written_in_two_or_three_digits(value, written):
    assert formats.short_number(value) == written
