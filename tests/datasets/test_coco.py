"""COCO's keypoint files: people are cut out where they are, and what is damaged is named."""

import json
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from pipeline.packs.pack import read_packs
from pipeline.pose.joint_sets import COCO_17
from pipeline.pose.skeleton import COCO_18
from pose25d import pack_coco

ROOT = Path(__file__).resolve().parents[2]
PARAMS = str(ROOT / "recipes" / "pose" / "params.yaml")


def person(number: int, image: int, **values: Any) -> dict[str, Any]:
    """Somebody whose keypoints lie on a grid in the box 40 20 30 60, all but the left ankle labelled."""
    places = [(42 + 3 * (i % 5), 22 + 12 * (i // 5), 2) for i in range(17)]
    places[COCO_17.index("left_ankle")] = (0, 0, 0)
    keypoints = [value for place in places for value in place]
    return {"id": number, "image_id": image, "iscrowd": 0, "bbox": [40, 20, 30, 60], "keypoints": keypoints, "num_keypoints": 16, **values}


def keypoints(x: float = 50, seen: float = 2) -> list[float]:
    """Labelled keypoints, the third of which lies at `x` and is seen as `seen` says."""
    return [50, 50, 2] * 2 + [x, 50, seen] + [50, 50, 2] * 14


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures with a white dot where each keypoint of the first person lies."""
    for name in ("1.jpg", "2.jpg"):
        image = np.full((100, 120, 3), 60, np.uint8)
        cv2.imwrite(str(tmp_path / name), image)
    return tmp_path


def write(folder: Path, *annotations: Any, **more: Any) -> Path:
    images = [{"id": number, "file_name": f"{number}.jpg", "width": 120, "height": 100} for number in (1, 2)]
    path = folder / "keypoints.json"
    path.write_text(json.dumps({"images": images, "annotations": list(annotations), **more}), encoding="utf-8")
    return path


def run(folder: Path, annotations: Path) -> str:
    arguments = [str(annotations), str(folder), str(folder / "packed" / "train.h5"), "--size", "64", "32", "--margin", "0"]
    result = CliRunner().invoke(pack_coco.main, [*arguments, "--params", PARAMS])
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
        (person(1, 7), "annotation 0: expected the `image_id` of one of `images`, found 7"),
        (person(1, 1, bbox=[1, 2]), "annotation 0: expected four numbers in `bbox`, found 2"),
        (person(1, 1, bbox=[40, 20, float("inf"), 60]), "expected `bbox` to be finite"),
        (person(1, 1, bbox=[40, 20, 10**400, 60]), "expected four numbers in `bbox`, found one that is too large"),
        (person(1, 1, bbox=[40, 20, True, 60]), "expected four numbers in `bbox`, found [40, 20, True, 60]"),
        (person(1, 1, bbox=None), "expected four numbers in `bbox`, found None"),
        (
            person(1, 1, keypoints=keypoints(x=float("inf"))),
            "expected labelled keypoints to be finite and within ±100000, found inf at",
        ),
        (person(1, 1, keypoints=keypoints(x=float("nan"))), "expected labelled keypoints to be finite"),
        (person(1, 1, keypoints=keypoints(x=1e30)), "found 1e+30 at"),
        (person(1, 1, keypoints=keypoints(seen=3)), "expected 0, 1 or 2 as the visibility of each keypoint, found 3"),
        (person(1, 1, keypoints=keypoints(seen=-1)), "found -1"),
        (person(1, 1, iscrowd="0"), "expected 0 or 1 as `iscrowd`, found '0'"),
        (person(1, True), "expected `image_id` to be a finite number"),
        (person(1, 1.5), "expected `image_id` to be a whole number, found 1.5"),
        (person(10**400, 1), "expected `id` to be a finite number"),
        (["a"], "annotation 0: expected an object, found ['a']"),
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
    assert "1 left out for no picture that can be read (1.jpg)" in run(folder, write(folder, person(1, 1)))
    (folder / "1.jpg").unlink()
    assert run(folder, write(folder, person(1, 1))).startswith("failed: ")
    (folder / "deep.json").write_text("[" * 100_000, encoding="utf-8")
    assert "lists within lists without end" in run(folder, folder / "deep.json")


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(path.read_bytes()[:200]), lambda path: path.unlink(), os.mkfifo])
def test_a_picture_that_cannot_be_read_leaves_its_people_out(folder: Path, spoil: Any) -> None:
    if spoil is os.mkfifo:
        (folder / "2.jpg").unlink()
    spoil(folder / "2.jpg")
    output = run(folder, write(folder, person(1, 1), person(2, 2), person(3, 2)))
    assert "pack-coco: 1 people" in output
    assert "pack-coco: 2 left out for no picture that can be read (2.jpg)" in output


def test_a_picture_that_is_too_large_leaves_its_people_out(folder: Path) -> None:
    Image.new("1", (32_000, 1_700)).save(folder / "2.jpg", "PNG")
    assert "1 left out for no picture that can be read (2.jpg)" in run(folder, write(folder, person(1, 1), person(2, 2)))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"bbox": [40, 20, 0, 60]}, "a box of no size"),
        ({"bbox": [40, 20, 30, -60]}, "a box of no size"),
        ({"bbox": [900, 20, 30, 60]}, "joints or a box far outside the picture"),
        ({"keypoints": [900, 40, 2] + [50, 50, 2] * 16}, "joints or a box far outside the picture"),
        ({"keypoints": [150, 40, 2] * 10 + [50, 50, 2] * 7}, "joints or a box far outside the picture"),
        ({"iscrowd": 1}, "a crowd"),
        ({"keypoints": [50, 50, 2] * 3 + [0, 0, 0] * 14}, "few labelled keypoints"),
    ],
)
def test_who_cannot_be_used_is_left_out_and_named(folder: Path, values: dict[str, Any], reason: str) -> None:
    output = run(folder, write(folder, person(1, 1), person(2, 1, **values)))
    assert output.endswith(f"pack-coco: 1 left out for {reason} (annotation 1)\n")
    assert len(read_packs(folder / "packed", ["train"])) == 1


def test_pictures_of_another_size_than_the_file_says_are_left_out(folder: Path) -> None:
    """A phone's picture lies on its side, and the file counts as it is stored."""
    orientation = Image.Exif()
    orientation[0x0112] = 6
    Image.fromarray(np.full((100, 120, 3), 60, np.uint8)).save(folder / "2.jpg", exif=orientation)
    output = run(folder, write(folder, person(1, 1), person(2, 2)))
    assert "1 left out for a picture of another size than the file says (2.jpg)" in output


def test_keypoints_go_by_the_names_of_their_category(folder: Path) -> None:
    """One category swaps left and right in its list, another turns it round; who is who is the same."""
    swapped = [name.replace("left", "*").replace("right", "left").replace("*", "right") for name in COCO_17]
    turned = list(reversed(COCO_17))
    first = person(1, 1)
    in_order = dict(zip(COCO_17, np.reshape(first["keypoints"], (17, 3)).tolist(), strict=True))
    people = [first | {"category_id": 1}]
    for number, names in ((2, swapped), (3, turned)):
        listed = [value for name in names for value in in_order[name]]
        people.append(person(number, 1, keypoints=listed, category_id=number))
    categories = [{"id": number, "name": "person", "keypoints": list(names)} for number, names in ((1, COCO_17), (2, swapped), (3, turned))]
    categories.append({"id": 4, "name": "car"})
    output = run(folder, write(folder, *people, person(4, 1, category_id=4), categories=categories))
    assert "1 left out for a category without keypoints (annotation 3)" in output
    pack = read_packs(folder / "packed", ["train"])
    np.testing.assert_array_equal(pack.pose_2d[0], pack.pose_2d[1])
    np.testing.assert_array_equal(pack.pose_2d[0], pack.pose_2d[2])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["tail", *COCO_17[1:]], "category 0: expected the names of COCO's 17 keypoints, each once, found 17 (wrong: 'tail'; missing: 'nose')"),
        ([*COCO_17, "nose"], "found 18 (wrong: 'nose')"),
        (list(COCO_17[:14]), "missing: 'right_knee', 'left_ankle', 'right_ankle'"),
        ("nose", "expected a list of names as `keypoints`, found 'nose'"),
        ([1, 2], "expected a list of names as `keypoints`, found [1, 2]"),
    ],
)
def test_a_category_of_other_keypoints_is_named(folder: Path, names: Any, message: str) -> None:
    output = run(folder, write(folder, person(1, 1, category_id=5), categories=[{"id": 5, "keypoints": names}]))
    assert message in output
    assert output.count("\n") == 1


def test_what_stands_twice_or_refers_to_nothing_is_named(folder: Path) -> None:
    assert "annotation 1: expected an `id` of its own, found 1" in run(folder, write(folder, person(1, 1), person(1, 2)))
    path = write(folder, person(1, 1, category_id=3), categories=[{"id": 1, "keypoints": list(COCO_17)}])
    assert "expected the `category_id` of one of `categories`, found 3" in run(folder, path)
    content = json.loads(write(folder, person(1, 1)).read_text(encoding="utf-8"))
    content["images"][1]["id"] = 1
    (folder / "keypoints.json").write_text(json.dumps(content), encoding="utf-8")
    assert "image 1: expected an `id` of its own, found 1 again" in run(folder, folder / "keypoints.json")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, "a picture in ") for name in ("../secret.jpg", "a/../../secret.jpg", "{tmp}/secret.jpg", "link.jpg", "linked/secret.jpg")),
        *((name, "the name of a file as `file_name`") for name in ("", "a\0b", "\ud800", "a\nb", 7)),
    ],
)
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: Any, expected: str) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    cv2.imwrite(str(tmp_path / "secret.jpg"), np.full((100, 120, 3), 60, np.uint8))
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (folder / "linked").symlink_to(tmp_path)
    content = {"images": [{"id": 1, "file_name": name.format(tmp=tmp_path) if isinstance(name, str) else name}], "annotations": [person(1, 1)]}
    (folder / "keypoints.json").write_text(json.dumps(content), encoding="utf-8")
    output = run(folder, folder / "keypoints.json")
    assert f"image 0: expected {expected}" in output
    assert output.count("\n") == 1
    assert not (folder / "packed").exists()


def test_a_pack_has_the_suffix_by_which_it_is_found_and_pictures_stand_in_a_folder(folder: Path) -> None:
    path = write(folder, person(1, 1))
    for pictures, pack, message in ((folder, folder / "train", "a name that ends in .h5"), (path, folder / "train.h5", "expected the folder of the")):
        result = CliRunner().invoke(pack_coco.main, [str(path), str(pictures), str(pack), "--params", PARAMS])
        assert result.exit_code == 1
        assert message in result.output
        assert not pack.exists()


def test_links_and_folders_within_the_folder_are_read(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "1.jpg").rename(folder / "deep" / "first.jpg")
    (folder / "1.jpg").symlink_to(Path("deep") / "first.jpg")
    (folder / "all").symlink_to(folder)
    assert "1 people" in run(folder / "all", write(folder, person(1, 1)))


def test_a_folder_of_photos_is_never_replaced_by_a_pack(folder: Path) -> None:
    path = write(folder, person(1, 1))
    before = {one.name: one.read_bytes() for one in folder.iterdir()}
    for target in (folder, path):
        for more in ([], ["--force"]):
            result = CliRunner().invoke(pack_coco.main, [str(path), str(folder), str(target), *more, "--params", PARAMS])
            assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == before


def test_a_crop_has_a_size_that_a_network_can_take(folder: Path) -> None:
    path = write(folder, person(1, 1))
    for more in (["--size", "0", "32"], ["--size", "64", "1000000"], ["--margin", "nan"], ["--margin", "1"]):
        result = CliRunner().invoke(pack_coco.main, [str(path), str(folder), str(folder / "packed.h5"), *more, "--params", PARAMS])
        assert result.exit_code in (1, 2)
        assert isinstance(result.exception, SystemExit)
