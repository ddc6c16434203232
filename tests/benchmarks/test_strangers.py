"""Which processes are started, and what is kept of one that has to be stopped."""

import argparse

import pytest

from strangers import CASES, QUICK_CASES, complete, in_a_process, more_options, requests
from strangers_measured import Asked
from strangers_report import condensed


def chosen(*words: str, quick: bool = False, only=CASES) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    more_options(parser)
    return argparse.Namespace(**vars(parser.parse_args(words)), quick=quick, only=list(only), threads=1)


def test_what_is_asked_by_default():
    names, asked = requests(chosen())
    assert names == CASES
    assert len(names) == 25
    assert asked == [Asked(seed, draws=100, within=None, answers=200) for seed in (0, 1, 2)]


def test_a_quick_run_asks_for_less():
    names, (asked,) = requests(chosen("--within", quick=True))
    assert names == QUICK_CASES
    assert asked == Asked(0, draws=5, within=1e-2, answers=20)
    assert requests(chosen(quick=True, only=["hopf"]))[0] == ["hopf"]


def test_a_tolerance_of_families_over_a_range():
    assert requests(chosen("--within", "0.05", "--seeds", "4"))[1] == [Asked(4, 100, 0.05, 200)]


def test_a_row_that_was_not_written_to_its_end_is_left_out():
    assert list(complete('{"a": 1}\n{"a": 2}\n{"a"')) == [{"a": 1}, {"a": 2}]


def test_a_process_that_takes_too_long_is_stopped_and_told():
    rows = in_a_process("quadratic_decay", Asked(0, 0, None, 0), timeout=0.05)
    assert [row["message"] for row in rows] == ["stopped after 0.05 s"]
    family = condensed("quadratic_decay", 0, rows)[0]
    assert not family["reached"]
    assert family["message"] == "stopped after 0.05 s"


@pytest.mark.slow
def test_a_process_that_fails_is_told():
    (row,) = in_a_process("no_such_case", Asked(0, 0, None, 0), timeout=120)
    assert row["message"].startswith("ended with 1: ModuleNotFoundError")
