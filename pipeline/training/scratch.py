"""What unfinished trainings have left in scratch: a folder per stage and fingerprint, its lock file, and who held it."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.training.resume import lock_of
from pipeline.utils.files import machine_faults, remove
from pipeline.utils.locks import locked


@dataclass(frozen=True)
class Leftover:
    """One run's: `folder`, which may be gone, and all that is there of it; size in bytes, age in seconds since anything of it was written."""

    stage: str
    folder: Path
    paths: tuple[Path, ...]
    size: int
    age: float


class Busy(Exception):
    """Another process holds the lock."""


def leftovers(root: Path) -> list[Leftover]:
    """Everything below the scratch folder `root`, sorted by stage and name."""
    found = []
    with machine_faults(root):
        for stage in sorted(path for path in root.glob("*") if path.is_dir() and not path.is_symlink()):
            runs: dict[str, list[Path]] = defaultdict(list)
            for path in sorted(stage.iterdir()):
                runs[path.name.partition(".")[0]].append(path)
            found += [_leftover(stage / name, paths) for name, paths in runs.items() if name]
    return found


def is_busy(left: Leftover) -> bool:
    """Whether a process is at work in it."""
    try:
        with _held(left):
            return False
    except Busy:
        return True


def clear(left: Leftover) -> bool:
    """Remove all of it, unless a process is at work in it; returns whether it is gone."""
    try:
        with _held(left), machine_faults(left.folder):
            for path in left.paths:
                remove(path)
            remove(lock_of(left.folder))
    except Busy:
        return False
    with suppress(OSError):  # not empty
        left.folder.parent.rmdir()
    return True


@contextmanager
def _held(left: Leftover) -> Iterator[None]:
    lock = lock_of(left.folder)
    was_there = lock.exists()
    with locked(lock, _give_up):
        try:
            yield
        finally:
            if not was_there:
                remove(lock)


def _give_up() -> None:
    raise Busy


def _leftover(folder: Path, paths: list[Path]) -> Leftover:
    sizes, written = 0, 0.0
    for path in (file for top in paths for file in (top, *top.rglob("*"))):
        with suppress(FileNotFoundError):  # a run that ends just now
            known = path.lstat()
            sizes, written = sizes + (0 if path.is_dir() else known.st_size), max(written, known.st_mtime)
    return Leftover(folder.parent.name, folder, tuple(paths), sizes, max(0.0, time.time() - written))
