"""What is kept of a process that has to be stopped."""

import json
from dataclasses import asdict

import pytest

from processes import complete, in_a_process
from strangers_measured import Asked

WORDS = json.dumps(asdict(Asked(0, 0, None, 0)))


def test_a_row_that_was_not_written_to_its_end_is_left_out():
    assert list(complete('{"a": 1}\n{"a": 2}\n{"a"')) == [{"a": 1}, {"a": 2}]


def test_a_process_that_takes_too_long_is_stopped_and_told():
    (row,) = in_a_process("strangers_measured.py", ["quadratic_decay", WORDS], threads=1, timeout=0.05)
    assert row["message"] == "stopped after 0.05 s"


@pytest.mark.slow
def test_a_process_that_fails_is_told():
    (row,) = in_a_process("strangers_measured.py", ["no_such_case", WORDS], threads=1, timeout=120)
    assert row["message"].startswith("ended with 1: ModuleNotFoundError")
