"""Progress while a family is solved: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pacpinn.cli.formats import short_number

if TYPE_CHECKING:
    from pacpinn.continuation.solution import Solution
    from pacpinn.family.progress import Progress as Stage, ProgressCallback

_SECONDS_BETWEEN_LINES = 10
_BAR_LABEL, _LINE_LABEL = 28, 60


@contextmanager
def watching(console: Console, varying: Sequence[str], members: int | None) -> Iterator[ProgressCallback]:
    """A `progress` callback that moves a bar on a terminal, and prints lines elsewhere.

    Members are named by the coefficients `varying`; their number, the source included, is None if not known in advance.
    """
    if not console.is_terminal:
        yield _Lines(console, varying, members)
        return
    label, loss = TextColumn("{task.description}"), TextColumn("{task.fields[loss]}")
    columns = [label, BarColumn(bar_width=14), MofNCompleteColumn(), loss, TimeElapsedColumn()]
    with Progress(*columns, console=console, transient=True) as bars:
        bar = bars.add_task("fit source".ljust(_BAR_LABEL), total=members, loss="")

        def show(stage: Stage) -> None:
            label = _shortened(f"{stage.stage} {_label(stage, varying)}", _BAR_LABEL).ljust(_BAR_LABEL)
            done = stage.solution is not None
            bars.update(bar, description=label, loss=f"loss {stage.loss:.1e}", advance=done)

        yield show


class _Lines:
    """Prints a line for each finished member, and every few seconds a line about the member being solved."""

    def __init__(self, console: Console, varying: Sequence[str], members: int | None) -> None:
        self.console, self.varying, self.members = console, varying, members
        self.done, self.last = 0, time.monotonic()

    def __call__(self, stage: Stage) -> None:
        label = _shortened(_label(stage, self.varying), _LINE_LABEL)
        if stage.solution is not None:
            self.done += 1
            self._print(f"{self.done}/{self.members or '?'} {label}: {_outcome(stage.solution)}")
        elif time.monotonic() - self.last >= _SECONDS_BETWEEN_LINES:
            self._print(f"{stage.stage} {label}: step {stage.step}, loss {stage.loss:.1e}")

    def _print(self, line: str) -> None:
        self.last = time.monotonic()
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)


def _outcome(solution: Solution) -> str:
    error = ""
    if solution.score:
        error = f", {solution.score.name} {short_number(solution.score.value)}"
    elif solution.error_estimate is not None:
        error = f", estimated error {short_number(solution.error_estimate)}"
    return f"{solution.status} after {solution.steps} steps, {solution.seconds:.1f} s{error}"


def _label(stage: Stage, varying: Sequence[str]) -> str:
    if stage.stage != "calibrate":
        return "source"
    return ",".join(f"{name}={stage.coefficients[name]:.4g}" for name in varying)


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
