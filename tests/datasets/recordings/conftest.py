import shutil
from pathlib import Path

import pytest
from invented_session import people, write_pose2sim


@pytest.fixture(scope="session")
def whole_session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete session of two trials, not to be changed."""
    return write_pose2sim(tmp_path_factory.mktemp("whole") / "session", {"Walk": people(1), "Sit": people(2)})


@pytest.fixture
def session(whole_session: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed at will."""
    return Path(shutil.copytree(whole_session, tmp_path / "session"))
