"""``pacpinn rerun``: the same to the last bit, or what differs."""

import shutil
from dataclasses import replace

import pytest
import torch

import pacpinn as pp
from tests.command_line import run


@pytest.fixture
def solved(place, tmp_path):
    """The family's file, in a folder of its own, and the options that name its problem."""
    shutil.copy(place / "decay" / "decay.pac", tmp_path)
    return tmp_path / "decay.pac", "--problem", place / "mine.py"


def test_the_same_bits_are_exit_code_0(solved):
    threads, before = torch.get_num_threads(), solved[0].read_bytes()
    outcome = run("rerun", *solved)
    assert (outcome.code, outcome.out) == (0, "3 of 3 members are the same to the last bit\n")
    assert "hello from the problem file" in outcome.err
    assert torch.get_num_threads() == threads
    assert solved[0].read_bytes() == before


def test_a_difference_is_exit_code_1_and_measured(solved):
    path, _, problem = solved
    family = pp.load(path, problem)
    target = family.targets[0]
    members = [replace(each, z=each.z + 1e-3) if each is target else each for each in family.values()]
    changed = pp.Family(family.problem, family.bases, members, family.settings)
    changed.requests = family.requests
    changed.save(path)
    outcome = run("rerun", *solved)
    assert outcome.code == 1
    assert outcome.out == "k=1.3: weights differ by up to 1.0e-03\n2 of 3 members are the same to the last bit\n"
    found = run("rerun", *solved, "--json").json()
    assert [each["same"] for each in found["members"]] == [True, False, True]
    assert found["members"][1]["difference"] == pytest.approx(1e-3)
    assert found["elsewhere"] == []


def test_another_machine_and_a_missing_member_are_told(solved, monkeypatch):
    from pacpinn.family.rerun import Comparison
    from pacpinn.runtime.machine import Machine

    here = Machine.here()
    monkeypatch.setattr(Machine, "here", lambda: replace(here, processor="abacus"))
    missing = Comparison(pp.Coefficients(k=1.0), same=False, difference=float("inf"))
    monkeypatch.setattr("pacpinn.family.rerun.compared", lambda *_: [missing])
    outcome = run("rerun", *solved)
    assert outcome.code == 1
    assert outcome.out.splitlines()[-1] == f"solved elsewhere: on {here.processor} there, abacus here"
    found = run("rerun", *solved, "--json").json()
    assert found["members"] == [{"coefficients": {"k": 1.0}, "same": False, "difference": None}]
