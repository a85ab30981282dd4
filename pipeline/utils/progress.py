"""Progress of long work on standard error: a bar on a terminal, elsewhere a line now and then, so that a log tells it, too."""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LINE_EVERY = 30.0  # s between two lines where the output is no terminal

T = TypeVar("T")


class ProgressLine:
    """How many of `total` are done, and the time left.

    start : how many were done before; unit : what a step of a training handles `batch_size` of, whose number per second is shown, also in a last line
    at the end; quiet : show nothing
    """

    def __init__(self, name: str, total: int, start: int = 0, unit: str = "", batch_size: int = 1, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[text]}"), TimeRemainingColumn())
        self.progress = Progress(*columns, console=self.console, disable=not self.console.is_terminal)
        self.task = self.progress.add_task(name, total=total, completed=start, text="")
        self.name, self.total, self.start, self.unit, self.batch_size = name, total, start, unit, batch_size
        self.began = self.last_line = time.monotonic()

    def __enter__(self) -> "ProgressLine":
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def tick(self, done: int, text: str = "") -> None:
        """So many are done; `text` is shown beside it."""
        now = time.monotonic()
        rate = (done - self.start) / max(now - self.began, 1e-9)
        speed = f"{rate * self.batch_size:.0f} {self.unit}/s" if self.unit else ""
        self.progress.update(self.task, completed=done, text=" ".join(filter(None, (speed, text))))
        if not self.console.is_terminal and (now - self.last_line > LINE_EVERY or (self.unit and done == self.total)):
            self.last_line = now
            where = f"{self.name}: {'step ' if self.unit else ''}{done} of {self.total}"
            left = f"{(self.total - done) / rate / 60:.1f} min left"
            self.console.print(", ".join(filter(None, (where, speed, left, text))), soft_wrap=True, highlight=False)


def track(items: Iterable[T], name: str, total: int) -> Iterator[T]:
    """The `total` items one by one, with their progress."""
    with ProgressLine(name, total) as progress:
        for done, item in enumerate(items, start=1):
            yield item
            progress.tick(done)
