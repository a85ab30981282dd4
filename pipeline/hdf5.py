"""HDF5 files: written whole or not at all, read with errors that say which stage makes them."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from pipeline.errors import UserError
from pipeline.files import atomic_file


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
def open_hdf5(path: Path, what: str, stage: str) -> Iterator[h5py.File]:
    """Open `path`; raise UserError where it is missing or no HDF5 file, or where the block asks for a part that it lacks.

    what : what the file should be; stage : what to run to make it.
    """
    if not path.is_file():
        raise UserError(f"{path}: not found; expected {what}, run the stage `{stage}`")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, KeyError) as error:
        raise UserError(f"{path}: expected {what}, {error.args[0]}; run the stage `{stage}` again") from None
