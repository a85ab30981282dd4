"""One at a time, on any disk."""

import errno
import threading
from pathlib import Path
from typing import Any

import filelock._unix
import pytest

from pipeline.utils.errors import UserError
from pipeline.utils.locks import locked


def count_in_turns(path: Path) -> tuple[int, list[str]]:
    """Four threads raise a number, each 25 times, by reading and writing it; what it is at the end, and who waited."""
    count, waited = [0], []

    def work() -> None:
        for _ in range(25):
            with locked(path, lambda: waited.append("")):
                now = count[0]
                threading.Event().wait(0.0005)
                count[0] = now + 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return count[0], waited


def test_one_at_a_time(tmp_path: Path) -> None:
    count, waited = count_in_turns(tmp_path / "a.lock")
    assert count == 100
    assert waited


@pytest.mark.parametrize("fault", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_drive_without_locks_does_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(fault, "No locks available")

    monkeypatch.setattr(filelock._unix.fcntl, "flock", refuse)
    assert count_in_turns(tmp_path / "a.lock")[0] == 100


def test_a_folder_in_the_place_of_the_lock_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.lock").mkdir()
    with pytest.raises(UserError, match=r"a\.lock: expected the name of a file to write, found a folder"), locked(tmp_path / "a.lock"):
        pass
