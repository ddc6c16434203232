"""Which cases are measured, and what is asked of them."""

import argparse

from strangers import CASES, QUICK_CASES, more_options, requests
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


def test_a_process_without_rows_is_a_family_that_is_not_solved():
    family = condensed("quadratic_decay", 0, [{"part": "process", "seconds": 1.0, "message": "stopped after 1 s"}])[0]
    assert not family["reached"]
    assert family["message"] == "stopped after 1 s"
