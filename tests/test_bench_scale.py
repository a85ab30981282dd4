"""The simulated Human3.6M: of true size, and one that `index` takes without a word."""

from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from benchmarks import bench_scale
from benchmarks.bench_scale import (
    CAMERA_IDS,
    LONGEST,
    POSES,
    ROOT,
    SEQUENCES,
    SHORTEST,
    Cost,
    growth,
    lengths,
    run_index,
    takes,
    verdict,
    write,
    write_recording,
    write_share,
)
from pipeline.datasets.human36m.manifest import read_videos


def costs(stage: str, minutes: list[float]) -> list[Cost]:
    return [Cost(stage, 1000 * 2**step, value, 300.0, 2.0) for step, value in enumerate(minutes)]


def test_the_sequences_have_the_size_of_the_data_set() -> None:
    for subject, total in POSES.items():
        assert len(lengths(subject)) == SEQUENCES
        assert sum(lengths(subject)) == total
        assert all(SHORTEST <= length <= LONGEST for length in lengths(subject))
    assert sum(length for _, length in takes(SEQUENCES)) == 527_599
    assert all(set(takes(few)) < set(takes(more)) for few, more in pairwise((1, 4, 8, 15, 30)))


def test_index_takes_every_view_with_all_its_poses(tmp_path: Path) -> None:
    write_recording(tmp_path / "full", 2)
    write_share(tmp_path / "full", tmp_path / "recording", 1)
    yaml = YAML()
    values = yaml.load(ROOT / "params.yaml")
    values["data"].update(root=str(tmp_path / "recording"), subjects=["S1", "S11"], test_subjects=["S11"], exclude=[])
    values["parallel"]["workers"] = 1
    yaml.dump(values, tmp_path / "params.yaml")
    assert run_index(tmp_path) == tmp_path / "manifest"
    for subject in ("S1", "S11"):
        found = read_videos(tmp_path / "manifest", subject)
        assert [(video["camera"], video["poses"]) for video in found["videos"]] == [(camera, lengths(subject)[0]) for camera in CAMERA_IDS]
        assert [video["frames"] - video["poses"] for video in found["videos"]] == [1, 3, 3, 1]
        assert found["left_out"] == []


def test_growth_is_one_where_costs_grow_as_the_data() -> None:
    assert growth(costs("pair", [1, 2, 4]), "minutes") == pytest.approx(1)
    assert growth(costs("pair", [1, 4, 16]), "minutes") == pytest.approx(2)
    assert verdict([*costs("pair", [5, 5]), *costs("index", [1, 2])]) == pytest.approx(
        {("pair", "minutes"): 0, ("index", "minutes"): 1} | {(stage, name): 0 for stage in ("pair", "index") for name in ("memory_mb", "disk_mb")}
    )


def test_costs_are_written_as_a_table_and_a_plot(tmp_path: Path) -> None:
    write(tmp_path / "out", costs("index", [1, 2]))
    lines = (tmp_path / "out" / "scale.csv").read_text(encoding="utf-8").splitlines()
    assert lines == ["stage,poses,minutes,memory_mb,disk_mb", "index,1000,1,300.0,2.0", "index,2000,2,300.0,2.0"]
    assert (tmp_path / "out" / "scale.png").stat().st_size > 1000


def test_one_set_alone_is_refused() -> None:
    done = CliRunner().invoke(bench_scale.main, ["--share", "0.04"])
    assert done.exit_code == 2
    assert "too small to compare" in done.output
