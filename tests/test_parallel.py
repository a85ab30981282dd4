import operator
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from pipeline.config.parallel import ParallelConfig
from pipeline.parallel import iterate_parallel, run_parallel
from pipeline.utils.errors import UserError


def settings(workers=2, scheduler=None):
    return ParallelConfig(workers=workers, scheduler=scheduler, accelerator="cpu", devices=1, nodes=1, strategy="auto")


def process_id(_item):
    return os.getpid()


def fail_on_three(item):
    if item == 3:
        raise UserError("item 3: expected another number")
    return item


@pytest.mark.parametrize("workers", [1, 2, -1])
def test_results_come_in_the_order_of_the_items(workers):
    assert run_parallel(partial(operator.pow, 2), list(range(12)), settings(workers), "powers") == [2**i for i in range(12)]


def test_results_that_come_one_by_one_are_the_same():
    assert list(iterate_parallel(partial(operator.pow, 2), list(range(12)), settings(2), "powers", ahead=5)) == [2**i for i in range(12)]


def test_no_more_is_made_than_is_taken_where_one_process_works():
    made = []
    results = iterate_parallel(made.append, [1, 2, 3], settings(1), "one by one")
    next(results)
    assert made == [1]
    results.close()


def test_no_items_no_results():
    assert run_parallel(partial(operator.pow, 2), [], settings(), "powers") == []


def test_one_worker_stays_in_this_process_and_two_do_not():
    assert set(run_parallel(process_id, [1, 2, 3], settings(1), "here")) == {os.getpid()}
    assert os.getpid() not in run_parallel(process_id, [1, 2, 3], settings(2), "elsewhere")


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_is_raised_as_it_was(workers):
    with pytest.raises(UserError, match="item 3: expected another number"):
        run_parallel(fail_on_three, [1, 2, 3, 4], settings(workers), "failing")


def test_where_there_is_no_terminal_short_work_says_one_line(capfd):
    run_parallel(partial(operator.pow, 2), [1, 2], settings(1), "powers")
    assert capfd.readouterr() == ("", "powers: 0 of 2\n")


def test_a_scheduler_that_does_not_answer_is_one_line():
    with pytest.raises(UserError, match=r"parallel.scheduler = 'nonsense://nowhere': no Dask scheduler answers there"):
        run_parallel(partial(operator.pow, 2), [1, 2], settings(scheduler="nonsense://nowhere"), "powers")


def test_a_missing_dask_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match=r"install `pose25d\[cluster\]`"):
        run_parallel(partial(operator.pow, 2), [1, 2], settings(scheduler="tcp://127.0.0.1:1"), "powers")


_SLEEPERS = """
import os, signal, sys, time
from pathlib import Path
import click
from test_parallel import note_and_sleep, settings
from pipeline.parallel import run_parallel
from stages.command import stage

@stage
@click.argument("folder", type=Path)
def main(folder, params):
    '''Two workers that take their time.'''
    run_parallel(note_and_sleep, [folder] * 2, settings(2), "sleep")

signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal: what runs in the background may have been told to ignore it
main()
"""


def note_and_sleep(folder):
    (folder / str(os.getpid())).touch()
    time.sleep(120)


def sleepers(folder):
    """A stage whose two workers are at work, in a process group of its own, as in a terminal; and the workers."""
    path = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    command = [sys.executable, "-c", _SLEEPERS, str(folder), "--params", str(Path(__file__).parents[1] / "params.yaml")]
    parent = subprocess.Popen(command, env=env, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: len(list(folder.iterdir())) == 2 or parent.poll() is not None)
    return parent, [int(path.name) for path in folder.iterdir()]


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_gone(process):
    """Whether the process has ended; one that nobody has waited for yet counts, too."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")


@on_linux
def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    parent, workers = sleepers(tmp_path)
    assert len(workers) == 2
    parent.kill()
    wait_until(lambda: all(is_gone(worker) for worker in workers))
    assert "Traceback" not in parent.communicate(timeout=60)[1]


@on_linux
def test_an_interrupt_is_one_line_and_ends_the_workers(tmp_path):
    parent, workers = sleepers(tmp_path)
    os.killpg(parent.pid, signal.SIGINT)
    _, said = parent.communicate(timeout=60)
    *progress, last = said.splitlines()
    assert last.startswith("Interrupted: ")
    assert all(" 0 of " in line for line in progress)
    assert parent.returncode == 130
    wait_until(lambda: all(is_gone(worker) for worker in workers))
