"""Packs of photos: what is packed is what was there, and everything that is left out is named."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from builtin_photos import PARALLEL, POSE, VALUES
from click.testing import CliRunner, Result
from odd_pictures import png_head, transparent, turned
from ruamel.yaml import YAML

import stages.pack_photos
from pipeline.config.data import PairsConfig, SourcesConfig
from pipeline.config.photos import PhotoDataConfig
from pipeline.datasets.photos.annotations import identity, read_annotations, write_annotations, write_list
from pipeline.datasets.photos.annotations import read_pairs as read_listed
from pipeline.datasets.photos.hand_labels import read_label_file, write_label_file
from pipeline.datasets.photos.pack import ALL_MISSING, NO_KEYPOINTS, NO_LABEL, NO_PICTURE, PRINTED, TOO_LARGE, UNLISTED, UNREADABLE, pack_photos
from pipeline.datasets.photos.synthetic import KEYPOINTS, PAIRS, POSES
from pipeline.datasets.photos.twins import read_twin_labels, twin_name, twin_path
from pipeline.packs.pack import read_packs
from pipeline.packs.pairs import read_pairs, write_pairs
from pipeline.pose.skeleton import LIMBS
from pipeline.utils.errors import UserError
from pipeline.utils.files import file_hash

BOTH = ("train", "test")


def config(root: Path, **values: Any) -> PhotoDataConfig:
    return PhotoDataConfig.model_validate({**VALUES["data"], "root": str(root), "image_size": [64, 44], **values})


def report(packed: Path) -> dict[str, Any]:
    return json.loads((packed / "report.json").read_text(encoding="utf-8"))


@pytest.fixture
def copy(photos: Path, tmp_path: Path) -> Path:
    """The photos, to be spoilt."""
    return Path(shutil.copytree(photos, tmp_path / "photos"))


def test_joints_and_labels_follow_the_picture(photos: Path, tmp_path: Path) -> None:
    pack_photos(tmp_path / "packed", config(photos), POSE, PARALLEL)
    pack = read_packs(tmp_path / "packed", BOTH)
    assert (len(pack), pack.image.shape[1:]) == (16, (64, 44, 3))
    points = {name: place for split in BOTH for name, place in read_annotations(photos / KEYPOINTS.format(split)).points.items()}
    labels = read_label_file(photos / "depth.csv")
    for name, pose_2d, label in zip(pack.sequence, pack.pose_2d, pack.label, strict=True):
        wrist = points[name][4]  # right; the middle 66 of 96 columns become 44
        np.testing.assert_allclose(pose_2d[16], ((wrist + 0.5) - (15, 0)) * 2 / 3 - 0.5, atol=1e-4)
        there = ~np.isnan(pose_2d[:, 0])
        expected = [(said or 0) if there[list(limb)].all() else 0 for said, limb in zip(labels[name], LIMBS, strict=True)]
        np.testing.assert_array_equal(label, expected)
    assert set(pack.identity) == {identity(name) for name in points}
    assert report(tmp_path / "packed")["left_out"] == []


def test_labels_by_hand_and_by_3d_give_the_same_packs(photos: Path, tmp_path: Path) -> None:
    pack_photos(tmp_path / "by_hand", config(photos), POSE, PARALLEL)
    pack_photos(tmp_path / "by_3d", config(photos, labels=POSES), POSE, PARALLEL)
    for split in BOTH:
        assert file_hash(tmp_path / "by_hand" / f"{split}.h5") == file_hash(tmp_path / "by_3d" / f"{split}.h5")
    assert (read_packs(tmp_path / "by_hand", BOTH).label != 0).any()


def test_twins_belong_to_their_rows(photos: Path, copy: Path, tmp_path: Path) -> None:
    pack_photos(tmp_path / "packed", config(photos), POSE, PARALLEL)
    pack, labels = read_packs(tmp_path / "packed", BOTH), read_twin_labels(photos)
    assert len(pack.twins) == len(labels)
    for row, chain, label in zip(pack.twins.row, pack.twins.chain, pack.twins.label, strict=True):
        assert pack.subject[row] == "test"
        assert [said or 0 for said in labels[twin_name(str(pack.sequence[row]), int(chain))]] == label.tolist()
        assert (label != pack.label[row]).any()
    twin_path(copy, next(iter(labels))).unlink()
    with pytest.raises(UserError, match=r"not found, but .*depth\.csv has its labels"):
        pack_photos(tmp_path / "other", config(copy), POSE, PARALLEL)
    shutil.rmtree(copy / "twins")
    pack_photos(tmp_path / "without", config(copy), POSE, PARALLEL)
    assert len(read_packs(tmp_path / "without", BOTH).twins) == 0


def test_whatever_is_left_out_is_counted_and_named(copy: Path, tmp_path: Path) -> None:
    path = copy / KEYPOINTS.format("train")
    points = dict(read_annotations(path).points)
    names = sorted(points)
    nothing, printed, gone, damaged, unlabelled, unlisted, unknown = names[:7]
    points[gone.replace("_", "x_")] = points[gone]
    del points[unknown]
    points[nothing] = np.full((18, 2), np.nan)
    write_annotations(path, points)
    lines = path.read_text(encoding="utf-8").splitlines()
    lines = [line.replace("[", "[np.int64(1), ") if line.startswith(printed) else line for line in lines]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (copy / damaged).write_bytes(b"no picture")
    write_label_file(copy / "depth.csv", {name: labels for name, labels in read_label_file(copy / "depth.csv").items() if name != unlabelled})
    write_list(copy / "train.lst", [name for name in names if name != unlisted])
    pack_photos(tmp_path / "packed", config(copy), POSE, PARALLEL)
    found = {item["picture"]: item["reason"] for item in report(tmp_path / "packed")["left_out"]}
    assert found == {
        nothing: ALL_MISSING,
        printed: PRINTED,
        gone.replace("_", "x_"): NO_PICTURE,
        damaged: UNREADABLE,
        unlabelled: NO_LABEL,
        unlisted: UNLISTED,
        unknown: NO_KEYPOINTS,
    }
    assert report(tmp_path / "packed")["counts"] == dict.fromkeys(sorted(found.values()), 1)
    assert set(read_packs(tmp_path / "packed", ("train",)).sequence) == set(names) - set(found)


def test_without_labels_every_limb_is_level_where_that_is_asked_for(photos: Path, tmp_path: Path) -> None:
    pack_photos(tmp_path / "packed", config(photos, labels=None, labelled_only=False), POSE, PARALLEL)
    assert (read_packs(tmp_path / "packed", BOTH).label == 0).all()
    assert report(tmp_path / "packed")["limbs_without_label"] == 16 * len(LIMBS)
    with pytest.raises(UserError, match="no picture with keypoints is left for `train`"):
        pack_photos(tmp_path / "none", config(photos, labels=None), POSE, PARALLEL)
    assert not (tmp_path / "none").exists()


def test_without_lists_people_are_split_by_the_seed(photos: Path, tmp_path: Path) -> None:
    apart = {}
    for seed in (1, 2, 3, 4):
        packed = tmp_path / str(seed)
        pack_photos(packed, config(photos, train_list=None, test_list=None, test_share=0.5, seed=seed), POSE, PARALLEL)
        people = [set(read_packs(packed, (split,)).identity) for split in BOTH]
        assert (len(people[0]), len(people[1]), people[0] & people[1]) == (2, 2, set())
        apart[seed] = frozenset(people[1])
    assert len(set(apart.values())) > 1


def test_pictures_may_lie_in_train_and_test(copy: Path, photos: Path, tmp_path: Path) -> None:
    for split in BOTH:
        (copy / split).mkdir()
        for name in read_annotations(copy / KEYPOINTS.format(split)).points:
            (copy / name).rename(copy / split / name)
    pack_photos(tmp_path / "apart", config(copy), POSE, PARALLEL)
    pack_photos(tmp_path / "together", config(photos), POSE, PARALLEL)
    assert file_hash(tmp_path / "apart" / "test.h5") == file_hash(tmp_path / "together" / "test.h5")


def test_a_name_that_stands_for_two_pictures_is_refused(copy: Path, tmp_path: Path) -> None:
    (copy / "train").mkdir()
    name = next(iter(read_annotations(copy / KEYPOINTS.format("train")).points))
    shutil.copy(copy / name, copy / "train" / name)
    with pytest.raises(UserError, match=f"{name}: .* has the same name; keep one of them"):
        pack_photos(tmp_path / "packed", config(copy), POSE, PARALLEL)


def test_keypoints_of_another_picture_are_refused(copy: Path, tmp_path: Path) -> None:
    path = copy / KEYPOINTS.format("test")
    write_annotations(path, {name: points + 1000 for name, points in read_annotations(path).points.items()})
    with pytest.raises(UserError, match="expected keypoints in px of this picture, 96 x 96, found others"):
        pack_photos(tmp_path / "packed", config(copy), POSE, PARALLEL)


def test_a_picture_in_both_lists_is_refused(copy: Path, tmp_path: Path) -> None:
    listed = [(copy / f"{split}.lst").read_text(encoding="utf-8") for split in BOTH]
    (copy / "test.lst").write_text(listed[1] + listed[0].splitlines()[0] + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"train\.lst and .*test\.lst: .*\.jpg stands in both"):
        pack_photos(tmp_path / "packed", config(copy), POSE, PARALLEL)


def params(path: Path, root: Path) -> Path:
    """The recipe's parameters for the photos at `root`."""
    values = {**VALUES, "data": {**VALUES["data"], "root": str(root), "image_size": [64, 44]}, "parallel": {**VALUES["parallel"], "workers": 1}}
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(values, file)
    return path


def run(packed: Path, params: Path, *options: str) -> Result:
    return CliRunner().invoke(stages.pack_photos.main, [str(packed), "--params", str(params), *options])


@pytest.mark.parametrize("options", [(), ("--force",)])
def test_a_folder_with_anything_but_packs_is_never_replaced(copy: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    values = params(tmp_path / "params.yaml", copy)
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    name = sorted(path.name for path in copy.glob("*.jpg"))[0]
    for place in (copy, copy.parent, copy / name, copy / "twins", copy / "twins" / "..", copy / name / "packed"):
        refused = run(place, values, *options)
        assert refused.exit_code == 1
        assert refused.output.count("\n") == 1, refused.output
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before
    for _ in range(2):  # packs are replaced by packs
        assert run(tmp_path / "packed", values, *options).exit_code == 0
    (tmp_path / "packed" / "notes.txt").write_text("by hand", encoding="utf-8")
    assert "holds notes.txt, which is none of the files that are written here" in run(tmp_path / "packed", values, *options).output
    assert (tmp_path / "packed" / "train.h5").exists()


def test_pictures_and_names_that_cannot_be_used_are_left_out(copy: Path, tmp_path: Path) -> None:
    path = copy / KEYPOINTS.format("train")
    points = dict(read_annotations(path).points)
    huge, thin, empty, *_ = names = sorted(points)
    (copy / huge).write_bytes(png_head(40_000, 30_000))
    (copy / thin).write_bytes(cv2.imencode(".png", np.zeros((49_000, 1), np.uint8))[1].tobytes())
    (copy / empty).write_bytes(b"")
    secret = tmp_path / "secret_1.jpg"
    shutil.copy(copy / names[3], secret)
    points["../secret_1.jpg"] = points[str(secret)] = points[names[3]]
    write_annotations(path, points)
    broken = os.fsdecode(b"\xff_1.jpg")
    for name in (broken, "two\nlines_1.jpg", "._a_1.jpg", ".partial-a_1.jpg"):
        shutil.copy(copy / names[3], copy / name)
    (copy / "gone_1.jpg").symlink_to(copy / "nowhere")
    result = run(tmp_path / "packed", params(tmp_path / "params.yaml", copy))
    assert result.exit_code == 0, result.output
    found = {item["picture"]: item["reason"] for item in report(tmp_path / "packed")["left_out"]}
    assert found.pop("two\\nlines_1.jpg") == found.pop("\\xff_1.jpg")
    assert found == {
        huge: TOO_LARGE,
        thin: TOO_LARGE,
        empty: UNREADABLE,
        "../secret_1.jpg": NO_PICTURE,
        str(secret): NO_PICTURE,
        "gone_1.jpg": "it is a link that leads nowhere",
    }
    assert f"pack_photos: 2 left out, {TOO_LARGE}" in result.output
    assert set(read_packs(tmp_path / "packed", ("train",)).sequence) == set(names[3:])


def test_pictures_may_be_links_as_dvc_makes_them(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    for path in photos.iterdir():
        (tmp_path / "links" / path.name).symlink_to(path)
    for name, root in (("files", photos), ("linked", tmp_path / "links")):
        pack_photos(tmp_path / name, config(root), POSE, PARALLEL)
    for split in BOTH:
        assert file_hash(tmp_path / "files" / f"{split}.h5") == file_hash(tmp_path / "linked" / f"{split}.h5")


def test_a_pack_holds_pictures_as_they_are_shown(copy: Path, tmp_path: Path) -> None:
    upright = np.full((96, 96, 3), 250, np.uint8)
    upright[30:60, 20:40] = (200, 30, 30)
    clear = np.full((96, 96, 3), (200, 30, 30), np.uint8)
    phone, png, *_ = sorted(read_annotations(copy / KEYPOINTS.format("train")).points)
    (copy / phone).write_bytes(turned(upright))
    (copy / png).write_bytes(transparent(clear, np.zeros((96, 96), bool)))
    pack_photos(tmp_path / "packed", config(copy, image_size=[96, 96]), POSE, PARALLEL)
    pack = read_packs(tmp_path / "packed", ("train",))
    image = dict(zip(pack.sequence.tolist(), pack.image, strict=True))
    assert np.abs(image[phone].astype(int) - upright).mean() < 3
    assert (image[png] == 255).all()


@pytest.mark.parametrize("value", ["1e999", "-1e999", "1" + "0" * 400, "NaN", "90000", "-3000"])
def test_keypoints_that_are_not_finite_or_far_outside_never_land_in_a_pack(copy: Path, tmp_path: Path, value: str) -> None:
    path = copy / KEYPOINTS.format("train")
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    head, _, rest = lines[0].rpartition("[")
    path.write_text("\n".join([first, f"{head}[{value}, {rest.partition(', ')[2]}", *lines[1:]]) + "\n", encoding="utf-8")
    result = run(tmp_path / "packed", params(tmp_path / "params.yaml", copy))
    assert result.exit_code == 1
    *progress, error = result.output.splitlines()
    assert all(line.startswith("pack train: ") for line in progress)
    assert head.partition(":")[0] in error
    assert not (tmp_path / "packed").exists()


def test_the_listed_pairs_are_those_that_are_scored(photos: Path, tmp_path: Path) -> None:
    pack_photos(tmp_path / "packed", config(photos), POSE, PARALLEL)
    listed = [*read_listed(photos / PAIRS)[:5], ("nobody_1.jpg", "nobody_2.jpg")]
    pairs = PairsConfig(train=20, test=100, across_cameras=True, min_distance=0, sources=SourcesConfig(train=1, test=1), seed=1)
    write_pairs(tmp_path / "packed", tmp_path / "pairs", config(photos), pairs, listed)
    pack = read_packs(tmp_path / "packed", ("test",))
    found = read_pairs(tmp_path / "pairs" / "test.csv", pack)
    assert {(str(pack.sequence[source]), str(pack.sequence[target])) for source, target in found} == set(listed[:5])
    write_pairs(tmp_path / "packed", tmp_path / "fewer", config(photos), pairs.model_copy(update={"test": 3}), listed)
    assert len(read_pairs(tmp_path / "fewer" / "test.csv", pack)) == 3
