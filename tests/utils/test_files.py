"""Outputs appear whole or not at all, and nothing is replaced that the project did not write."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.utils.errors import MachineError, UserError
from pipeline.utils.files import atomic_file, atomic_folder, check_replaceable, file_hash, read_json, write_json, write_text
from pipeline.utils.hdf5 import open_hdf5, write_hdf5


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_block_that_succeeds_leaves_the_file_and_no_partial(tmp_path: Path) -> None:
    with atomic_file(tmp_path / "new" / "a.txt") as partial:
        assert partial.suffix == ".txt"
        partial.write_text("whole", encoding="utf-8")
        assert not (tmp_path / "new" / "a.txt").exists()
    assert names(tmp_path / "new") == ["a.txt"]


def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("before", encoding="utf-8")
    with pytest.raises(RuntimeError), atomic_file(path) as partial:
        partial.write_text("half", encoding="utf-8")
        raise RuntimeError
    assert path.read_text(encoding="utf-8") == "before"
    assert names(tmp_path) == ["a.txt"]


def test_a_folder_replaces_one_with_files_of_the_same_kinds(tmp_path: Path) -> None:
    for content in ("one", "two"):
        with atomic_folder(tmp_path / "folder", ("*.txt",)) as partial:
            assert names(partial) == []
            (partial / "in").mkdir()
            (partial / "in" / f"{content}.txt").write_text(content, encoding="utf-8")
    assert names(tmp_path) == ["folder", "folder/in", "folder/in/two.txt"]


@pytest.mark.parametrize("foreign", ["photo.jpg", ".hidden", "deep/er/photo.jpg"])
def test_a_folder_with_anything_else_in_it_is_never_replaced(tmp_path: Path, foreign: str) -> None:
    folder = tmp_path / "photos"
    for name in ("a.txt", foreign):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("precious", encoding="utf-8")
    before = names(folder)
    with pytest.raises(UserError, match=rf"photos: holds {foreign}, .*nothing was changed"), atomic_folder(folder, ("*.txt",)):
        raise AssertionError("the block is not entered")
    assert names(folder) == before


def test_a_file_that_comes_into_the_folder_meanwhile_is_not_lost(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    with pytest.raises(UserError, match="holds mine"), atomic_folder(folder, ("*.txt",)):
        folder.mkdir()
        (folder / "mine").touch()
    assert names(tmp_path) == ["folder", "folder/mine"]


def test_without_kinds_a_folder_has_to_be_empty(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with atomic_folder(tmp_path / "empty") as partial:
        (partial / "a").touch()
    with pytest.raises(UserError, match="holds a"), atomic_folder(tmp_path / "empty"):
        pass


def test_links_in_a_folder_are_somebodys_files(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="holds link"):
        check_replaceable(tmp_path / "folder", ("*.txt",))


def test_a_file_where_a_folder_is_meant_and_the_reverse_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="file: expected a folder to write, found a file"), atomic_folder(tmp_path / "file"):
        pass
    with pytest.raises(UserError, match="folder: expected the name of a file to write, found a folder"), atomic_file(tmp_path / "folder"):
        pass
    with pytest.raises(UserError, match="is a file or lies in one"), atomic_file(tmp_path / "file" / "in" / "it"):
        pass
    for name in ("/", "."):
        with pytest.raises(UserError, match="expected a"), atomic_file(Path(name)):
            pass
    assert (tmp_path / "file").read_text(encoding="utf-8") == "precious"
    assert (tmp_path / "folder").is_dir()


def test_links_are_followed_and_modes_are_kept(tmp_path: Path) -> None:
    shared = tmp_path / "shared" / "depth.csv"
    shared.parent.mkdir()
    shared.write_text("before", encoding="utf-8")
    shared.chmod(0o660)
    (tmp_path / "depth.csv").symlink_to(shared)
    write_text(tmp_path / "depth.csv", "after", durable=True)
    assert (tmp_path / "depth.csv").is_symlink()
    assert shared.read_text(encoding="utf-8") == "after"
    assert stat.S_IMODE(shared.stat().st_mode) == 0o660
    assert names(tmp_path / "shared") == ["depth.csv"]


def test_a_file_that_somebody_made_read_only_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "depth.csv"
    path.write_text("precious", encoding="utf-8")
    path.chmod(0o444)
    with pytest.raises(UserError, match="read-only"):
        write_text(path, "other")
    assert path.read_text(encoding="utf-8") == "precious"


def test_a_linked_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "big_disk").mkdir(mode=0o750)
    (tmp_path / "out").symlink_to(tmp_path / "big_disk")
    with atomic_folder(tmp_path / "out") as partial:
        (partial / "a").touch()
    assert (tmp_path / "out").is_symlink()
    assert names(tmp_path / "big_disk") == ["a"]
    assert stat.S_IMODE((tmp_path / "big_disk").stat().st_mode) == 0o750


def test_what_a_killed_run_left_behind_is_cleared(tmp_path: Path) -> None:
    (tmp_path / ".partial-a.txt").write_text("left by a kill", encoding="utf-8")
    with atomic_file(tmp_path / "a.txt") as partial:
        assert not partial.exists()
        partial.write_text("whole", encoding="utf-8")
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "quota"),
        (errno.EFBIG, "so large"),
        (errno.EACCES, "permission denied"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "does not answer"),
    ],
)
def test_a_fault_of_the_machine_is_one_line_that_names_the_output(tmp_path: Path, fault: int, words: str) -> None:
    for output in (atomic_file, atomic_folder):
        with pytest.raises(MachineError, match=rf"a\.txt: .*{words}"), output(tmp_path / "a.txt"):
            raise OSError(fault, os.strerror(fault))
    with pytest.raises(FileNotFoundError), atomic_file(tmp_path / "a.txt"):
        raise FileNotFoundError(errno.ENOENT, "another fault")
    assert names(tmp_path) == []


def test_a_name_that_no_disk_takes_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="too long"), atomic_file(tmp_path / ("a" * 250)) as partial:
        partial.touch()


_FILL = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from pipeline.utils.errors import MachineError
from pipeline.utils.hdf5 import write_hdf5
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with write_hdf5(Path(sys.argv[1])) as file:
        file["pixels"] = np.zeros(1_000_000, np.uint8)
except MachineError as error:
    print(error)
"""


def test_hdf5_survives_a_disk_that_is_full(tmp_path: Path) -> None:
    """In a process of its own: a limit on the size of files stands for the full disk, and the process has to end well."""
    done = subprocess.run([sys.executable, "-c", _FILL, tmp_path / "a.h5"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "a.h5: files may not grow so large here" in done.stdout
    assert names(tmp_path) == []


def test_hdf5_is_the_same_bytes_for_the_same_content(tmp_path: Path) -> None:
    for name in "ab":
        with write_hdf5(tmp_path / f"{name}.h5") as file:
            file["x"] = np.arange(1000)
            file.attrs["units"] = "px"
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    with open_hdf5(tmp_path / "a.h5", "numbers", "count") as file:
        assert file["x"][999] == 999


def test_hdf5_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    with write_hdf5(tmp_path / "a.h5") as file:
        file["x"] = 1
    before = (tmp_path / "a.h5").read_bytes()
    with pytest.raises(RuntimeError), write_hdf5(tmp_path / "a.h5") as file:
        file["x"] = 2
        raise RuntimeError
    assert (tmp_path / "a.h5").read_bytes() == before


def test_json_round_trip_and_its_errors(tmp_path: Path) -> None:
    value = {"b": [1, 2.5, None], "a": "ä"}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value
    assert list(read_json(tmp_path / "a.json")) == ["b", "a"]
    with pytest.raises(UserError, match="not found"):
        read_json(tmp_path / "b.json")
    with pytest.raises(UserError, match="expected JSON, found a folder or a device"):
        read_json(tmp_path)
    with pytest.raises(UserError, match="expected JSON of at most 3 bytes"):
        read_json(tmp_path / "a.json", most_bytes=3)
    for damaged in ("{", "[" * 100_000, "9" * 5000, "\x00", '"\udcff"'):
        (tmp_path / "c.json").write_bytes(damaged.encode("utf-8", "surrogateescape"))
        with pytest.raises(UserError, match="expected JSON"):
            read_json(tmp_path / "c.json")
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "d.json", float("nan"))


def test_file_hash_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert file_hash(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1


def test_a_link_into_dvcs_cache_is_not_followed(tmp_path: Path) -> None:
    """Its files are write-protected: what is written there would be taken for what was kept."""
    kept, link = tmp_path / "kept", tmp_path / "link.csv"
    kept.write_text("kept", encoding="utf-8")
    kept.chmod(0o444)
    link.symlink_to(kept)
    with pytest.raises(UserError, match=r"link\.csv: is a link to a file that is write-protected, .*kept; put a file in place of the link"):
        write_text(link, "new")
    assert (kept.read_text(encoding="utf-8"), link.is_symlink(), names(tmp_path)) == ("kept", True, ["kept", "link.csv"])


def test_a_device_is_no_place_for_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(UserError, match="expected the name of a file to write, found a device"):
            write_text(path, "new")
    assert not Path("/dev/null").is_file()
