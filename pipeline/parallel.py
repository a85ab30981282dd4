"""Independent pieces of work on all cores of this machine, or on a Dask cluster."""

import asyncio
import hashlib
import logging
import os
import pickle
import platform
import signal
import sys
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import chdir, closing, contextmanager, suppress
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from joblib import Parallel, delayed, effective_n_jobs

from pipeline.config.parallel import ParallelConfig
from pipeline.utils.environment import settle_environment
from pipeline.utils.errors import UserError, printable
from pipeline.utils.files import read_json
from pipeline.utils.progress import duration, track

LOOK_EVERY = 0.5  # s between two looks of a worker at whether its parent is alive, or of a stage at whether Dask's workers are
AHEAD = 16  # results for each process of this machine
AHEAD_ON_CLUSTER = 4  # for each worker of Dask, in whose memory they wait
ANSWER = 10.0  # s in which a Dask scheduler has to answer
PATIENCE = 600.0  # s without any Dask worker until the work is given up
LEAVE = 60.0  # s that a stage which ends early waits for what Dask's workers have begun
VERSIONS = ("dask", "distributed", "av", "h5py", "numba", "numpy", "opencv-python-headless", "pillow", "scipy")  # what pieces of work are made with
FAILED = ("error", "cancelled")  # of a piece; one that is "lost" is made again
CODE = "this project's code"
SAME = "start scheduler and workers anew in the environment that `make` built (docs/clusters.md)"
_ONE_AT_A_TIME = threading.Lock()  # the folder in which a process stands is that of all its threads

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
    if config.scheduler is not None and items:
        results = _on_cluster(function, items, config.scheduler, description, ahead)
    elif config.workers in (0, 1) or len(items) < 2:
        results = (function(item) for item in items)
    else:
        results = _on_cores(partial(_as_worker, function, os.getpid()), items, config.workers, ahead)
    with closing(results):
        yield from track(results, description, len(items))


# ---- on all cores of this machine


def _on_cores(work: Callable[[Item], Result], items: Sequence[Item], workers: int, ahead: int | None) -> Generator[Result, None, None]:
    """joblib goes on working when nobody takes its results; it gets no more than `ahead` items at a time."""
    size = AHEAD * effective_n_jobs(workers) if ahead is None else max(1, ahead)
    for first in range(0, len(items), size):
        pool = Parallel(n_jobs=workers, backend="loky", return_as="generator", batch_size=1)
        yield from pool(delayed(work)(item) for item in items[first : first + size])


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


# ---- on a Dask cluster


def _on_cluster(
    function: Callable[[Item], Result], items: Sequence[Item], scheduler: str, description: str, ahead: int | None
) -> Generator[Result, None, None]:
    """Results wait where they were made until they are taken: there is one of them at a time in this process, and in the scheduler."""
    with _Cluster.connected(scheduler, description) as cluster:
        call = partial(_Call, installed(), os.getcwd(), pickle.dumps(function))
        for item in items:
            cluster.begun.append(cluster.client.submit(pickle.loads, pickle.dumps(call(pickle.dumps(item))), pure=False))
            while len(cluster.begun) >= (cluster.ahead() if ahead is None else max(1, ahead)):
                yield cluster.take()
        while cluster.begun:
            yield cluster.take()


class _Call:
    """A call of `_as_dask_worker` that is made where this is unpickled, and turns into its result.

    So Dask is asked for `pickle.loads` of bytes. A worker ends without a word when it cannot load the function that it is asked for; this one it can.
    """

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return _as_dask_worker, self.arguments


def _as_dask_worker(expected: Mapping[str, str], folder: str, function: bytes, item: bytes) -> Any:
    """`function(item)`, both pickled, in a worker of Dask, which stands in the same folder as who asks for it.

    Raises UserError where the worker has another version of something in `expected`, or no such folder.
    """
    from distributed import get_worker

    who = f"Dask worker {get_worker().address}"
    check_same(expected, installed(), who)
    if not Path(folder).is_dir():
        raise UserError(f"{who}: {folder} is not there; all machines have to see the project at the same place, on a shared disk")
    with _ONE_AT_A_TIME, chdir(folder):
        settle_environment()
        return pickle.loads(function)(pickle.loads(item))


@lru_cache
def installed() -> dict[str, str]:
    """What results depend on, by name: versions, and a hash of the project's code as it was when this process first asked, before loading it."""
    return {"Python": ".".join(platform.python_version_tuple()[:2]), **{name: _version(name) for name in VERSIONS}, CODE: _hash_of_code()}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def _hash_of_code() -> str:
    folder = Path(__file__).parent
    files = sorted(folder.rglob("*.py"))
    parts = (part for file in files for part in (file.relative_to(folder).as_posix().encode(), hashlib.sha256(file.read_bytes()).digest()))
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


def check_same(expected: Mapping[str, str], found: Mapping[str, str], who: str) -> None:
    """Raise UserError with the first thing that `found` has in another version."""
    for name, wanted in expected.items():
        if found[name] != wanted:
            raise UserError(f"{who}: expected {name} {wanted}, as here, found {found[name]}; {SAME}")


class _Cluster:
    """A Dask cluster at work for one stage.

    begun : what the cluster was asked for and was not yet taken, in the order of the items
    """

    def __init__(self, client: Any, where: str, description: str) -> None:
        self.client, self.where, self.description = client, where, description
        self.begun: deque[Any] = deque()
        self.lonely_since: float | None = None
        self.told_threads = False

    @classmethod
    @contextmanager
    def connected(cls, scheduler: str, description: str) -> Iterator["_Cluster"]:
        """Raises UserError where no scheduler answers, or another version of one. At the end nothing that was begun goes on."""
        try:
            from distributed import Client
        except ModuleNotFoundError:
            raise UserError(f"parallel.scheduler = {scheduler!r}: needs the package `distributed`; install `pose25d[cluster]`") from None
        where = f"parallel.scheduler = {scheduler!r}"
        with _quiet():
            address = address_of(scheduler)
            try:
                asyncio.run(_greet(address))
                client = Client(address, timeout=ANSWER, set_as_default=False)
            except Exception as error:  # whatever it is that answers there
                why = printable(str(error)) or f"no word for {duration(ANSWER)}"
                raise UserError(f"{where}: no Dask scheduler answers there ({why})") from None
            with client:
                cluster = cls(client, where, description)
                cluster._check_scheduler()
                cluster._workers()
                try:
                    yield cluster
                finally:
                    cluster._leave()

    def ahead(self) -> int:
        """How many results may be made that nobody has taken; more as workers come."""
        return AHEAD_ON_CLUSTER * max(1, len(self._workers()))

    def take(self) -> Any:
        """The next result; an error of any piece is raised as it was. Raises UserError where the cluster fails."""
        first = self.begun[0]
        while True:
            while not _ended(first):
                self._look()
            if first.status in FAILED:
                self._raise(first)
            try:
                result = first.result(timeout=PATIENCE)
            except TimeoutError:  # it was lost with the worker that held it, and is made again
                continue
            except OSError:
                raise self._gone() from None
            self.begun.popleft()
            return result

    def _look(self) -> None:
        """While nothing comes: has a later piece failed, and is anybody at work?"""
        for future in self.begun:
            if future.status in FAILED:
                self._raise(future)
        if self._workers():
            self.lonely_since = None
        elif self.lonely_since is None:
            self.lonely_since = time.monotonic()
            self._say(f"no Dask worker is there; waits for one, {duration(PATIENCE)} at most")
        elif time.monotonic() - self.lonely_since > PATIENCE:
            raise UserError(f"{self.where}: no Dask worker was there for {duration(PATIENCE)}; start workers, then run it again")

    def _workers(self) -> dict[str, int]:
        """The threads of each worker."""
        try:
            threads = self.client.nthreads()
        except (OSError, ValueError):
            raise self._gone() from None
        if max(threads.values(), default=1) > 1 and not self.told_threads:
            self.told_threads = True
            self._say("workers of Dask with several threads do one piece at a time; start them with --nthreads 1 --nworkers N")
        return threads

    def _raise(self, future: Any) -> NoReturn:
        """Raise what became of a piece that has no result."""
        from distributed import KilledWorker

        error = future.exception() if future.status == "error" else None
        if error is None:
            raise self._gone()
        if isinstance(error, KilledWorker):
            times = error.allowed_failures + 1
            lost = f"a piece of the work was lost {times} times with the Dask worker that did it, at last {error.last_worker.address}"
            raise UserError(f"{self.where}: {lost}; workers end so where memory is short: see their logs, give each more (--memory-limit)")
        if isinstance(error, ImportError | AttributeError):
            self._check_code()
        future.result()
        raise error

    def _gone(self) -> UserError:
        return UserError(f"{self.where}: the Dask scheduler is gone; start it and its workers again, then run it again")

    def _check_scheduler(self) -> None:
        found = self.client.sync(self.client.scheduler.versions, callback_timeout=ANSWER)["packages"]
        found["Python"] = ".".join(found["python"].split(".")[:2])
        check_same({name: installed()[name] for name in ("Python", "dask", "distributed")}, found, f"{self.where}, scheduler")

    def _check_code(self) -> None:
        """Raise UserError where a worker cannot load this module."""
        for worker, answer in self.client.run(installed, on_error="return").items():
            if isinstance(answer, Exception):
                what = f"Dask worker {worker} cannot load this project's code ({printable(str(answer))})"
                raise UserError(f"{self.where}: {what}; {SAME}")

    def _say(self, line: str) -> None:
        print(f"{self.description}: {line}", file=sys.stderr, flush=True)

    def _leave(self) -> None:
        """End what was begun. A piece that a worker is at cannot be stopped; whoever begins anew must not meet it."""
        if not self.begun or self.client.status != "running":  # all is done, or the scheduler is gone
            return
        with suppress(Exception):  # why the work ends matters more
            stacks = self.client.sync(self.client.scheduler.call_stack, keys=None, callback_timeout=ANSWER)
            busy = {key for stack in stacks.values() for key in stack}
            self.client.cancel([future for future in self.begun if future.key not in busy])
            last = [future for future in self.begun if future.key in busy]
            if last:
                self._say(f"waits for what {len(last)} Dask workers have begun, {duration(LEAVE)} at most")
            deadline = time.monotonic() + LEAVE
            while not all(map(_ended, last)) and time.monotonic() < deadline:
                pass


def address_of(scheduler: str) -> str:
    """The address of a scheduler that is given by it, or by the name of the file that it has written: one that ends in .json."""
    if not scheduler.endswith(".json"):
        return scheduler
    found = read_json(Path(scheduler))
    address = found.get("address") if isinstance(found, dict) else None
    if not isinstance(address, str):
        raise UserError(f"{scheduler}: expected `address`, as `dask scheduler --scheduler-file` writes it, found none; start the scheduler again")
    return address


async def _greet(address: str) -> None:
    """Exchange greetings with a scheduler, for which Dask's client would wait for ever where another program takes the call."""
    from distributed.comm import connect

    comm = await asyncio.wait_for(connect(address, timeout=ANSWER), ANSWER + LOOK_EVERY)
    await comm.close()


def _ended(future: Any) -> bool:
    """Whether something became of a piece; waits a little for it."""
    try:
        future.exception(timeout=LOOK_EVERY)
    except TimeoutError:
        return False
    return True


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what Dask says on its own; what matters of it is said in one line."""
    before = logging.root.manager.disable
    logging.disable()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="distributed")
            yield
    finally:
        logging.disable(before)
