"""Outputs that appear whole or not at all, and the fingerprints of inputs.

Nothing is replaced that this project did not write. A folder is replaced only where each of its files is of a kind that the writer makes; a file
where a folder is meant, and the reverse, is refused. Links are followed, and what replaces a file keeps its mode.
"""

import csv
import hashlib
import io
import json
import os
import shutil
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pipeline.utils.errors import UserError, is_machine_fault, machine_error

_MAY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
PARTIAL = ".partial-"  # how the names of unfinished outputs begin


def remove(path: Path) -> None:
    """Remove a file or a folder; nothing happens where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def machine_faults(path: Path) -> Iterator[None]:
    """Turn the machine's faults inside the block (a full disk, a read-only folder) into one line, a MachineError about the file, or else `path`."""
    try:
        yield
    except OSError as error:
        if not is_machine_fault(error):
            raise
        raise machine_error(error, path) from error


@contextmanager
def atomic_file(path: Path, durable: bool = False) -> Iterator[Path]:
    """Yield a sibling of `path` to write a file to; it becomes `path` only if the block succeeds.

    The sibling keeps the suffix of `path`. It is a free name: the block makes the file. Where `path` is a link, the file that it leads to is
    replaced. A file that was there gives the new one its mode, and its owner and group where that is allowed.
    durable : the file has reached the disk when the block is left, so that it outlives a loss of power
    Raises UserError where `path` is a folder or a file that is read-only, MachineError where the disk is full or may not be written.
    """
    target = _target(path)
    check_file_place(path)
    partial = target.with_name(PARTIAL + target.name)
    with machine_faults(path):
        remove(partial)
        try:
            yield partial
            _keep_mode(target, partial)
            if durable:
                _sync(partial)
            os.replace(partial, target)
            if durable:
                _sync(target.parent)
        finally:
            with suppress(OSError):
                remove(partial)


def check_file_place(path: Path) -> None:
    """Raise UserError where no file can be written to `path`.

    Something else than a file stands there, a folder or a device such as /dev/null; no folder can be above it; it is read-only; or it is a
    link to a file that is, as DVC's cache is.
    """
    with machine_faults(path):
        above = next(parent for parent in path.absolute().parents if parent.exists())
        if not above.is_dir():
            raise UserError(f"{path}: expected a place in a folder, found that {above} is a file or lies in one; give another place")
        if path.exists() and not path.is_file():
            found = "a folder" if path.is_dir() else "a device"
            raise UserError(f"{path}: expected the name of a file to write, found {found}; give another name")
        if path.is_symlink() and path.exists() and not path.stat().st_mode & _MAY_WRITE:
            how = "put a file in place of the link (`dvc unprotect` does, where it leads into DVC's cache)"
            raise UserError(f"{path}: is a link to a file that is write-protected, {os.path.realpath(path)}; {how}")
        if path.exists() and not path.stat().st_mode & _MAY_WRITE:
            raise UserError(f"{path}: is read-only, and is not replaced; make it writable or give another name")


@contextmanager
def atomic_folder(path: Path, kinds: Sequence[str] = ()) -> Iterator[Path]:
    """Yield an empty sibling folder of `path`; it becomes `path` only if the block succeeds.

    kinds : patterns (`*` also stands for `/`) of the files that the caller writes, relative to the folder. A folder that is there is replaced only
    where each of its files is of one of these kinds; without kinds it has to be empty.
    Raises UserError where `path` is a file or holds anything else, before and after the block; MachineError where the disk is full or may not be
    written.
    """
    target = _target(path)
    check_replaceable(path, kinds)
    partial = target.with_name(PARTIAL + target.name)
    with machine_faults(path):
        remove(partial)
        try:
            partial.mkdir()
            yield partial
            check_replaceable(path, kinds)
            _replace_folder(partial, target)
        finally:
            with suppress(OSError):
                remove(partial)


def check_replaceable(folder: Path, kinds: Sequence[str]) -> None:
    """Raise UserError where `folder` is a file, or holds a file that is of none of `kinds` (patterns as for `atomic_folder`)."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UserError(f"{folder}: expected a folder to write, found a file; give another name")
    with machine_faults(folder):
        for file in _files_in(folder):
            name = file.relative_to(folder).as_posix()
            if not file.name.startswith(PARTIAL) and not any(fnmatchcase(name, kind) for kind in kinds):
                found = f"holds {name}, which is none of the files that are written here"
                raise UserError(f"{folder}: {found}; nothing was changed, give a new folder or an empty one")


def _files_in(folder: Path) -> Iterator[Path]:
    """Files and links below a folder, one after the other: whoever finds the first one foreign need not wait for a whole disk."""
    for base, folders, files in os.walk(folder, onerror=_raise):
        folders.sort()
        links = [name for name in folders if os.path.islink(os.path.join(base, name))]
        yield from (Path(base) / name for name in sorted([*files, *links]))


def _raise(error: OSError) -> None:
    raise error


def _target(path: Path) -> Path:
    """Where an output goes: what `path` leads to, in a folder that is there."""
    target = Path(os.path.realpath(path))
    if target == target.parent or path.name in ("", "..") or _holds_us(target):
        raise UserError(f"{path}: expected a name to write to, found a folder that is in use; give another name")
    try:
        with machine_faults(path):
            target.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise UserError(f"{path}: expected a place in a folder, found that {path.parent} is a file or lies in one; give another place") from None
    return target


def _holds_us(folder: Path) -> bool:
    """Whether this process stands in the folder, or below it."""
    try:
        return Path.cwd().is_relative_to(folder)
    except FileNotFoundError:  # it stands in one that somebody has removed
        return False


def _keep_mode(old: Path, new: Path) -> None:
    if old.exists():
        was = old.stat()
        with suppress(OSError):  # only root may give a file away
            os.chown(new, was.st_uid, was.st_gid)
        os.chmod(new, stat.S_IMODE(was.st_mode))


def _replace_folder(new: Path, old: Path) -> None:
    """Put `new` in the place of `old`: moved aside first, so that at any moment one of the two is there whole, under some name."""
    if not old.exists():
        os.replace(new, old)
        return
    os.chmod(new, stat.S_IMODE(old.stat().st_mode))
    aside = old.with_name(f"{PARTIAL}old-{old.name}")
    remove(aside)
    os.replace(old, aside)
    os.replace(new, old)
    remove(aside)


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, have reached the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError) if path.is_dir() else machine_faults(path):  # some network drives cannot do it for folders
            os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str, durable: bool = False) -> None:
    """Write text in UTF-8, with the line ends as they are, whole or not at all."""
    with atomic_file(path, durable) as partial:
        partial.write_bytes(text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write JSON that is the same for the same value: two spaces, keys in the order given, a newline at the end."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path, most_bytes: int = 2**30) -> Any:
    """Read a JSON file; raise UserError where it is missing, damaged, says a key twice, or is larger than `most_bytes`."""
    try:
        return json.loads(_content(path, "JSON", most_bytes), object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        found = "lists within lists without end" if isinstance(error, RecursionError) else error
        raise UserError(f"{path}: expected JSON, {found}") from None


def read_text(path: Path, what: str, most_bytes: int = 2**28) -> str:
    """The text of a file; raise UserError where it is missing, too large, or no text in UTF-8. `what` says what is expected, as in `a text file`."""
    try:
        text = _content(path, what, most_bytes).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{path}: expected text in UTF-8, found something else; save it as UTF-8") from None
    if "\0" in text:
        raise UserError(f"{path}: expected text in UTF-8, found bytes that are 0; it is damaged, or in UTF-16: save it as UTF-8")
    return text


def read_csv(path: Path, what: str = "a table") -> list[tuple[int, list[str]]]:
    """The rows of a CSV file in UTF-8, empty ones left out, each with the number of its first line; cells may be quoted. Raises as `read_text`."""
    reader = csv.reader(io.StringIO(read_text(path, what), newline=""))
    rows, number = [], 1
    try:
        for row in reader:
            rows.append((number, row))
            number = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{path}, line {number}: expected cells between commas, found a damaged row ({error})") from None
    return [(number, row) for number, row in rows if row]


def _content(path: Path, what: str, most_bytes: int) -> bytes:
    with machine_faults(path):
        if not path.is_file():
            raise UserError(f"{path}: not found; expected {what}" if not path.exists() else f"{path}: expected {what}, found a folder or a device")
        if path.stat().st_size > most_bytes:
            raise UserError(f"{path}: expected {what} of at most {most_bytes} bytes, found {path.stat().st_size}")
        return path.read_bytes()


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The keys and values of an object in JSON; of a key that stands twice nobody knows which counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        (key, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key {repr(key)[:80]} stands twice in one place")
    return found


def file_hash(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with machine_faults(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
