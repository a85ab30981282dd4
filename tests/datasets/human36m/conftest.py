import os
import shutil
from pathlib import Path

import pytest
from small_recording import write_recording

from pipeline.datasets.human36m.metadata import FILE_NAME


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete data folder, not to be changed."""
    folder = tmp_path_factory.mktemp("pristine") / "h36m"
    write_recording(folder)
    return folder


@pytest.fixture
def root(pristine: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged at will."""
    return Path(shutil.copytree(pristine, tmp_path / "h36m"))


@pytest.fixture(scope="session")
def real() -> Path:
    """The real recording in the data set's layout; tests that need it are skipped where it is not there."""
    folder = Path(os.environ.get("POSE25D_REAL") or Path(__file__).parents[4] / "shared/real/balancing")
    if not (folder / FILE_NAME).is_file():
        pytest.skip("the real recording is not there; POSE25D_REAL names its folder")
    return folder
