"""Progress, read as text."""

from dataclasses import replace

import pacpinn as pp
from pacpinn.cli import progress
from pacpinn.family.progress import Progress
from tests.cli import console, text


def play(family: pp.Family, callback) -> None:
    """The progress of a solve that has ended."""
    for stage, member in zip(("allocate", "calibrate", "calibrate"), family.values(), strict=True):
        callback(Progress(stage, member.coefficients, 1, 0.5))
        callback(Progress(stage, member.coefficients, member.steps, member.history[-1], member))


def test_without_a_terminal_each_member_is_a_plain_line(solved_decay):
    page = console(width=20)
    with progress.watching(page, ["k"], 3) as callback:
        play(solved_decay, callback)
    lines = text(page).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["1/3 source", "2/3 k=1.3", "3/3 k=1.6"]
    assert "relative error" in lines[0]


def test_without_a_reference_the_estimated_error_is_told(solved_decay):
    page, source = console(), replace(solved_decay.source, score=None, error_estimate=3e-4)
    with progress.watching(page, ["k"], 3) as callback:
        callback(Progress("allocate", source.coefficients, source.steps, 0.5, source))
    assert text(page).endswith(", estimated error 3.0e-04\n")


def test_a_long_solve_says_now_and_then_that_it_lives(solved_decay, monkeypatch):
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0)
    page = console()
    with progress.watching(page, ["k"], 3) as callback:
        callback(Progress("fit", solved_decay.source.coefficients, 7, 0.5))
    assert text(page) == "fit source: step 7, loss 5.0e-01\n"


def test_on_a_terminal_a_bar_moves_with_loss_and_time(solved_decay):
    page = console(terminal=True)
    with progress.watching(page, ["k"], 3) as callback:
        play(solved_decay, callback)
    for expected in ("calibrate k=1.6", "3/3", "loss", "0:00:00"):
        assert expected in text(page)
