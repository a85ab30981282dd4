"""The table of docs/own_data.md: each of its commands does what its row says, on data made for it."""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from invented_photo_sets import coco, in_shop, market, picture
from invented_session import people, write_c3d, write_freemocap, write_pose2sim
from invented_video import write_coco, write_film, write_openpose
from onnx_models import write_still_model
from ruamel.yaml import YAML
from standing import STANDING

from pipeline.config.parallel import ParallelConfig
from pipeline.config.photos import PhotoDataConfig
from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config
from pipeline.datasets.human36m.metadata import read_metadata
from pipeline.datasets.photos.annotations import identity, read_annotations, read_list, write_annotations, write_list
from pipeline.datasets.photos.joints import to_coco_18
from pipeline.datasets.photos.layout import find_pictures
from pipeline.datasets.photos.pack import pack_photos
from pipeline.datasets.videos.guesses import read_confidence
from pipeline.packs.pack import read_packs
from pipeline.pose.joint_sets import COCO_17
from pipeline.pose.skeleton import H36M_17
from pose25d.cli import main

ROOT = Path(__file__).resolve().parents[1]
COMMAND = re.compile(r"`(pose25d [^`]+)`")
POINTS = to_coco_18(np.array([STANDING[name] for name in H36M_17.names], np.float32))  # of a picture 64 px wide and 128 high
FRAMES, PARTS = 24, {"train": ("ann_1.png", "ann_2.png"), "test": ("bob_1.png", "bob_2.png")}


@dataclass(frozen=True)
class Row:
    """holds : what somebody holds, in words; command : what is typed, empty where there is nothing to import."""

    holds: str
    command: str


def rows() -> list[Row]:
    table = (ROOT / "docs" / "own_data.md").read_text(encoding="utf-8").partition("\n## ")[0]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("|")]
    return [Row(holds, found[1] if (found := COMMAND.search(command)) else "") for holds, command, *_ in cells[2:] if not holds.startswith("**")]


def run(command: str) -> str:
    done = CliRunner().invoke(main, shlex.split(command)[1:])
    assert done.exit_code == 0, done.output
    return done.output


def session(suffix: str = ".trc") -> None:
    write_pose2sim(Path("session"), {"Walk": people(1), "Sit": people(2)})
    if suffix == ".c3d":
        pytest.importorskip("ezc3d")
        for trial, seed in (("Walk", 1), ("Sit", 2)):
            (trc,) = Path("session", trial, "pose-3d").iterdir()
            trc.unlink()
            write_c3d(trc.with_name(f"{trial}.c3d"), people(seed))


def recordings() -> None:
    session()
    run("pose25d import recording session h36m --subject Walk=S1 --subject Sit=S2")


def single_files() -> None:
    session()
    Path("session", "calibration", "Calib.toml").rename("cameras.toml")
    next(Path("session", "Walk", "pose-3d").iterdir()).rename("walk.trc")
    Path("session", "Walk", "videos").rename("walk")


def video() -> None:
    """Somebody who goes to the left, in frames without a picture of them."""
    points = POINTS - np.linspace(0, 5, FRAMES)[:, None, None] * (1, 0)
    write_film(Path("walk.mp4"), np.full((FRAMES, 128, 64, 3), 90, np.uint8))
    write_openpose(Path("walk_json"), [points])
    write_coco(Path("people.json"), [f"{number}.jpg" for number in range(FRAMES)], [points], (64, 128))
    model(Path())


def model(folder: Path) -> None:
    pytest.importorskip("onnxruntime")
    write_still_model(folder / "rtmpose-m.onnx", {name: (10 + number % 5, 12 + number // 2) for number, name in enumerate(COCO_17)})


def bare_photos() -> None:
    picture(Path("photos", "ann_1.png"), (128, 64))
    model(Path())


def field_files() -> None:
    for part, names in PARTS.items():
        for name in names:
            picture(Path("fashion", name), (128, 64))
        write_annotations(Path("fashion", f"{part}.csv"), dict.fromkeys(names, POINTS))
        write_list(Path("fashion", f"{part}.lst"), names)


def has_sequences(count: int) -> Callable[[str], None]:
    def check(said: str) -> None:
        assert len(read_metadata(Path("data/mine")).prefixes) == count
        assert Path("data/mine/import.txt").read_text(encoding="utf-8") in said

    return check


def has_person_of_video(_: str) -> None:
    names = list(find_pictures(Path("data/mine")).paths)
    assert names == sorted(read_annotations(Path("data/mine/annotation.csv")).points) == sorted(read_confidence(Path("data/mine")))
    assert {identity(name) for name in names} == {"walk-1"}
    assert len(names) == FRAMES / 4


def has_lists(folder: str, train: int, test: int) -> Callable[[str], None]:
    def check(_: str) -> None:
        assert [len(read_list(Path(folder, f"{part}.lst"))) for part in ("train", "test")] == [train, test]
        assert len(find_pictures(Path(folder)).paths) == train + test

    return check


def has_cut_people(_: str) -> None:
    names = ["anna_1.jpg", "group-p1.png", "group-p2.png"]
    assert sorted(read_annotations(Path("data/mine/annotation.csv")).points) == sorted(find_pictures(Path("data/mine")).paths) == names


def has_keypoints(_: str) -> None:
    assert list(read_annotations(Path("photos/annotation.csv")).points) == ["ann_1.png"]


def can_be_packed(_: str) -> None:
    values = YAML(typ="safe").load(ROOT / "recipes" / "deepfashion" / "params.yaml")
    files = {"annotations": ["train.csv", "test.csv"], "labels": None, "labelled_only": False, "test_pairs": None}
    data = PhotoDataConfig.model_validate(values["data"] | {"root": "fashion"} | files)
    alone = ParallelConfig.model_validate(values["parallel"] | {"workers": 1})
    pack_photos(Path("packed"), data, load_config(PoseConfig, ROOT / "recipes" / "deepfashion" / "params.yaml", "pose"), alone)
    assert sorted(read_packs(Path("packed"), list(data.subjects)).sequence) == sorted(name for names in PARTS.values() for name in names)


def runs_on_both(said: str) -> None:
    assert "h36m: the pipeline can run on S1, S2" in said


# How what somebody holds begins, in the table -> what makes it, and what is there afterwards.
ROWS: dict[str, tuple[Callable[[], object], Callable[[str], None]]] = {
    "anything in Human3.6M's layout": (recordings, runs_on_both),
    "a Pose2Sim session": (session, has_sequences(2)),
    "the same with `pose-3d/*.c3d`": (lambda: session(".c3d"), has_sequences(2)),
    "a FreeMoCap recording": (lambda: write_freemocap(Path("recording"), people(1)), has_sequences(1)),
    "single files": (single_files, has_sequences(1)),
    "a video, and OpenPose's": (video, has_person_of_video),
    "a video, and COCO's": (video, has_person_of_video),
    "a video of one person, and a pose model": (video, has_person_of_video),
    "COCO keypoints": (lambda: coco(Path()), has_cut_people),
    "DeepFashion's In-shop benchmark": (lambda: in_shop(Path("in-shop")), has_lists("data/fashion", 2, 3)),
    "Market-1501": (lambda: market(Path("Market-1501")), has_lists("data/market", 3, 2)),
    "photos without anything": (bare_photos, has_keypoints),
    "the field's files": (field_files, can_be_packed),
}


def test_each_row_of_the_table_is_run() -> None:
    known = [[begin for begin in ROWS if row.holds.startswith(begin)] for row in rows()]
    assert [len(begins) for begins in known] == [1] * len(ROWS)
    assert {begins[0] for begins in known} == set(ROWS)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.holds[:30])
def test_the_command_of_a_row_does_what_the_row_says(row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make, check = next(found for begin, found in ROWS.items() if row.holds.startswith(begin))
    params = (ROOT / "recipes" / "tiny" / "params.yaml").read_text(encoding="utf-8")
    (tmp_path / "params.yaml").write_text(params.replace("workers: -1", "workers: 1"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    make()
    check(run(row.command) if row.command else "")


def test_the_readme_leads_to_the_table() -> None:
    assert "](docs/own_data.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
