"""COCO's keypoint files: people are cut out where they are, and what is damaged is named."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from pipeline.estimation.onnx_pose import COCO_17
from pipeline.pack import read_packs
from pipeline.skeleton import COCO_18
from stages import pack_coco

ROOT = Path(__file__).resolve().parents[2]


def person(number: int, image: int, **values: Any) -> dict[str, Any]:
    """Somebody whose keypoints lie on a grid in the box 40 20 30 60, all but the left ankle labelled."""
    places = [(42 + 3 * (i % 5), 22 + 12 * (i // 5), 2) for i in range(17)]
    places[COCO_17.index("left_ankle")] = (0, 0, 0)
    keypoints = [value for place in places for value in place]
    return {"id": number, "image_id": image, "iscrowd": 0, "bbox": [40, 20, 30, 60], "keypoints": keypoints, "num_keypoints": 16, **values}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures with a white dot where each keypoint of the first person lies."""
    for name in ("1.jpg", "2.jpg"):
        image = np.full((100, 120, 3), 60, np.uint8)
        cv2.imwrite(str(tmp_path / name), image)
    return tmp_path


def write(folder: Path, *annotations: dict[str, Any]) -> Path:
    images = [{"id": number, "file_name": f"{number}.jpg", "width": 120, "height": 100} for number in (1, 2)]
    path = folder / "keypoints.json"
    path.write_text(json.dumps({"images": images, "annotations": list(annotations)}), encoding="utf-8")
    return path


def run(folder: Path, annotations: Path) -> str:
    arguments = [str(annotations), str(folder), str(folder / "packed" / "train.h5"), "--size", "64", "32", "--margin", "0"]
    result = CliRunner().invoke(pack_coco.main, [*arguments, "--params", str(ROOT / "recipes" / "pose" / "params.yaml")])
    return result.output if result.exit_code == 0 else f"failed: {result.output}"


def test_people_are_cut_out_and_their_keypoints_move_along(folder: Path) -> None:
    crowd, few = person(3, 2, iscrowd=1), person(4, 2, keypoints=[50, 50, 2] * 4 + [0, 0, 0] * 13)
    assert "2 people" in run(folder, write(folder, person(1, 1), person(2, 2), crowd, few))
    pack = read_packs(folder / "packed", ["train"])
    assert pack.pose_2d.shape == (2, 18, 2)
    assert set(pack.identity) == {"1", "2"}
    named = dict(zip(COCO_18.names, pack.pose_2d[0], strict=True))
    assert np.isnan(named["left_ankle"]).all()
    np.testing.assert_allclose(named["neck"], (named["left_shoulder"] + named["right_shoulder"]) / 2, atol=1e-5)
    scale = (named["left_eye"] - named["nose"])[0] / 3  # px of the crop per px of the picture
    np.testing.assert_allclose(named["right_eye"] - named["nose"], (6 * scale, 0), atol=1e-4)
    assert 0.85 < scale < 1.05  # a box 60 px high in a crop of 64, with a little room below and at the sides
    inside = pack.pose_2d[0][~np.isnan(pack.pose_2d[0, :, 0])]
    assert (inside > 0).all()
    assert (inside < (32, 64)).all()


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (person(1, 1, keypoints=[1, 2, 2]), "annotation 0: expected 51 numbers in `keypoints`, found 3"),
        (person(1, 7), "annotation 0: expected `image_id` of the file"),
        (person(1, 1, bbox=[1, 2]), "annotation 0: expected `image_id` of the file, `bbox` of four numbers"),
        (person(1, 1, iscrowd=1), "expected people with at least 5 labelled keypoints, found none"),
    ],
)
def test_a_wrong_annotation_is_named(folder: Path, annotation: dict[str, Any], message: str) -> None:
    assert message in run(folder, write(folder, annotation))
    assert not (folder / "packed" / "train.h5").exists()


def test_damaged_files_are_named(folder: Path) -> None:
    (folder / "text.json").write_text("no json", encoding="utf-8")
    assert "text.json: expected JSON" in run(folder, folder / "text.json")
    (folder / "list.json").write_text("[]", encoding="utf-8")
    assert "expected COCO's lists `images` and `annotations`" in run(folder, folder / "list.json")
    (folder / "1.jpg").write_bytes(b"no picture")
    assert "1.jpg: expected a picture, found a damaged file" in run(folder, write(folder, person(1, 1)))
    (folder / "1.jpg").unlink()
    assert "1.jpg: expected a picture of the keypoint file, No such file" in run(folder, write(folder, person(1, 1)))
