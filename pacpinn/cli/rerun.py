"""The command ``pacpinn rerun``."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Annotated

import typer


def rerun(
    family: Annotated[Path, typer.Argument(metavar="FAMILY", help="File that `pacpinn solve` wrote.")],
    problem: Annotated[
        Path | None,
        typer.Option("--problem", metavar="FILE.py", help="The file that defines the problem, if it is your own."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """Solve a family again from what its file says, and compare every bit.

    With as many threads as then. Nothing is written.

    Exit code 0: the same to the last bit. 1: not so. 2: bad input.

    Example:

    pacpinn rerun burgers/burgers.pac
    """
    import torch
    from rich.console import Console

    from pacpinn.cli import report
    from pacpinn.family.family import load
    from pacpinn.family.file import codec
    from pacpinn.family.rerun import compared, rerun as solve_again
    from pacpinn.runtime.machine import Machine

    console = Console(stderr=True)
    with contextlib.redirect_stdout(sys.stderr):
        solved, machine = load(family, problem), codec.read_header(family).machine
        torch.set_num_threads(machine.threads or torch.get_num_threads())
        with report.warnings_on(console), report.watching(console, solved.varying, len(solved)) as progress:
            found = list(compared(solved, solve_again(solved, progress)))
    elsewhere = Machine.here().differences(machine)
    same = sum(each.same for each in found)
    if as_json:
        members = [
            {"coefficients": dict(each.coefficients), "same": each.same, "difference": each.difference}
            for each in found
        ]
        print(report.as_json({"members": members, "elsewhere": elsewhere}))
    else:
        for each in found:
            if not each.same:
                print(f"{each.coefficients}: weights differ by up to {each.difference:.1e}")
        print(f"{same} of {len(found)} members are the same to the last bit")
        if elsewhere:
            print(f"solved elsewhere: {'; '.join(elsewhere)}")
    raise typer.Exit(0 if same == len(found) else 1)
