"""What Dask's workers do in tests; they find it by the name of this module, which loads little."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pipeline.config.parallel import ParallelConfig
from pipeline.utils.errors import UserError

LONGEST = 120  # s until something that has to happen must have happened, on a machine however loaded


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONGEST
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def settings(scheduler: object, workers: int = 1) -> ParallelConfig:
    where = None if scheduler is None else str(scheduler)
    return ParallelConfig(workers=workers, scheduler=where, accelerator="cpu", devices=1, nodes=1, strategy="auto")


def process_and_folder(_item: int) -> tuple[int, str]:
    time.sleep(0.3)  # so that one worker does not do it all
    return os.getpid(), os.getcwd()


def note(item: tuple[str, int]) -> np.ndarray:
    """Leave a file behind, below the folder in which the stage stands."""
    Path(item[0], str(item[1])).touch()
    return np.full(1000, item[1])


def note_and_wait(item: tuple[str, str, int]) -> int:
    """Leave a file behind and wait for another."""
    began, go, number = item
    Path(began, str(number)).touch()
    wait_until(Path(go).exists)
    return number


def fail_or_wait(item: tuple[str, str, int]) -> int:
    if item[2]:
        return note_and_wait(item)
    wait_until(lambda: list(Path(item[0]).iterdir()))
    raise UserError("item 0: expected another number")


def kill_worker(_item: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_before_the_next_file() -> None:
    """From now on this process is killed when it has written a file, and is about to give it its name."""

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event == "os.rename" and str(arguments[1]).endswith(".h5"):
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
