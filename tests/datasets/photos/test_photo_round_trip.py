"""Invented photos, laid out as COCO, In-shop and Market-1501 hold theirs, come back as the same packs."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from builtin_photos import PARALLEL, POSE, VALUES
from click.testing import CliRunner
from invented_video import write_coco

from pipeline.config.photos import PhotoDataConfig
from pipeline.datasets.photo_sets.in_shop import field_name
from pipeline.datasets.photos.annotations import identity, read_all_annotations, read_list, write_annotations
from pipeline.datasets.photos.hand_labels import read_label_file, write_label_file
from pipeline.datasets.photos.pack import pack_photos
from pipeline.packs.pack import Pack, read_packs
from pipeline.pose.skeleton import H36M_17
from pipeline.utils.pictures import picture_size
from pose25d.import_photos import main

KEYPOINTS = ("fashion-annotation-train.csv", "fashion-annotation-test.csv")
NECK = [H36M_17.index(name) for name in ("thorax", "spine", "head")]  # COCO has no neck: it is the middle of the shoulders
NECK_PX = 5.0  # px of pictures of 96 px


def pack_of(root: Path, folder: Path, **values: object) -> Pack:
    data = PhotoDataConfig.model_validate(VALUES["data"] | {"root": str(root), "test_pairs": None} | values)
    pack_photos(folder, data, POSE, PARALLEL)
    return read_packs(folder, list(data.subjects))


def renamed(photos: Path, rule: Callable[[int, int], str]) -> dict[str, str]:
    """What each photo is called by a rule that knows the numbers of the person and of the picture."""
    names = read_list(photos / "train.lst") + read_list(photos / "test.lst")
    people = sorted({identity(name) for name in names})
    count = {person: sorted(name for name in names if identity(name) == person) for person in people}
    return {name: rule(number, picture) for number, person in enumerate(people, 1) for picture, name in enumerate(count[person], 1)}


def in_shop(photos: Path, root: Path) -> dict[str, str]:
    """Lay the photos out as the benchmark does; returns the names that the import gives them."""
    raw = renamed(photos, lambda person, picture: f"img/WOMEN/Tees_Tanks/id_{person:08d}/01_{picture}_front.jpg")
    test = set(read_list(photos / "test.lst"))
    rows = [f"{new}  id_{new[23:31]}  {'query' if name in test else 'train'}" for name, new in raw.items()]
    for name, new in raw.items():
        (root / new).parent.mkdir(parents=True, exist_ok=True)
        (root / new).write_bytes((photos / name).read_bytes())
    (root / "list_eval_partition.txt").write_text("\n".join([str(len(rows)), "image_name item_id evaluation_status", *rows]), encoding="utf-8")
    return {name: field_name(new) for name, new in raw.items()}


def market(photos: Path, root: Path) -> dict[str, str]:
    new = renamed(photos, lambda person, picture: f"{person:04d}_c{picture}s1_{picture:06d}_00.jpg")
    for part, folder in (("train", "bounding_box_train"), ("test", "bounding_box_test")):
        (root / folder).mkdir(parents=True)
        for name in read_list(photos / f"{part}.lst"):
            (root / folder / new[name]).write_bytes((photos / name).read_bytes())
    return new


@pytest.mark.parametrize("lay_out", [in_shop, market])
def test_pictures_keypoints_labels_and_people_come_back(photos: Path, tmp_path: Path, lay_out: Callable[[Path, Path], Mapping[str, str]]) -> None:
    root, out = tmp_path / "raw", tmp_path / "out"
    root.mkdir()
    new = lay_out(photos, root)
    points = read_all_annotations([photos / name for name in KEYPOINTS]).points
    write_annotations(tmp_path / "keypoints.csv", {new[name]: placed for name, placed in points.items()})
    done = CliRunner().invoke(main, [str(root), str(out), "--file", str(tmp_path / "keypoints.csv")])
    assert done.exit_code == 0, done.output
    write_label_file(out / "depth.csv", {new[name]: labels for name, labels in read_label_file(photos / "depth.csv").items()})
    found, truth = pack_of(out, tmp_path / "found", annotations=["keypoints.csv"]), pack_of(photos, tmp_path / "truth", annotations=list(KEYPOINTS))
    rows = [found.sequence.tolist().index(new[name]) for name in truth.sequence.tolist()]
    assert sorted(rows) == list(range(len(found)))
    for column in ("image", "pose_2d", "label", "subject"):
        np.testing.assert_array_equal(getattr(found, column)[rows], getattr(truth, column))
    assert len(set(found.identity)) == len(set(truth.identity))


def test_keypoints_of_coco_come_back_but_for_the_neck(photos: Path, tmp_path: Path) -> None:
    points = read_all_annotations([photos / name for name in KEYPOINTS]).points
    size = picture_size(photos / next(iter(points)))
    people = write_coco(tmp_path / "people.json", list(points), [np.stack(list(points.values()))], size)
    done = CliRunner().invoke(main, [str(people), str(tmp_path / "out"), "--pictures", str(photos)])
    assert done.exit_code == 0, done.output
    values = {"labels": None, "labelled_only": False, "train_list": None, "test_list": None}
    found = pack_of(tmp_path / "out", tmp_path / "found", annotations=["annotation.csv"], **values)
    truth = pack_of(photos, tmp_path / "truth", annotations=list(KEYPOINTS), **values)
    for column in ("image", "sequence", "identity", "subject"):
        np.testing.assert_array_equal(getattr(found, column), getattr(truth, column))
    np.testing.assert_array_equal(np.delete(found.pose_2d, NECK, axis=1), np.delete(truth.pose_2d, NECK, axis=1))
    assert np.nanmax(np.abs(found.pose_2d[:, NECK] - truth.pose_2d[:, NECK])) < NECK_PX * VALUES["data"]["image_size"][0] / size[1]
