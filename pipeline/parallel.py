"""Independent pieces of work on all cores of this machine, or on a Dask cluster."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any, TypeVar

from joblib import Parallel, delayed, effective_n_jobs, parallel_config

from pipeline.config.parallel import ParallelConfig
from pipeline.utils.errors import UserError
from pipeline.utils.progress import track

LOOK_EVERY = 0.5  # s between two looks of a worker at whether its parent is alive
AHEAD = 16  # results for each worker

Item = TypeVar("Item")
Result = TypeVar("Result")


def run_parallel(function: Callable[[Item], Result], items: Sequence[Item], config: ParallelConfig, description: str) -> list[Result]:
    """Call `function` on every item; the results come in the order of `items`, whatever ran first.

    `function` must be importable by name (or a `functools.partial` of such a function), because other processes call it. With one
    worker, or one item, it is called in this process. The first error stops the work and is raised here as it was.
    `description` stands beside the progress.
    """
    return list(iterate_parallel(function, items, config, description, ahead=len(items)))


def iterate_parallel(
    function: Callable[[Item], Result], items: Sequence[Item], config: ParallelConfig, description: str, ahead: int | None = None
) -> Iterator[Result]:
    """`run_parallel` for results that are not to be in memory all at once: they come one by one.

    ahead : how many are made, at most, before the first of them is taken; by default a few for each worker
    """
    with _backend(config):
        if config.scheduler is None and (config.workers == 1 or len(items) < 2):
            results: Iterable[Any] = map(function, items)
        else:
            work = function if config.scheduler else partial(_as_worker, function, os.getpid())
            results = _in_groups(work, items, AHEAD * effective_n_jobs() if ahead is None else ahead)
        yield from track(results, description, len(items))


def _in_groups(work: Callable[[Item], Result], items: Sequence[Item], size: int) -> Iterator[Result]:
    """joblib goes on working when nobody takes its results; it gets no more than `size` items at a time."""
    for first in range(0, len(items), max(1, size)):
        yield from Parallel(return_as="generator", batch_size=1)(delayed(work)(item) for item in items[first : first + size])


def _as_worker(function: Callable[[Item], Result], parent: int, item: Item) -> Result:
    """`function(item)` in a process that leaves Ctrl+C to its parent, and ends with it whatever it died of."""
    _follow(parent)
    return function(item)


@lru_cache
def _follow(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # every process of a terminal gets it; the parent ends its workers
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY)
    os._exit(1)


@contextmanager
def _backend(config: ParallelConfig) -> Iterator[None]:
    """Choose where joblib runs inside the block."""
    if config.scheduler is None:
        with parallel_config(backend="loky", n_jobs=config.workers or 1):
            yield
        return
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise UserError(f"parallel.scheduler = {config.scheduler!r}: needs the package `distributed`; install `pose25d[cluster]`") from None
    try:
        client = Client(config.scheduler, timeout=10, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise UserError(f"parallel.scheduler = {config.scheduler!r}: no Dask scheduler answers there ({error})") from None
    with client, parallel_config(backend="dask", client=client):
        yield
