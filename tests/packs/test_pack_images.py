"""The images of packs: read from their files when they are asked for, the same as from memory."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from pipeline.packs.images import ImageFile, StoredImages
from pipeline.utils.errors import MachineError, UserError
from pipeline.utils.hdf5 import create_blank, open_hdf5, write_hdf5, write_large_hdf5

SIZE = (6, 4, 3)


def written(path: Path, images: np.ndarray, chunks: tuple[int, ...] | None = None) -> ImageFile:
    with write_hdf5(path) as file:
        file.create_dataset("image", data=images, chunks=chunks)
    with open_hdf5(path, "images", "pack") as file:
        return ImageFile(file["image"])


def test_images_of_several_files_are_those_of_one_array(tmp_path: Path) -> None:
    every = np.random.default_rng(0).integers(0, 256, (9, *SIZE), dtype=np.uint8)
    stored = StoredImages([written(tmp_path / f"{first}.h5", every[first:stop]) for first, stop in ((0, 4), (4, 4), (4, 9))])
    assert (len(stored), stored.shape) == (9, every.shape)
    for rows in (0, 8, -1, slice(None), slice(2, 7, 2), slice(0), np.array([8, 0, 3, -9, 3]), [5, 1], np.arange(9) % 3 == 1, np.zeros(0, np.int64)):
        np.testing.assert_array_equal(stored[rows], every[rows])
    assert [image.tolist() for image in stored] == every.tolist()


@pytest.mark.parametrize("rows", [9, np.array([0, 9]), np.array([-10])])
def test_an_image_that_is_not_there_is_an_error(tmp_path: Path, rows: int | np.ndarray) -> None:
    stored = StoredImages([written(tmp_path / "a.h5", np.zeros((9, *SIZE), np.uint8))])
    with pytest.raises(IndexError):
        stored[rows]


def test_what_was_opened_stays_what_it_was_when_another_file_takes_its_place(tmp_path: Path) -> None:
    stored = StoredImages([written(tmp_path / "a.h5", np.full((2, *SIZE), 7, np.uint8))])
    written(tmp_path / "a.h5", np.full((2, *SIZE), 9, np.uint8))
    assert (stored[:] == 7).all()


def test_a_file_that_is_cut_off_meanwhile_is_one_line(tmp_path: Path) -> None:
    stored = StoredImages([written(tmp_path / "a.h5", np.zeros((2, *SIZE), np.uint8))])
    os.truncate(tmp_path / "a.h5", 100)
    with pytest.raises(UserError, match=r"a\.h5: expected 2 images, found fewer; run the stage `pack` again"):
        stored[1]


def test_images_in_pieces_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.h5: expected images, and in it `image` in one piece, found others; run the stage `pack` again"):
        written(tmp_path / "a.h5", np.zeros((4, *SIZE), np.uint8), chunks=(2, *SIZE))


def test_a_large_file_has_the_bytes_of_one_written_at_once(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (9, *SIZE), dtype=np.uint8)
    with write_hdf5(tmp_path / "a.h5") as file:
        file["image"], file["number"] = images, np.arange(9)
        file.create_group("twins")["image"] = images[:0]
        file["twins/depth"] = images[..., 0]

    def declare(file: h5py.File) -> None:
        create_blank(file, "image", images.shape, np.uint8)
        file["number"] = np.arange(9)
        create_blank(file.create_group("twins"), "image", (0, *SIZE), np.uint8)
        create_blank(file, "twins/depth", images.shape[:3], np.uint8)

    with write_large_hdf5(tmp_path / "b.h5", declare, 10_000, 2 * images.nbytes) as filler:
        for start in range(0, 9, 4):
            filler.add("image", images[start : start + 4])
            filler.add("twins/depth", images[start : start + 4, ..., 0])
        filler.add("twins/image", images[:0])
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


@pytest.fixture
def small_files() -> Iterator[None]:
    """Files of this process may not grow beyond 2 MiB, which stands for a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**21, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize(("small", "large"), [(2**22, 0), (10_000, 2**22)])
def test_a_large_file_finds_a_full_disk_before_the_library_does(tmp_path: Path, small: int, large: int) -> None:
    with (
        pytest.raises(MachineError, match=r"a\.h5: files may not grow so large here"),
        write_large_hdf5(tmp_path / "a.h5", lambda _: pytest.fail("the library was let at it"), small, large),
    ):
        raise AssertionError("the block is not entered")
    assert list(tmp_path.iterdir()) == []
