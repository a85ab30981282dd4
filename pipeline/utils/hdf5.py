"""HDF5 files: written whole or not at all, read with errors that say what is damaged and which stage makes them.

A file is believed only where it holds what it should, itself: links, external storage and virtual datasets, which may read others, are refused.
"""

import errno
import os
import traceback
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import h5py
import numpy as np

from pipeline.utils.errors import UserError, is_machine_fault, machine_error
from pipeline.utils.files import atomic_file
from pipeline.utils.numbers import first_outside

NUMBER, WHOLE, TRUTH, TEXT, BYTES = "fiu", "iu", "b", "T", "V"  # kinds of datasets: those of NumPy, and two of HDF5's own
_KINDS = {NUMBER: "numbers", WHOLE: "whole numbers", TRUTH: "truth values", TEXT: "words", BYTES: "rows of bytes"}
_LOOKED_THROUGH: set[tuple[int, ...]] = set()  # files of which no part lies outside: device, inode, bytes, time of the last change
_SMALL, _PACKED = 2**26, 1000  # bytes that may be read without further ado; times that no packing makes numbers smaller than they are
_ZEROS = 2**20  # bytes at a time


@contextmanager
def write_hdf5(path: Path) -> Iterator[h5py.File]:
    """Yield an HDF5 file to fill; it becomes `path` only if the block succeeds. The same content gives the same bytes.

    It is built in memory and then written at once: the HDF5 library does not survive a disk that is full when it closes a file.
    """
    with h5py.File(f"memory-{uuid.uuid4()}", "w", driver="core", backing_store=False) as file:
        yield file
        file.flush()
        with atomic_file(path) as partial:
            partial.write_bytes(file.id.get_file_image())


@contextmanager
def write_large_hdf5(path: Path, declare: Callable[[h5py.File], None], small: int, large: int) -> Iterator["Filler"]:
    """Write an HDF5 file that is larger than memory: `declare` makes all of it but what is in its blank datasets, which the block fills.

    small : bytes that `declare` writes at most; large : those of the blank datasets. The file has the bytes that `write_hdf5` gives it, and becomes
    `path` only if the block succeeds. That there is room for what the library writes is found out first: it does not survive a disk that is full.
    """
    with atomic_file(path) as partial:
        _take_room(partial, small, large)
        with h5py.File(partial, "w", locking=False) as file:
            declare(file)
            places: dict[str, tuple[int, int]] = {}
            file.visititems(lambda name, item: _note_place(places, name, item))
        with partial.open("r+b") as filled:
            yield Filler(filled, places)


def create_blank(group: h5py.Group, name: str, shape: tuple[int, ...], dtype: type[np.generic]) -> None:
    """A dataset in one piece, for a `Filler` to fill."""
    dataset = group.create_dataset(name, shape=shape, dtype=dtype)
    if dataset.size:
        dataset[:1] = 0  # by which all of it gets its place


class Filler:
    """Writes the rows of blank datasets, each after those before it; past the library, so that a full disk is one line."""

    def __init__(self, file: BinaryIO, places: dict[str, tuple[int, int]]) -> None:
        self._file, self._left = file, places

    def add(self, name: str, rows: np.ndarray) -> None:
        """The next rows of the dataset `name`, which has its dtype."""
        if rows.size:
            place, left = self._left[name]
            assert rows.nbytes <= left
            self._file.seek(place)
            self._file.write(np.ascontiguousarray(rows).data)
            self._left[name] = place + rows.nbytes, left - rows.nbytes


def _take_room(path: Path, small: int, large: int) -> None:
    """Raise OSError where the disk has no room for so many bytes, or takes no file as large as both."""
    with path.open("wb") as file:
        for _ in range(-(-small // _ZEROS)):
            file.write(bytes(_ZEROS))
        file.flush()
        os.fsync(file.fileno())
        file.truncate(small + large)


def _note_place(places: dict[str, tuple[int, int]], name: str, item: object) -> None:
    if isinstance(item, h5py.Dataset) and item.id.get_offset() is not None:
        places[name] = item.id.get_offset(), item.nbytes


class Damaged(Exception):
    """A part of an HDF5 file is not what it should be; `hdf5_faults` says of which file, and what to do."""


@contextmanager
def open_hdf5(path: Path, what: str, stage: str) -> Iterator[h5py.File]:
    """Open `path` for reading; raise UserError where it is missing or damaged, or where the block finds that it is, or asks for what it lacks.

    what : what the file should be; stage : what to run to make it.
    """
    if not path.is_file():
        raise UserError(f"{path}: not found; expected {what}, run the stage `{stage}`")
    with hdf5_faults(path, what, stage), open_own(path) as file:
        yield file


@contextmanager
def hdf5_faults(path: Path, what: str, stage: str) -> Iterator[None]:
    """Turn what a damaged file makes the HDF5 library raise inside the block, and `Damaged`, into one line. Bugs of the block stay as they are."""
    try:
        yield
    except Damaged as error:
        raise UserError(f"{path}: expected {what}, {error}; run the stage `{stage}` again") from None
    except Exception as error:
        if not _raised_by_the_library(error):
            raise
        if isinstance(error, MemoryError):
            raise machine_error(OSError(errno.ENOMEM, ""), path) from None
        if isinstance(error, OSError) and is_machine_fault(error):
            raise machine_error(error, path) from None
        reason = " ".join(str(error.args[0] if isinstance(error, KeyError) and error.args else error).split())
        raise UserError(f"{path}: expected {what}, {reason or type(error).__name__}; run the stage `{stage}` again") from None


def open_own(path: Path) -> h5py.File:
    """Open a file for reading; raise `Damaged` where a part of it lies outside of it.

    HDF5's own lock is not taken: not every network drive has locks, and files are replaced whole, never written in place. A file that stays as it is
    is looked through once: a sidecar with thousands of datasets is opened for each view.
    """
    file = h5py.File(path, "r", locking=False)
    try:
        state = path.stat()
        key = state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns
        if key in _LOOKED_THROUGH:
            return file
        outside = file.visititems_links(lambda name, link: _outside(file, name, link))
        if outside is not None:
            raise Damaged(f"found {outside}, which is not followed")
    except BaseException:
        file.close()
        raise
    _LOOKED_THROUGH.add(key)
    return file


def read_dataset(group: h5py.Group, name: str, shape: Sequence[int | None], kinds: str) -> np.ndarray:
    """The whole dataset `name`; raise `Damaged` where it is missing, of another shape or type, or claims more than its file can hold.

    shape : the length of each axis, None where any will do; kinds : of `_KINDS`. Text comes as (N,) str.
    """
    dataset = find_dataset(group, name, shape, kinds)
    return dataset.asstr()[()].astype(str) if kinds == TEXT else dataset[()]


def find_dataset(group: h5py.Group, name: str, shape: Sequence[int | None], kinds: str) -> h5py.Dataset:
    """`read_dataset` without reading it."""
    dataset = group.get(name)
    wanted = f"and in it `{name}`, {' x '.join('n' if length is None else str(length) for length in shape)} {_KINDS[kinds]}"
    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
        raise Damaged(f"{wanted}, found nothing")
    kind = "T" if h5py.check_string_dtype(dataset.dtype) else "V" if h5py.check_vlen_dtype(dataset.dtype) else dataset.dtype.kind
    fits = len(dataset.shape) == len(shape) and all(want in (None, found) for want, found in zip(shape, dataset.shape, strict=True))
    if not fits or kind not in kinds:
        raise Damaged(f"{wanted}, found {' x '.join(map(str, dataset.shape))} {dataset.dtype}")
    if dataset.nbytes > max(_SMALL, _PACKED * dataset.id.get_storage_size()):
        raise Damaged(f"{wanted}, found {dataset.nbytes} bytes of which the file holds {dataset.id.get_storage_size()}")
    return dataset


def check_range(values: np.ndarray, low: float, high: float, name: str, missing: bool = False) -> None:
    """Raise `Damaged` where one of `values`, those of the dataset `name`, is not within `low` and `high`.

    missing : NaN stands for what is not there, and is allowed
    """
    index = first_outside(values, low, high, missing)
    if index is not None:
        raise Damaged(f"and in it `{name}` from {low:g} to {high:g}, found {values[index]} at {list(index)}")


def _outside(file: h5py.File, name: str, link: object) -> str | None:
    """What of a file's link leads out of it, or around in it, in words. This project writes none of it."""
    if isinstance(link, h5py.ExternalLink):
        return f"in `{name}` an external link to {link.filename}"
    if isinstance(link, h5py.SoftLink):
        return f"in `{name}` a soft link to {link.path}"
    item = file[name]
    if isinstance(item, h5py.Dataset):
        made = item.id.get_create_plist()
        if made.get_layout() == h5py.h5d.VIRTUAL:
            return f"in `{name}` a virtual dataset"
        if made.get_external_count():
            return f"in `{name}` external storage"
    return None


def _raised_by_the_library(error: Exception) -> bool:
    return any(frame.f_globals.get("__name__", "").split(".")[0] == "h5py" for frame, _ in traceback.walk_tb(error.__traceback__))
