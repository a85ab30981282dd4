"""Progress of long work on standard error: a bar on a terminal, elsewhere a line now and then, so that a log tells it, too."""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LOOK_EVERY = 2.0  # s between two looks at whether a line is due, and so the least between two lines
FIRST_LINE = 6.0  # s of work until the first line after that of the start; with the time of a look it comes within ten seconds
LINE_EVERY = 30.0  # s between two lines at most
PARTS = 10  # a line is due at each tenth of the work, too

T = TypeVar("T")


class ProgressLine:
    """How many of `total` are done, how fast, and the time left; where `total` is None, how long it has taken so far.

    start : how many were done before; unit : what a step of a training handles `batch_size` of, whose number per second is shown
    quiet : show nothing

    Where there is no terminal, there is a line at the start and one within ten seconds. Then there is one at each tenth of the work or after 30
    seconds, whichever comes first, and one at the end. Short work has the first line alone, unless it has a unit. A thread writes them, so that
    they come even where a single piece takes minutes.
    """

    def __init__(self, name: str, total: int | None, start: int = 0, unit: str = "", batch_size: int = 1, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet)
        amount = (TimeElapsedColumn(),) if total is None else (MofNCompleteColumn(), TextColumn("{task.fields[text]}"), TimeRemainingColumn())
        columns = (TextColumn("{task.description}"), BarColumn(), *amount)
        self.progress = Progress(*columns, console=self.console, disable=not self.console.is_terminal)
        self.task = self.progress.add_task(name, total=total, completed=start, text="")
        self.name, self.total, self.unit, self.batch_size = name, total, unit, batch_size
        self.start = self.done = self.done_at_line = start
        self.text = ""
        self.began = self.last_line = time.monotonic()
        self.lines = 0  # between the first and the last
        self.ended = threading.Event()
        self.writer = None if quiet or total == 0 or self.console.is_terminal else threading.Thread(target=self._write, daemon=True)

    def __enter__(self) -> "ProgressLine":
        self.began = self.last_line = time.monotonic()
        self.progress.start()
        if self.writer is not None:
            self._print(self._where() or "begins")
            self.writer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.progress.stop()
        if self.writer is None:
            return
        self.ended.set()
        self.writer.join()
        took = time.monotonic() - self.began
        if kind is None and (self.unit or self.lines):
            self._print(self._where(), self._speed(took), f"took {duration(took)}", self.text)

    def tick(self, done: int, text: str = "") -> None:
        """So many are done; `text` is shown beside it."""
        self.done, self.text = done, text
        speed = self._speed(time.monotonic() - self.began) if self.unit else ""
        self.progress.update(self.task, completed=done, text=" ".join(filter(None, (speed, text))))

    def _write(self) -> None:
        while not self.ended.wait(LOOK_EVERY):
            now, done = time.monotonic(), self.done
            if self._due(now, done):
                self.lines, self.last_line, self.done_at_line = self.lines + 1, now, done
                took = now - self.began
                self._print(self._where(), self._speed(took), self._left(took), self.text)

    def _due(self, now: float, done: int) -> bool:
        """Whether it is time for a line."""
        first = not self.lines
        further = self.total is not None and done * PARTS // self.total > self.done_at_line * PARTS // self.total
        return further or now - self.last_line > (FIRST_LINE if first else LINE_EVERY)

    def _where(self) -> str:
        return "" if self.total is None else f"{'step ' if self.unit else ''}{self.done} of {self.total}"

    def _speed(self, took: float) -> str:
        """How fast it goes, as far as that is known."""
        made = self.done - self.start
        if not made or self.total is None:
            return ""
        rate = made / max(took, 1e-9)
        if self.unit:
            return f"{rate * self.batch_size:.0f} {self.unit}/s"
        return f"{rate:.1f}/s" if rate >= 1 else f"{1 / rate:.1f} s each"

    def _left(self, took: float) -> str:
        """The time left, or, where that is not known, the time it has taken."""
        made = self.done - self.start
        if not made or self.total is None:
            return f"{duration(took)} so far"
        return f"{duration((self.total - self.done) * took / made)} left"

    def _print(self, *parts: str) -> None:
        self.console.print(f"{self.name}: {', '.join(filter(None, parts))}", soft_wrap=True, highlight=False)


def duration(seconds: float) -> str:
    """A time as people say it."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def track(items: Iterable[T], name: str, total: int) -> Iterator[T]:
    """The `total` items one by one, with their progress."""
    with ProgressLine(name, total) as progress:
        for done, item in enumerate(items, start=1):
            yield item
            progress.tick(done)


def working(name: str) -> AbstractContextManager[ProgressLine]:
    """Work that cannot be counted, inside the block."""
    return ProgressLine(name, None)
