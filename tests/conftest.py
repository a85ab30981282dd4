"""What several files of tests share."""

import pytest
from clone import GRAPH, Clone, clone_of_the_working_tree


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clone, str]:
    """A fresh clone in which the tiny recipe has run once, and what `dvc repro` said."""
    clone = clone_of_the_working_tree(tmp_path_factory.mktemp("clone") / "pose25d", tmp_path_factory.mktemp("site"))
    log = clone.dvc("repro", GRAPH)
    clone.commit("Results of the tiny recipe")
    return clone, log
