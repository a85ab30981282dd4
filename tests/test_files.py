"""Outputs appear whole or not at all."""

import errno
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.files import atomic_output, file_hash, read_json, write_json


def test_a_block_that_succeeds_leaves_the_file_and_no_partial(tmp_path: Path) -> None:
    with atomic_output(tmp_path / "new" / "a.txt") as partial:
        assert partial.suffix == ".txt"
        partial.write_text("whole", encoding="utf-8")
        assert not (tmp_path / "new" / "a.txt").exists()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.txt"]


def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("before", encoding="utf-8")
    with pytest.raises(RuntimeError), atomic_output(path) as partial:
        partial.write_text("half", encoding="utf-8")
        raise RuntimeError
    assert path.read_text(encoding="utf-8") == "before"
    assert [item.name for item in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_replaces_a_full_folder(tmp_path: Path) -> None:
    for content in ("one", "two"):
        with atomic_output(tmp_path / "folder") as partial:
            partial.mkdir()
            (partial / content).write_text(content, encoding="utf-8")
    assert [item.name for item in (tmp_path / "folder").iterdir()] == ["two"]


def test_what_a_killed_run_left_behind_is_cleared(tmp_path: Path) -> None:
    (tmp_path / ".partial-a.txt").write_text("left by a kill", encoding="utf-8")
    with atomic_output(tmp_path / "a.txt") as partial:
        assert not partial.exists()
        partial.write_text("whole", encoding="utf-8")
    assert [item.name for item in tmp_path.iterdir()] == ["a.txt"]


def test_a_full_disk_is_one_line_that_names_the_output(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.txt: the disk is full"), atomic_output(tmp_path / "a.txt"):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(PermissionError), atomic_output(tmp_path / "a.txt"):
        raise PermissionError(errno.EACCES, "Permission denied")


def test_json_round_trip_and_its_errors(tmp_path: Path) -> None:
    value = {"b": [1, 2.5, None], "a": "ä"}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value
    assert list(read_json(tmp_path / "a.json")) == ["b", "a"]
    with pytest.raises(UserError, match="not found"):
        read_json(tmp_path / "b.json")
    (tmp_path / "c.json").write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match="expected JSON"):
        read_json(tmp_path / "c.json")
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "d.json", float("nan"))


def test_file_hash_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert file_hash(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1
