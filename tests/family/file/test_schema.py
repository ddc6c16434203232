"""A family's state, and headers as types."""

import json
import math
from dataclasses import fields, replace

import pytest

import pacpinn as pp
from pacpinn.continuation.solution import Singularity, SingularPoint
from pacpinn.family.file.schema import MemberHeader, PartHeader, Record, SettingsHeader, from_json, plain, to_json
from pacpinn.family.file.tensors import member_header
from pacpinn.reduced_basis.greedy import Refinement, Round
from pacpinn.tasks.coefficient import Coefficients

SETTINGS = (
    "method keep criterion always_kept always_free solver penalty tolerance halvings bases batch seed dtype tree effort"
)
MEMBER = "coefficients parent reached base status steps seconds residual tolerance metric error losses"
LATER = "error_estimate error_bound singular"


@pytest.mark.parametrize(("header", "names"), [(SettingsHeader, SETTINGS), (MemberHeader, f"{MEMBER} {LATER}")])
def test_the_names_and_their_order_are_those_of_the_format(header, names):
    """Another name, or another order, changes files: it needs a new version of the format, or a default."""
    assert header.__struct_fields__ == tuple(names.split())


@pytest.fixture
def part(solved_decay):
    """A header with a value of every kind."""
    singular = SingularPoint(Singularity.FOLD, Coefficients(k=1.7))
    member = replace(solved_decay.targets[0], singular=singular, reached=Coefficients(k=1.2))
    refinement = Refinement({"k": (1.0, 2.0)}, 1e-3, [Round(2, 0.1, Coefficients(k=1.5))])
    return PartHeader([Coefficients(k=2.0)], [member_header(member)], refinement, 1, 2)


def test_what_is_written_is_read(part):
    assert from_json(to_json(part), PartHeader) == part


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_numbers_that_are_not_finite_are_null(solved_decay, value):
    member = replace(solved_decay.source, residual=value, error_estimate=value)
    read = from_json(to_json(PartHeader([], [member_header(member)], None, 0, 0)), PartHeader)
    assert (read.members[0].residual, read.members[0].error_estimate) == (None, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", "many"),
        ("steps", 1.5),
        ("seconds", None),
        ("status", "great"),
        ("coefficients", {"k": "one"}),
        ("coefficients", [1.0]),
        ("singular", {"kind": "fold"}),
        ("losses", True),
    ],
)
def test_other_types_are_refused(part, name, value):
    changed = json.loads(to_json(part))
    changed["members"][0][name] = value
    with pytest.raises(ValueError, match=r"\$|no Coefficients|could not convert"):
        from_json(json.dumps(changed), PartHeader)


def test_what_came_later_may_be_missing_and_nothing_else(part):
    changed = json.loads(to_json(part))
    for name in LATER.split():
        del changed["members"][0][name]
    assert from_json(json.dumps(changed), PartHeader).members[0].singular is None
    del changed["members"][0]["reached"]
    with pytest.raises(ValueError, match="missing required field `reached`"):
        from_json(json.dumps(changed), PartHeader)


def test_plain_values_have_no_types_of_ours(part):
    assert json.loads(json.dumps(plain(part))) == json.loads(to_json(part))


def test_a_family_is_a_record_of_lists_of_its_own(family, solved_decay):
    assert isinstance(family, Record)
    assert family.bases == solved_decay.bases
    assert family.bases is not solved_decay.bases
    assert (family.requests, family.finished, family.refinement) == ([], True, None)


def test_a_record_makes_the_same_family(solved_decay):
    record = solved_decay.record
    again = pp.Family(**vars(record))
    assert list(again) == list(solved_decay)
    assert all(again[c] is solved_decay[c] for c in again)
    for each in fields(Record):
        assert getattr(again, each.name) == getattr(record, each.name)
