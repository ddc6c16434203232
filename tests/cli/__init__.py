"""The commands, run as from a shell."""

import csv
import io

from rich.console import Console

FILES = {"decay.pac", "table.csv", "solutions.png", "errors.png", "losses.png"}
QUICK = ("--keep", 0.5, "--tolerance", 1e-2)


def rows(text: str) -> list[dict[str, str]]:
    """The rows of a CSV table, by the names in its first line."""
    return list(csv.DictReader(text.splitlines()))


def console(width: int = 80, terminal: bool = False) -> Console:
    """A page to print on."""
    return Console(file=io.StringIO(), width=width, force_terminal=terminal, color_system=None)


def text(page: Console) -> str:
    """What was printed on a page."""
    return page.file.getvalue()  # type: ignore[attr-defined]
