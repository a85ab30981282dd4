"""Schedulers and workers of Dask as users start them, each a process of its own that stands in a folder of its own."""

import json
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dask_tasks import LONGEST, wait_until
from distributed import Client

ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def scheduler(folder: Path, python: tuple[str, ...] = (), **environment: str) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """The scheduler file in a new folder, and the process."""
    folder.mkdir()
    file = folder / "scheduler.json"
    options = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--dashboard-address", "127.0.0.1:0", "--idle-timeout", "10 minutes")
    command = ("scheduler", "--scheduler-file", str(file), *options)
    with _running(folder, command, environment, python) as process:
        wait_until(file.exists)
        yield file, process


@contextmanager
def worker(file: Path, folder: Path, *options: str, python: tuple[str, ...] = (), **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker in a new folder; in the block it is known to the scheduler."""
    folder.mkdir()
    before = set(workers(file))
    command = ("worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-dashboard", "--local-directory", str(folder), *options)
    with _running(folder, command, environment, python) as process:
        wait_until(lambda: set(workers(file)) - before)
        yield process


@contextmanager
def _running(folder: Path, command: tuple[str, ...], environment: dict[str, str], python: tuple[str, ...]) -> Iterator[subprocess.Popen[bytes]]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *python, "-m", "dask", *command],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path, **environment},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and those that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(LONGEST)


def address(file: Path) -> str:
    return str(json.loads(file.read_text(encoding="utf-8"))["address"])


def workers(file: Path) -> dict[str, int]:
    """The process of each worker, by its address."""
    return tell_workers(file, os.getpid)


def tell_workers(file: Path, function: Callable[[], Any]) -> dict[str, Any]:
    """What a function returns in each worker, by its address."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of versions that differ
        with Client(address(file), set_as_default=False, timeout=LONGEST) as client:
            return dict(client.run(function))
