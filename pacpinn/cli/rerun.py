"""The command ``pacpinn rerun``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from pacpinn.cli.options import AsJson, FamilyFile, ProblemFile, computing

if TYPE_CHECKING:
    from pacpinn.family.rerun import Comparison


def rerun(family: FamilyFile, problem: ProblemFile = None, as_json: AsJson = False) -> None:
    """Solve a family again from what its file says, and compare every bit.

    With the same number of threads as before. Nothing is written.

    Exit code 0: the same to the last bit. 1: not the same. 2: bad input.

    Example:

    pacpinn rerun burgers/burgers.pac
    """
    import torch

    from pacpinn.cli.formats import as_json as to_json
    from pacpinn.cli.progress import watching
    from pacpinn.family.family import load
    from pacpinn.family.file import codec
    from pacpinn.family.rerun import compared, rerun as solve_again
    from pacpinn.runtime.machine import Machine

    with computing() as console:
        solved, machine = load(family, problem), codec.read_header(family).machine
        torch.set_num_threads(machine.threads or torch.get_num_threads())
        with watching(console, solved.varying, len(solved)) as progress:
            members = list(compared(solved, solve_again(solved, progress)))
    elsewhere = Machine.here().differences(machine)
    if as_json:
        print(to_json({"members": [_as_dict(member) for member in members], "elsewhere": elsewhere}))
    else:
        _show(members, elsewhere)
    raise typer.Exit(0 if all(member.same for member in members) else 1)


def _as_dict(member: Comparison) -> dict[str, object]:
    from pacpinn.cli.formats import finite

    difference = finite(member.difference)
    return {"coefficients": dict(member.coefficients), "same": member.same, "difference": difference}


def _show(members: list[Comparison], elsewhere: list[str]) -> None:
    for member in members:
        if not member.same:
            print(f"{member.coefficients}: weights differ by up to {member.difference:.1e}")
    print(f"{sum(member.same for member in members)} of {len(members)} members are the same to the last bit")
    if elsewhere:
        print(f"solved elsewhere: {'; '.join(elsewhere)}")
