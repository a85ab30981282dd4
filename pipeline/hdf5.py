"""Open an HDF5 file for reading, with errors that say which stage makes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from pipeline.errors import UserError


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
