"""A video of two people, made once."""

from pathlib import Path

import numpy as np
import pytest
from importing_video import Held
from invented_video import FPS, FRAMES, film, side_by_side, write_film, write_openpose
from standing import POSE


@pytest.fixture(scope="session")
def held(tmp_path_factory: pytest.TempPathFactory) -> Held:
    """Not to be changed."""
    folder = tmp_path_factory.mktemp("held")
    frames, people = side_by_side([film(seed, POSE, np.arange(FRAMES) / FPS) for seed in (0, 1)])
    return Held(write_film(folder / "two_people.mp4", frames), write_openpose(folder / "two_people", people), people)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"
