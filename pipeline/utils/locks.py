"""A lock between processes: a file that one of them holds at a time, wherever the disk lies."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from pipeline.utils.files import check_file_place, machine_faults

# What network drives answer that know no locks: there the file's existence is the lock.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)


@contextmanager
def locked(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock file `path`, which stays behind, empty; `waiting` is called once where another process or thread holds it.

    On a disk without locks a file beside it, `<path>.held`, is the lock: it says who holds it, and goes when it is given back.
    Raises UserError where something else than a file stands there, MachineError where it may not be written.
    """
    check_file_place(path)
    with machine_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _acquire(path, waiting)
    try:
        yield
    finally:
        lock.release()


def _acquire(path: Path, waiting: Callable[[], None]) -> BaseFileLock:
    for lock in (FileLock(path, fallback_to_soft=False), SoftFileLock(path.with_name(f"{path.name}.held"))):
        try:
            _wait(lock, waiting)
        except OSError as error:
            if isinstance(lock, SoftFileLock) or error.errno not in _NO_LOCKS:
                raise
        else:
            return lock
    raise AssertionError("the second kind of lock is held, or raised")


def _wait(lock: BaseFileLock, waiting: Callable[[], None]) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waiting()
        lock.acquire()
