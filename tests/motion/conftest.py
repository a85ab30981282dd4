"""Weights of a small model, made once."""

from pathlib import Path

import pytest
from small_weights import write_model

from pipeline.inference.generator import Generator, load_generator


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with g1, g2 and lifter. Not to be changed."""
    return write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def small_generator(model: Path) -> Generator:
    return load_generator(model / "g1.safetensors", model / "g2.safetensors")
