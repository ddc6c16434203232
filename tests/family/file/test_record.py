"""The state of a family."""

from dataclasses import fields

import pacpinn as pp
from pacpinn.family.file.record import Record


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
