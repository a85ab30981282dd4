"""The built-in photos: in the field's layout, and the keypoints lie on the people."""

from pathlib import Path

import cv2
import numpy as np
from builtin_photos import PARALLEL, PHOTOS, POSE

from pipeline.datasets.photos.annotations import identity, read_annotations, read_list, read_pairs
from pipeline.datasets.photos.hand_labels import read_label_file
from pipeline.datasets.photos.joints import to_h36m_17
from pipeline.datasets.photos.layout import find_pictures
from pipeline.datasets.photos.poses import label_poses, read_poses_3d
from pipeline.datasets.photos.synthetic import KEYPOINTS, LIST, PAIRS, POSES, write_photos
from pipeline.datasets.photos.twins import read_twin_labels, twin_name, twin_path
from pipeline.pose.skeleton import CHAIN_LIMBS, COCO_18, LIMBS
from pipeline.utils.files import file_hash


def test_the_folder_holds_what_the_field_shares(photos: Path) -> None:
    pictures = find_pictures(photos).paths
    assert len(pictures) == PHOTOS.people * PHOTOS.pictures
    lists = {split: read_list(photos / LIST.format(split)) for split in ("train", "test")}
    assert sorted(lists["train"] + lists["test"]) == list(pictures)
    assert not {identity(name) for name in lists["train"]} & {identity(name) for name in lists["test"]}
    for split, names in lists.items():
        found = read_annotations(photos / KEYPOINTS.format(split))
        assert sorted(found.points) == sorted(names)
    pairs = read_pairs(photos / PAIRS)
    assert len(pairs) == PHOTOS.pictures * (PHOTOS.pictures - 1)  # of one person
    assert {name for pair in pairs for name in pair} == set(lists["test"])


def test_keypoints_lie_on_the_person_and_within_the_picture(photos: Path) -> None:
    """The wall has one colour that darkens slowly: where a joint of a limb lies, the picture differs from the wall beside it."""
    points = {name: place for split in ("train", "test") for name, place in read_annotations(photos / KEYPOINTS.format(split)).points.items()}
    on_body, known = 0, 0
    for name, place in points.items():
        image = cv2.imread(str(photos / name)).astype(int)
        assert image.shape == (96, 96, 3)
        assert (place[~np.isnan(place)] >= 0).all()
        assert (place[~np.isnan(place)] < 96).all()
        for x, y in place[[COCO_18.index(f"{side}_{joint}") for side in ("left", "right") for joint in ("shoulder", "hip", "elbow", "knee")]]:
            if not np.isnan(x):
                known += 1
                on_body += np.abs(image[int(y), int(x)] - image[int(y), 0]).max() > 25
    assert known > 80
    assert on_body > 0.9 * known


def test_labels_are_the_rules_and_empty_where_a_joint_is_outside(photos: Path) -> None:
    by_rule = label_poses(read_poses_3d(photos / POSES), POSE)
    points = {name: place for split in ("train", "test") for name, place in read_annotations(photos / KEYPOINTS.format(split)).points.items()}
    by_hand = read_label_file(photos / "depth.csv")
    empty = 0
    for name, labels in by_rule.items():
        there = ~np.isnan(to_h36m_17(points[name])[:, 0])
        for label, written, limb in zip(labels, by_hand[name], LIMBS, strict=True):
            assert written == (label if there[list(limb)].all() else None)
            empty += written is None
    assert empty > 0
    assert {label for labels in by_hand.values() for label in labels} == {-1, 0, 1, None}


def test_the_same_seed_gives_the_same_files(photos: Path, tmp_path: Path) -> None:
    write_photos(tmp_path / "again", PHOTOS, POSE, PARALLEL)
    first, again = ({path.relative_to(root): file_hash(path) for path in root.rglob("*") if path.is_file()} for root in (photos, tmp_path / "again"))
    assert first == again


def test_only_people_who_are_scored_have_twins_and_each_reverses_a_label(photos: Path) -> None:
    labels, by_hand = read_twin_labels(photos), read_label_file(photos / "depth.csv")
    assert labels
    names = {twin_name(name, chain): (name, chain) for name in read_list(photos / LIST.format("test")) for chain in range(4)}
    for twin, found in labels.items():
        name, chain = names[twin]
        assert any(found[limb] != by_hand[name][limb] for limb in CHAIN_LIMBS[chain])
        pictures = [cv2.imread(str(path)).astype(int) for path in (photos / name, twin_path(photos, twin))]
        assert (np.abs(pictures[0] - pictures[1]).max(axis=-1) > 16).sum() >= 20
