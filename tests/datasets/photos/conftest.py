"""A small folder of built-in photos, made once."""

from pathlib import Path

import pytest
from builtin_photos import PARALLEL, PHOTOS, POSE

from pipeline.datasets.photos.synthetic import write_photos


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four people, four pictures of each, 96 x 96 px."""
    root = tmp_path_factory.mktemp("photos") / "photos"
    write_photos(root, PHOTOS, POSE, PARALLEL)
    return root
