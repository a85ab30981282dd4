"""Packs of faces: FEI's file names, people apart, landmarks moved with the picture, and what is left out or wrong."""

import json
import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from pipeline.config.data import PairsConfig, SourcesConfig
from pipeline.config.faces import FaceDataConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.datasets.fei.landmarks import CSV_NAME, XML_NAME, write_csv
from pipeline.datasets.fei.layout import find_pictures, split_people
from pipeline.datasets.fei.pack import pack_faces
from pipeline.packs.pack import read_packs
from pipeline.packs.pairs import read_pairs, write_pairs
from pipeline.utils.errors import UserError

ONE_WORKER = ParallelConfig(workers=1, scheduler=None, accelerator="cpu", devices=1, nodes=1, strategy="auto")
VIEWS = ("01", "05", "10")
PAIRS = PairsConfig(train=1000, test=1000, across_cameras=True, min_distance=0, sources=SourcesConfig(train=1, test=1), seed=1)


def config(root: Path, **values: Any) -> FaceDataConfig:
    given = {"kind": "faces", "root": str(root), "predictor": None, "views": VIEWS, "test_share": 0.25, "seed": 1, "image_size": (48, 60)}
    return FaceDataConfig.model_validate({**given, **values})


def landmarks(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform((120, 60), (200, 180), (68, 2))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Eight people in three views each, named as FEI names them, and files that are none of them."""
    folder = tmp_path / "fei"
    folder.mkdir()
    found = {}
    for person in range(1, 9):
        for view in (*VIEWS, "14"):
            image = np.full((240, 320, 3), (10 * person, 255 - 10 * person, 20 * VIEWS.index(view) if view in VIEWS else 0), np.uint8)
            cv2.imwrite(str(folder / f"{person}-{view}.jpg"), image[..., ::-1])
            found[f"{person}-{view}.jpg"] = landmarks(100 * person + int(view))
    for name in ("readme.txt", "01-01.jpg", "1-01.png", "1-15.jpg"):
        (folder / name).write_bytes(b"no picture of FEI")
    write_csv(folder / CSV_NAME, found)
    return folder


def test_names_are_read_as_feis_and_other_files_are_not_looked_at(root: Path) -> None:
    pictures = find_pictures(root, VIEWS)
    assert [(one.person, one.view) for one in pictures] == [(person, view) for person in range(1, 9) for view in VIEWS]


def test_no_person_is_both_trained_on_and_scored(root: Path, tmp_path: Path) -> None:
    pack_faces(tmp_path / "packed", config(root), ONE_WORKER)
    train, test = (read_packs(tmp_path / "packed", [name]) for name in ("train", "test"))
    assert len(set(train.identity)) == 6
    assert len(set(test.identity)) == 2
    assert not set(train.identity) & set(test.identity)
    report = json.loads((tmp_path / "packed" / "report.json").read_text(encoding="utf-8"))
    assert sorted(map(str, report["people"]["test"])) == sorted(set(test.identity))
    write_pairs(tmp_path / "packed", tmp_path / "pairs", config(root), PAIRS)
    for pack, split in ((train, "train"), (test, "test")):
        pairs = read_pairs(tmp_path / "pairs" / f"{split}.csv", pack)
        assert len(pairs) == len(set(pack.identity)) * len(VIEWS) * (len(VIEWS) - 1)
        assert (pack.identity[pairs[:, 0]] == pack.identity[pairs[:, 1]]).all()


def test_the_split_is_by_seed_and_of_the_size_asked_for() -> None:
    people = list(range(1, 201))
    train, test = split_people(people, 0.1, 1)
    assert (len(train), len(test)) == (180, 20)
    assert sorted(train + test) == people
    assert split_people(people[::-1] * 14, 0.1, 1) == (train, test)
    assert split_people(people, 0.1, 2) != (train, test)
    assert len(split_people([1, 2], 0.01, 1)[1]) == 1
    with pytest.raises(UserError, match="found 1"):
        split_people([4, 4], 0.1, 1)


def test_pictures_and_landmarks_are_cut_and_reduced_together(root: Path, tmp_path: Path) -> None:
    pack_faces(tmp_path / "packed", config(root), ONE_WORKER)
    pack = read_packs(tmp_path / "packed", ["train", "test"])
    assert pack.image.shape == (24, 48, 60, 3)
    assert (pack.label.shape, pack.pose_3d.shape, len(pack.twins), pack.has_limbs) == ((24, 0), (24, 0, 3), 0, False)
    for row in range(len(pack)):
        person, view = int(pack.identity[row]), pack.camera[row]
        assert np.abs(pack.image[row].astype(int) - (10 * person, 255 - 10 * person, 20 * VIEWS.index(view))).max() <= 3
        expected = (landmarks(100 * person + int(view)) - (10, 0) + 0.5) / 5 - 0.5  # 10 px of 320 are cut off on each side, the rest is a fifth
        np.testing.assert_allclose(pack.pose_2d[row], expected, atol=0.01)


def test_a_face_that_was_not_found_is_left_out_and_listed(root: Path, tmp_path: Path) -> None:
    lines = (root / CSV_NAME).read_text(encoding="utf-8").splitlines()
    (root / CSV_NAME).write_text("\n".join(line for line in lines if not line.startswith("3-10.jpg")) + "\n", encoding="utf-8")
    pack_faces(tmp_path / "packed", config(root), ONE_WORKER)
    report = json.loads((tmp_path / "packed" / "report.json").read_text(encoding="utf-8"))
    assert report["left_out"] == [{"picture": "3-10.jpg", "reason": "no face was found"}]
    assert report["pictures"] == len(read_packs(tmp_path / "packed", ["train", "test"])) == 23


def test_without_a_file_of_landmarks_dlib_looks_for_them(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dlib's three calls are stood in for: it finds a face in every picture but those of person 2, whose red is 20."""
    points = [SimpleNamespace(x=150 + number, y=100 + number) for number in range(68)]
    shape = SimpleNamespace(num_parts=68, parts=lambda: points)
    module = SimpleNamespace(
        get_frontal_face_detector=lambda: lambda image, _: [] if abs(int(image[0, 0, 0]) - 20) < 4 else [SimpleNamespace(area=lambda: 1)],
        shape_predictor=lambda _: lambda *_: shape,
    )
    monkeypatch.setitem(sys.modules, "dlib", module)
    (root / CSV_NAME).unlink()
    (tmp_path / "predictor.dat").write_bytes(b"weights")
    pack_faces(tmp_path / "packed", config(root, predictor=str(tmp_path / "predictor.dat")), ONE_WORKER)
    report = json.loads((tmp_path / "packed" / "report.json").read_text(encoding="utf-8"))
    assert {item["picture"] for item in report["left_out"]} == {f"2-{view}.jpg" for view in VIEWS}
    assert report["pictures"] == 21


def _cut_short(root: Path) -> None:
    (root / "2-05.jpg").write_bytes((root / "2-05.jpg").read_bytes()[:40])


def _too_large(root: Path) -> None:
    Image.new("1", (32_000, 1_700)).save(root / "2-05.jpg", "PNG")


def _a_folder(root: Path) -> None:
    (root / "2-05.jpg").unlink()
    (root / "2-05.jpg").mkdir()


def _a_pipe(root: Path) -> None:
    (root / "2-05.jpg").unlink()
    os.mkfifo(root / "2-05.jpg")


@pytest.mark.parametrize("spoil", [_cut_short, _too_large, _a_folder, _a_pipe])
def test_a_picture_that_cannot_be_read_is_left_out_and_listed(root: Path, tmp_path: Path, spoil: Any) -> None:
    spoil(root)
    pack_faces(tmp_path / "packed", config(root), ONE_WORKER)
    report = json.loads((tmp_path / "packed" / "report.json").read_text(encoding="utf-8"))
    assert report["left_out"] == [{"picture": "2-05.jpg", "reason": "it cannot be read"}]
    assert report["pictures"] == len(read_packs(tmp_path / "packed", ["train", "test"])) == 23


def test_a_picture_that_was_reduced_after_it_was_annotated_is_left_out_and_listed(root: Path, tmp_path: Path) -> None:
    images = []
    for person in range(1, 9):
        for view in VIEWS:
            name, width = f"{person}-{view}.jpg", 640 if (person, view) == (3, "05") else 320
            parts = "".join(f'<part name="{i}" x="{x}" y="{y}"/>' for i, (x, y) in enumerate(landmarks(1).tolist()))
            images.append(f'<image file="{name}" width="{width}" height="240"><box>{parts}</box></image>')
    (root / CSV_NAME).unlink()
    (root / XML_NAME).write_text(f"<dataset>{''.join(images)}</dataset>", encoding="utf-8")
    pack_faces(tmp_path / "packed", config(root), ONE_WORKER)
    report = json.loads((tmp_path / "packed" / "report.json").read_text(encoding="utf-8"))
    assert report["left_out"] == [{"picture": "3-05.jpg", "reason": "the file of landmarks says another size"}]
    (root / XML_NAME).write_text((root / XML_NAME).read_text(encoding="utf-8").replace('width="640"', 'width="wide"'), encoding="utf-8")
    with pytest.raises(UserError, match=r"landmarks\.xml, image 7: expected width and height to be finite"):
        pack_faces(tmp_path / "packed", config(root), ONE_WORKER)


def _of_another_size(root: Path) -> None:
    write_csv(root / CSV_NAME, {f"{person}-{view}.jpg": landmarks(1) + 5000 for person in range(1, 9) for view in VIEWS})


def _all_at_one_place(root: Path) -> None:
    write_csv(root / CSV_NAME, {f"{person}-{view}.jpg": np.full((68, 2), 100.0) for person in range(1, 9) for view in VIEWS})


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (_of_another_size, "expected landmarks in px of this picture, 320 x 240"),
        (_all_at_one_place, "expected landmarks in px of this picture"),
        (lambda root: (root / CSV_NAME).unlink(), "expected landmarks.csv, landmarks.xml or a .pts file"),
    ],
)
def test_what_is_damaged_is_named_and_nothing_is_written(root: Path, tmp_path: Path, spoil: Any, fault: str) -> None:
    spoil(root)
    with pytest.raises(UserError, match=re.escape(fault)):
        pack_faces(tmp_path / "packed", config(root), ONE_WORKER)
    assert not (tmp_path / "packed").exists()


def test_a_folder_without_pictures_and_a_missing_one_are_named(tmp_path: Path) -> None:
    for folder, fault in ((tmp_path, "found none"), (tmp_path / "nowhere", "not found")):
        with pytest.raises(UserError, match=f"{re.escape(str(folder))}.*{fault}"):
            pack_faces(tmp_path / "packed", config(folder), ONE_WORKER)


def test_a_share_without_a_face_is_an_error(root: Path, tmp_path: Path) -> None:
    _, test = split_people(range(1, 9), 0.25, 1)
    lines = (root / CSV_NAME).read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(tuple(f"{person}-" for person in test))]
    (root / CSV_NAME).write_text("\n".join(kept) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match="the people that are scored have no picture with landmarks that can be read"):
        pack_faces(tmp_path / "packed", config(root), ONE_WORKER)
