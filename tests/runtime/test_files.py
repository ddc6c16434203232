"""Writing whole or not at all."""

import pytest

from pacpinn.errors import PacpinnError
from pacpinn.runtime import files


def test_a_file_is_written_and_its_folder_made(tmp_path):
    path = files.write_file(tmp_path / "new" / "folder" / "file", b"content")
    assert path.read_bytes() == b"content"
    assert [each.name for each in path.parent.iterdir()] == ["file"]


def test_a_file_that_was_there_is_replaced(tmp_path):
    (tmp_path / "file").write_bytes(b"before")
    assert files.write_file(tmp_path / "file", b"after").read_bytes() == b"after"


def test_a_file_whose_folder_is_a_file_is_refused(tmp_path):
    (tmp_path / "taken").touch()
    with pytest.raises(PacpinnError, match=r"taken/file cannot be written .*choose a folder"):
        files.write_file(tmp_path / "taken" / "file", b"content")


def test_what_cannot_be_finished_leaves_nothing(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(PacpinnError):
        files.write_file(tmp_path / "folder", b"content")
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


# At the end of an open file -------------------------------------------------------------------------------------------


def test_what_is_appended_comes_after_what_is_there_and_is_seen_at_once(tmp_path):
    with files.begin_file(tmp_path / "file") as file:
        files.append_to_file(file, b"one")
        files.append_to_file(file, b"two")
        assert (tmp_path / "file").read_bytes() == b"onetwo"


def test_a_disk_that_takes_a_part_only_is_given_the_rest(tmp_path):
    class Slow:
        """A file that takes two bytes at a time."""

        def __init__(self, file):
            self.file, self.name, self.flush, self.fileno = file, file.name, file.flush, file.fileno

        def write(self, data):
            return self.file.write(data[:2])

    with files.begin_file(tmp_path / "file") as file:
        files.append_to_file(Slow(file), b"seven")
    assert (tmp_path / "file").read_bytes() == b"seven"


def test_what_cannot_be_synced_names_the_file(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with (
        files.begin_file(tmp_path / "file") as file,
        pytest.raises(PacpinnError, match=r"file cannot be written \(No space left"),
    ):
        files.sync_file(file)


def test_a_file_that_cannot_be_begun_is_named(tmp_path):
    with pytest.raises(PacpinnError, match=r"nowhere/file cannot be written \(No such file"):
        files.begin_file(tmp_path / "nowhere" / "file")
