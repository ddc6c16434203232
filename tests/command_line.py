"""Run the command line in this process, as a shell would."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from typing import Any, NamedTuple

from pacpinn.cli.app import main


class Outcome(NamedTuple):
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The output, if it is one object of strict JSON."""
        return json.loads(self.out, parse_constant=_refuse)


def run(*arguments: object) -> Outcome:
    """``pacpinn`` with these arguments."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([str(each) for each in arguments])
    return Outcome(code, out.getvalue(), err.getvalue())


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
