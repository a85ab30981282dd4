"""Outputs that appear whole or not at all, and the fingerprints of inputs."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import UserError


def remove(path: Path) -> None:
    """Remove a file or a folder; nothing happens where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def atomic_output(path: Path) -> Iterator[Path]:
    """Yield a sibling of `path` to write to; it becomes `path` only if the block succeeds.

    The sibling keeps the suffix of `path`. It is a free name: the block makes the file or the folder. A full disk becomes
    one line that names the output.
    """
    partial = path.with_name(f".partial-{path.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    remove(partial)
    try:
        yield partial
        if path.is_dir():
            shutil.rmtree(path)  # a folder cannot be renamed over a full one
        os.replace(partial, path)
    except OSError as error:
        if error.errno == 28:  # ENOSPC
            raise UserError(f"{path}: the disk is full; free some space and run the stage again") from error
        raise
    finally:
        remove(partial)


def write_json(path: Path, value: Any) -> None:
    """Write JSON that is the same for the same value: two spaces, keys in the order given, a newline at the end."""
    with atomic_output(path) as partial:
        partial.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file; raise UserError where it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: not found") from None
    except ValueError as error:
        raise UserError(f"{path}: expected JSON, {error}") from None


def file_hash(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
