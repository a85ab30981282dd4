"""What several files of tests share."""

import os

import pytest
import torch
from clone import GRAPH, Clone, clone_of_the_working_tree
from hypothesis import settings

# What properties are tried on is the same each time: a test that passed goes on passing.
settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.load_profile("repeatable")

# Workers that run side by side share the cores.
torch.set_num_threads(max(1, torch.get_num_threads() // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))))


@pytest.fixture(autouse=True)
def _numbers_as_small_as_they_come() -> None:
    """A training that a test makes in this process flushes the smallest numbers to 0; the next test begins without that."""
    torch.set_flush_denormal(False)


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clone, str]:
    """A fresh clone in which the tiny recipe has run once, and what `dvc repro` said."""
    clone = clone_of_the_working_tree(tmp_path_factory.mktemp("clone") / "pose25d", tmp_path_factory.mktemp("site"))
    log = clone.dvc("repro", GRAPH)
    clone.commit("Results of the tiny recipe")
    return clone, log
