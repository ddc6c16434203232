"""Writing whole or not at all."""

import pytest

from pacpinn import files
from pacpinn.errors import PacpinnError


def test_a_file_is_written_and_its_folder_made(tmp_path):
    path = files.write(tmp_path / "new" / "folder" / "file", b"content")
    assert path.read_bytes() == b"content"
    assert [each.name for each in path.parent.iterdir()] == ["file"]


def test_a_file_that_was_there_is_replaced(tmp_path):
    (tmp_path / "file").write_bytes(b"before")
    assert files.write(tmp_path / "file", b"after").read_bytes() == b"after"


def test_a_file_whose_folder_is_a_file_is_refused(tmp_path):
    (tmp_path / "taken").touch()
    with pytest.raises(PacpinnError, match=r"taken/file cannot be written .*choose a folder"):
        files.write(tmp_path / "taken" / "file", b"content")


def test_what_cannot_be_finished_leaves_nothing(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(PacpinnError):
        files.write(tmp_path / "folder", b"content")
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("folder", [".", "new", "new/deeper"])
def test_a_folder_that_is_there_or_can_be_made_is_writable(tmp_path, folder):
    files.require_writable(tmp_path / folder)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("folder", ["taken", "taken/folder"])
def test_a_file_is_no_folder(tmp_path, folder):
    (tmp_path / "taken").touch()
    with pytest.raises(PacpinnError, match=f"{folder} cannot be written to"):
        files.require_writable(tmp_path / folder)
