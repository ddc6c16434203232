"""The command ``pacpinn rerun``."""

from __future__ import annotations

from pacpinn.cli import formats
from pacpinn.cli.options import AsJson, FamilyFile, ProblemFile, computing
from pacpinn.cli.progress import watching


def rerun(family: FamilyFile, problem: ProblemFile = None, as_json: AsJson = False) -> int:
    """Solve a family again from what its file says, and compare every bit.

    With the same number of threads as before. Nothing is written.

    Exit code 0: the same to the last bit. 1: not the same. 2: bad input.

    Example:

    pacpinn rerun burgers/burgers.pac
    """
    import torch

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
    different = [member for member in members if not member.same]
    if as_json:
        rows = [
            vars(member) | {"coefficients": dict(member.coefficients), "difference": formats.finite(member.difference)}
            for member in members
        ]
        print(formats.as_json({"members": rows, "elsewhere": elsewhere}))
    else:
        for member in different:
            print(f"{member.coefficients}: weights differ by up to {member.difference:.1e}")
        print(f"{len(members) - len(different)} of {len(members)} members are the same to the last bit")
        if elsewhere:
            print(f"solved elsewhere: {'; '.join(elsewhere)}")
    return 1 if different else 0
