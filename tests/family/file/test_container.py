"""The file: whole or not at all, and every kind of damage is noticed."""

import json
import os

import pytest
import torch
from safetensors.torch import save_file

from pacpinn.errors import FamilyFileError, PacpinnError
from pacpinn.family.file import container
from pacpinn.runtime import files
from tests.toys import same_bits

CPU = torch.device("cpu")
HEADER = json.dumps({"problem": {"name": "décroissance"}, "numbers": [0.1, 1e-300, None, True], "nothing": {}})
TENSORS = {
    "weights": torch.randn(7, dtype=torch.float64, generator=torch.Generator().manual_seed(0)),
    "mask": torch.tensor([True, False, True]),
    "count": torch.tensor(3),
    "half": torch.ones(2, 3, dtype=torch.bfloat16),
    "none": torch.zeros(0),
}


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "family.pac"
    container.write_container(path, HEADER, TENSORS)
    return path


# Whole files ----------------------------------------------------------------------------------------------------------


def test_what_was_written_is_read(written):
    _, header, tensors = container.read_container(written, CPU)
    assert header == HEADER
    assert tensors.keys() == TENSORS.keys()
    assert all(same_bits(each.float(), TENSORS[name].float()) for name, each in tensors.items())


def test_tensors_may_share_memory_and_lie_in_any_order(tmp_path):
    whole = torch.arange(6.0).reshape(2, 3)
    container.write_container(tmp_path / "f", "{}", {"a": whole, "b": whole, "row": whole[1], "transposed": whole.T})
    _, _, tensors = container.read_container(tmp_path / "f", CPU)
    assert torch.equal(tensors["b"], whole)
    assert torch.equal(tensors["row"], whole[1])
    assert torch.equal(tensors["transposed"], whole.T)


def test_nothing_is_left_beside_the_file(written):
    assert os.listdir(written.parent) == ["family.pac"]


def test_others_may_read_the_file_as_the_umask_allows(written):
    mask = os.umask(0)
    os.umask(mask)
    assert written.stat().st_mode & 0o777 == 0o666 & ~mask


# Writing that fails ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_whole(written, monkeypatch, call):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    old = written.read_bytes()
    monkeypatch.setattr(files.os, call, fail)
    with pytest.raises(PacpinnError, match=r"family\.pac cannot be written .*No space left"):
        container.write_container(written, "new", TENSORS)
    assert written.read_bytes() == old
    assert os.listdir(written.parent) == ["family.pac"]


def test_an_interrupted_write_leaves_the_old_file_whole(written, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    old = written.read_bytes()
    monkeypatch.setattr(files.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        container.write_container(written, "new", TENSORS)
    assert written.read_bytes() == old
    assert os.listdir(written.parent) == ["family.pac"]


def test_a_folder_that_is_not_there_is_made(tmp_path):
    container.write_container(tmp_path / "new" / "family.pac", HEADER, TENSORS)
    assert (tmp_path / "new" / "family.pac").is_file()


def test_a_header_that_could_not_be_read_again_is_not_written(written, monkeypatch):
    monkeypatch.setattr(container, "_LARGEST_HEADER", int.from_bytes(written.read_bytes()[:8], "little"))
    container.write_container(written, HEADER, TENSORS)
    old = written.read_bytes()
    with pytest.raises(PacpinnError, match=r"a header of \d+ bytes, and could not be read again"):
        container.write_container(written, HEADER + 9 * '"', TENSORS)
    assert written.read_bytes() == old
    container.read_container(written, CPU)


def test_a_folder_in_the_files_place(tmp_path):
    with pytest.raises(PacpinnError, match="cannot be written"):
        container.write_container(tmp_path, HEADER, TENSORS)


# Damaged files --------------------------------------------------------------------------------------------------------


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FamilyFileError, match=r"there is no family file .*nowhere"):
        container.read_container(tmp_path / "nowhere", CPU)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(FamilyFileError, match="there is no family file"):
        container.read_container(tmp_path, CPU)


def test_a_truncated_file(written):
    whole = written.read_bytes()
    for length in range(len(whole)):
        written.write_bytes(whole[:length])
        with pytest.raises(FamilyFileError):
            container.read_container(written, CPU)


def test_a_file_with_more_at_its_end(written):
    written.write_bytes(written.read_bytes() + b"\0")
    with pytest.raises(FamilyFileError):
        container.read_container(written, CPU)


@pytest.mark.parametrize("flip", [0x01, 0x20, 0xFF])
def test_a_file_with_one_damaged_byte(written, flip):
    whole = written.read_bytes()
    for place in range(len(whole)):
        written.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
        with pytest.raises(FamilyFileError):
            container.read_container(written, CPU)


@pytest.mark.parametrize(
    "content", [b"", b"x", b"nu,error\n0.04,1e-4\n" * 100, bytes(range(256)), b"PK\x03\x04" + b"\0" * 99]
)
def test_a_file_of_another_kind(tmp_path, content):
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(FamilyFileError, match="truncated, damaged or not a pacpinn family file"):
        container.read_container(path, CPU)


@pytest.mark.parametrize(
    "header", ["[1]", "7", '{"__metadata__": 7}', "[" * 100_000, '{"__metadata__": {"digest"', "\0"]
)
def test_a_header_of_another_kind(tmp_path, header):
    path = tmp_path / "other"
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode())
    for look in (container.digest_of, lambda path: container.read_container(path, CPU)):
        with pytest.raises(FamilyFileError, match="truncated, damaged or not a pacpinn family file"):
            look(path)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_a_safetensors_file_that_is_not_ours(tmp_path, metadata):
    save_file(TENSORS, tmp_path / "model.safetensors", metadata)
    with pytest.raises(FamilyFileError, match="a safetensors file but not a pacpinn family"):
        container.read_container(tmp_path / "model.safetensors", CPU)


@pytest.mark.parametrize("version", ["3", "10", "0", "", "1.5", "new", "²"])
def test_a_newer_or_unknown_version(tmp_path, version):
    metadata = {"format": container.FORMAT, "version": version, "header": HEADER}
    save_file(TENSORS, tmp_path / "newer.pac", metadata)
    with pytest.raises(FamilyFileError, match=f"format version '{version}'; this pacpinn reads up to 2: upgrade it"):
        container.read_container(tmp_path / "newer.pac", CPU)


# Parts one after the other --------------------------------------------------------------------------------------------


@pytest.fixture
def appended(tmp_path):
    with files.begin_file(tmp_path / "parts") as file:
        for k in range(3):
            container.append_part(file, str(k), {"k": torch.tensor([k])})
    return tmp_path / "parts"


def taken(path):
    """The parts up to the first that is not whole, and whether there is one."""
    found = []
    try:
        for header, tensors in ((each.header, each.tensors) for each in container.read_parts(path, CPU)):
            assert tensors["k"].item() == int(header)
            found.append(int(header))
    except FamilyFileError:
        return found, False
    return found, True


def test_parts_come_in_their_order(appended):
    assert taken(appended) == ([0, 1, 2], True)


def test_of_a_file_that_is_cut_short_the_whole_parts_are_taken(appended):
    content = appended.read_bytes()
    each = len(content) // 3
    for length in range(len(content)):
        appended.write_bytes(content[:length])
        assert taken(appended) == (list(range(length // each)), length % each == 0)


@pytest.mark.parametrize("flip", [0x01, 0xFF])
def test_a_damaged_byte_ends_the_parts_before_its_own(appended, flip):
    content = appended.read_bytes()
    each = len(content) // 3
    for place in range(len(content)):
        appended.write_bytes(content[:place] + bytes([content[place] ^ flip]) + content[place + 1 :])
        assert taken(appended) == (list(range(place // each)), False)
