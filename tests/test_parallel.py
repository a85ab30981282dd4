import operator
import os
import sys
from functools import partial

import pytest

from pipeline.config.parallel import ParallelConfig
from pipeline.errors import UserError
from pipeline.parallel import run_parallel


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


def test_no_items_no_results():
    assert run_parallel(partial(operator.pow, 2), [], settings(), "powers") == []


def test_one_worker_stays_in_this_process_and_two_do_not():
    assert set(run_parallel(process_id, [1, 2, 3], settings(1), "here")) == {os.getpid()}
    assert os.getpid() not in run_parallel(process_id, [1, 2, 3], settings(2), "elsewhere")


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_is_raised_as_it_was(workers):
    with pytest.raises(UserError, match="item 3: expected another number"):
        run_parallel(fail_on_three, [1, 2, 3, 4], settings(workers), "failing")


def test_progress_is_quiet_where_there_is_no_terminal(capfd):
    run_parallel(partial(operator.pow, 2), [1, 2], settings(1), "powers")
    assert capfd.readouterr() == ("", "")


def test_a_scheduler_that_does_not_answer_is_one_line():
    pytest.importorskip("distributed")
    with pytest.raises(UserError, match=r"parallel.scheduler = 'nonsense://nowhere': no Dask scheduler answers there"):
        run_parallel(partial(operator.pow, 2), [1, 2], settings(scheduler="nonsense://nowhere"), "powers")


def test_a_missing_dask_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match=r"install `pose25d\[cluster\]`"):
        run_parallel(partial(operator.pow, 2), [1, 2], settings(scheduler="tcp://127.0.0.1:1"), "powers")


def test_a_dask_cluster_gives_the_same_results():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
        found = run_parallel(partial(operator.pow, 2), [1, 2, 3], settings(scheduler=cluster.scheduler_address), "powers")
    assert found == [2, 4, 8]
