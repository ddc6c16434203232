"""The commands, run as from a shell."""

import csv

FILES = {"decay.pac", "table.csv", "solutions.png", "errors.png", "losses.png"}
QUICK = ("--keep", 0.5, "--tolerance", 1e-2)


def rows(text: str) -> list[dict[str, str]]:
    """The rows of a CSV table, by the names in its first line."""
    return list(csv.DictReader(text.splitlines()))
