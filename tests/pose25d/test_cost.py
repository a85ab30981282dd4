"""What `pose25d check` says that data will cost: what was measured, times how much more there is."""

import pytest

from pipeline.config.data import DataConfig
from pipeline.config.params import Params, check_params
from pipeline.config.pose import PoseConfig
from pipeline.training.resume import ROOT
from pose25d.cost import Tried, scale

IMAGE = 128 * 64 * 3  # bytes
TRIED = Tried(rows=10, seconds={"extract": 5.0, "project": 1.0, "pack": 2.0}, disk={"extract": 4000, "project": 500, "pack": 10 * (IMAGE + 60)})
ROWS = {"S1": [300, 200], "S9": [100, 100, 300], "S11": []}


@pytest.fixture
def sections() -> tuple[DataConfig, PoseConfig]:
    params = check_params(ROOT / "params.yaml")
    assert isinstance(params, Params)
    return params.data.model_copy(update={"image_size": (128, 64)}), params.pose.model_copy(update={"background": "source"})


def test_disk_and_time_grow_with_the_rows_and_are_shared_among_workers(sections: tuple[DataConfig, PoseConfig]) -> None:
    index, extract, project, pack, training = scale(TRIED, ROWS, 7.0, *sections, workers=2)
    assert (index.seconds, index.disk) == (7, None)
    assert (extract.disk, project.disk, pack.disk) == (400_000, 50_000, 1000 * (IMAGE + 60))
    assert (extract.seconds, project.seconds, pack.seconds) == (250, 100, 100)
    assert training.memory == pytest.approx(500 * 60)  # of the rows of S1, without images


def test_memory_does_not_grow_with_the_images(sections: tuple[DataConfig, PoseConfig]) -> None:
    few, many = (scale(TRIED, {"S1": [100] * views, "S9": [100]}, 0.0, *sections, workers=2) for views in (1, 101))
    assert many[1].memory == few[1].memory  # of `extract`, by the longest view
    assert many[3].memory is not None
    assert few[3].memory is not None
    assert many[3].memory - few[3].memory == pytest.approx(2 * 60 * 10_000)
