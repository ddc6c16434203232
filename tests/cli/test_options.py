"""What several commands share: options, and where their output goes."""

import logging
import re

import pytest

from pacpinn.cli.options import computing
from tests.command_line import run


def test_only_results_go_to_standard_output(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    with computing() as console:
        print("from a problem's file")
        logging.getLogger("pacpinn.anything").warning("a target k=%g ended [stalled], too far from k=%g", 9, 1)
        console.print("progress")
    print("result")
    printed = capsys.readouterr()
    assert printed.out == "result\n"
    assert printed.err == (
        "from a problem's file\n"
        "warning: a target k=9 ended [stalled], too far from k=1\n"  # whole, though longer than the page
        "progress\n"
    )
    assert not logging.getLogger("pacpinn").handlers


@pytest.mark.parametrize(
    ("option", "explained", "commands"),
    [
        ("--problem", "The file that defines the problem, if it is your own.", "predict infer rerun plot info"),
        ("--json", "Print one JSON object, and nothing else.", "solve infer rerun info"),
    ],
)
def test_a_shared_option_is_explained_alike_everywhere(option, explained, commands):
    for command in commands.split():
        page = " ".join(re.sub(r"\x1b\[\d+m|│", "", run(command, "--help").out).split())
        assert option in page
        assert explained in page
