"""HDF5 files: what a damaged one raises is one line, what leads out of one is not followed, and bugs stay bugs."""

import fcntl
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from pipeline.utils.errors import MachineError, UserError
from pipeline.utils.hdf5 import BYTES, NUMBER, TEXT, WHOLE, check_range, hdf5_faults, open_hdf5, read_dataset, write_hdf5


def written(path: Path) -> Path:
    with write_hdf5(path) as file:
        file["x"] = np.arange(6, dtype=np.float32).reshape(2, 3)
        file["names"] = np.array(["a", "ä"], dtype=h5py.string_dtype())
        file.attrs["units"] = "px"
    return path


def replaced(path: Path, make: Callable[[h5py.File], object]) -> Path:
    with h5py.File(path, "w") as file:
        make(file)
    return path


def test_a_file_that_another_program_has_locked_is_read(tmp_path: Path) -> None:
    """As on a network drive without locks, which fails where the library asks for one."""
    path = written(tmp_path / "a.h5")
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with open_hdf5(path, "numbers", "count") as file:
            assert file["x"][1, 2] == 5


def test_what_the_library_says_is_said_in_words_and_in_one_line(tmp_path: Path) -> None:
    path = written(tmp_path / "a.h5")
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with (
            pytest.raises(UserError, match=r"a\.h5: expected numbers, .*lock file.*; run the stage `count` again") as error,
            hdf5_faults(path, "numbers", "count"),
        ):
            h5py.File(path, "r", locking=True)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("ask", [lambda file: file["y"], lambda file: file.attrs["y"], lambda file: file["x"][9], lambda file: file["x"]["y"]])
def test_what_the_file_lacks_is_one_line(tmp_path: Path, ask: Callable[[h5py.File], object]) -> None:
    with (
        pytest.raises(UserError, match=r"a\.h5: expected numbers, .+; run the stage `count` again"),
        open_hdf5(written(tmp_path / "a.h5"), "numbers", "count") as file,
    ):
        ask(file)


@pytest.mark.parametrize("bug", [KeyError("x"), ValueError("x"), TypeError("x"), RuntimeError("x"), OSError("x")])
def test_bugs_of_the_block_keep_their_traceback(tmp_path: Path, bug: Exception) -> None:
    with pytest.raises(type(bug)) as error, open_hdf5(written(tmp_path / "a.h5"), "numbers", "count"):
        raise bug
    assert error.value is bug


@pytest.mark.parametrize("length", [0, 8, 100, 600, 1500])
def test_a_file_that_is_cut_off_is_one_line(tmp_path: Path, length: int) -> None:
    path = written(tmp_path / "a.h5")
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(UserError, match=r"a\.h5: expected numbers, .+; run the stage `count` again"), open_hdf5(path, "numbers", "count"):
        pass


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((2, 3), np.float32)
    layout[...] = h5py.VirtualSource("secret.h5", "x", (2, 3))
    file.create_virtual_dataset("deep/x", layout)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda file: file.update({"deep/x": h5py.ExternalLink("secret.h5", "/x")}), r"`deep/x` an external link to secret\.h5"),
        (lambda file: file.update({"x": h5py.SoftLink("/y")}), "`x` a soft link to /y"),
        (lambda file: file.create_dataset("x", (2, 3), "f4", external=[("secret.bin", 0, 24)]), "`x` external storage"),
        (virtual, "`deep/x` a virtual dataset"),
    ],
)
def test_what_leads_out_of_the_file_is_not_followed(tmp_path: Path, make: Callable[[h5py.File], object], words: str) -> None:
    written(tmp_path / "secret.h5")
    (tmp_path / "secret.bin").write_bytes(bytes(24))
    path = replaced(tmp_path / "a.h5", make)
    with (
        pytest.raises(UserError, match=rf"a\.h5: expected numbers, found in {words}, which is not followed; run the stage `count` again"),
        open_hdf5(path, "numbers", "count"),
    ):
        raise AssertionError("the block is not entered")


def test_a_dataset_comes_as_it_was_asked_for(tmp_path: Path) -> None:
    with open_hdf5(written(tmp_path / "a.h5"), "numbers", "count") as file:
        np.testing.assert_array_equal(read_dataset(file, "x", (None, 3), NUMBER), [[0, 1, 2], [3, 4, 5]])
        assert read_dataset(file, "names", (2,), TEXT).tolist() == ["a", "ä"]


@pytest.mark.parametrize(
    ("name", "shape", "kinds", "words"),
    [
        ("y", (2,), NUMBER, "`y`, 2 numbers, found nothing"),
        ("group", (2,), NUMBER, "found nothing"),
        ("empty", (2,), NUMBER, "found nothing"),
        ("x", (2, 4), NUMBER, "`x`, 2 x 4 numbers, found 2 x 3 float32"),
        ("x", (None,), NUMBER, "`x`, n numbers, found 2 x 3 float32"),
        ("x", (2, 3), WHOLE, "`x`, 2 x 3 whole numbers, found 2 x 3 float32"),
        ("x", (2, 3), TEXT, "words, found 2 x 3 float32"),
        ("names", (2,), NUMBER, "`names`, 2 numbers, found 2 object"),
        ("names", (2,), BYTES, "rows of bytes, found 2 object"),
        ("hollow", (2**40,), NUMBER, "found 1099511627776 bytes of which the file holds 0"),
    ],
)
def test_a_dataset_of_another_kind_is_one_line(tmp_path: Path, name: str, shape: tuple[int | None, ...], kinds: str, words: str) -> None:
    with h5py.File(written(tmp_path / "a.h5"), "r+") as file:
        file.create_group("group")
        file["empty"] = h5py.Empty("f4")
        file.create_dataset("hollow", (2**40,), "u1", chunks=(2**20,))
    with (
        pytest.raises(UserError, match=rf"a\.h5: expected all, and in it .*{words}; run the stage `count` again"),
        open_hdf5(tmp_path / "a.h5", "all", "count") as file,
    ):
        read_dataset(file, name, shape, kinds)


def test_text_that_is_none_is_one_line(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["names"] = np.array([b"\xff\xfe"], dtype=h5py.string_dtype())
    with pytest.raises(UserError, match=r"a\.h5: expected all, .*decode"), open_hdf5(tmp_path / "a.h5", "all", "count") as file:
        read_dataset(file, "names", (1,), TEXT)


def test_numbers_out_of_range_are_named(tmp_path: Path) -> None:
    path = written(tmp_path / "a.h5")
    for values in ([0, 2], [0, np.nan], [0, -np.inf]):
        with pytest.raises(UserError, match=r"in it `x` from -1 to 1, found .* at \[1\]"), hdf5_faults(path, "all", "count"):
            check_range(np.array(values), -1, 1, "x")
    check_range(np.array([0, np.nan]), -1, 1, "x", missing=True)


def test_too_little_memory_is_the_machines_fault(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", (2**60,), "u1", chunks=(2**20,))
    with pytest.raises(MachineError, match=r"a\.h5: not enough memory"), open_hdf5(tmp_path / "a.h5", "all", "count") as file:
        file["x"][()]
