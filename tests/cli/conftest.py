"""What the tests of the commands share."""

import pytest

from tests.cli import QUICK
from tests.command_line import run
from tests.toys import problem_file


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """A folder with a problem file that prints, and the family that `solve` made of it; only to be read."""
    folder = tmp_path_factory.mktemp("place")
    with problem_file(folder).open("a") as file:
        file.write('\nprint("hello from the problem file")\n')
    outcome = run("solve", folder / "mine.py", *QUICK, "--output", folder / "decay")
    assert outcome.code == 0, outcome.err
    return folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Every command runs in an empty folder, on a page of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
