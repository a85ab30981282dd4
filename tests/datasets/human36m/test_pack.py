"""Packs: what stands in them, that they come back whole, and every way in which frames and poses can disagree."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pytest
from data_section import data_config

from pipeline.config.parallel import ParallelConfig
from pipeline.config.pose import Background
from pipeline.datasets.human36m.pack import pack_subject
from pipeline.datasets.human36m.plates import Take, crop_plate, make_plate
from pipeline.packs.frame_store import store_path, write_frames
from pipeline.packs.pack import read_columns, read_packs
from pipeline.pose.crop import crop_box, crop_image
from pipeline.pose.skeleton import LIMBS
from pipeline.utils.errors import UserError
from pipeline.utils.files import file_hash

ONE_WORKER = ParallelConfig(workers=1, scheduler=None, accelerator="cpu", devices=1, nodes=1, strategy="auto")
SIZE, STORED, IMAGE_SIZE = (160, 120), (80, 60), (32, 16)
VIEWS = (("Walking 1", "54138969"), ("Directions", "58860488"), ("Directions", "54138969"))  # not in the order of the pack
FRAMES = np.array([0, 5, 10])


config = partial(data_config, frame_height=60, image_size=IMAGE_SIZE)


def joints(seed: int) -> np.ndarray:
    """(3, 17, 2) float32 px, somewhere in the middle of the picture."""
    rng = np.random.default_rng(seed)
    return (rng.uniform((50, 20), (80, 30), (3, 1, 2)) + rng.random((3, 17, 2)) * (30, 70)).astype(np.float32)


def picture(seed: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return cv2.resize(small, size, interpolation=cv2.INTER_CUBIC)


def write_views(folder: Path, views: tuple[tuple[str, str], ...] = VIEWS, subject: str = "S1", frames: np.ndarray = FRAMES) -> None:
    """Stored frames, as `extract` leaves them."""
    for number, (sequence, camera) in enumerate(views):
        images = (picture(10 * number + i, STORED) for i in range(len(frames)))
        write_frames(store_path(folder / "frames" / subject, sequence, camera), images, frames, SIZE, STORED, 50.0)
    (folder / "frames" / subject / "report.json").write_text(json.dumps({"subject": subject, "videos": [], "left_out": []}), encoding="utf-8")


def write_poses(folder: Path, views: tuple[tuple[str, str], ...] = VIEWS, subject: str = "S1", truth: bool = False) -> Path:
    """Poses, as `project` leaves them; with `truth`, also labels of the renderer, and twins of the first view's frames 10 and 0."""
    path = folder / "poses" / f"{subject}.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.attrs["subject"] = subject
        for number, (sequence, camera) in enumerate(views):
            rng = np.random.default_rng(number)
            group = file.create_group(f"{sequence}/{camera}")
            group["pose_2d"] = joints(number)
            group["pose_3d"] = rng.normal(size=(3, 17, 3)).astype(np.float32)
            group["label"] = rng.integers(-1, 2, (3, len(LIMBS))).astype(np.int8)
            group["box"] = np.zeros((3, 4), np.float32)
            group["frame"] = FRAMES.astype(np.int32)
            group.attrs.update({"action": sequence.split()[0], "identity": f"person of {sequence}", "width": SIZE[0], "height": SIZE[1], "fps": 50.0})
            if truth:
                group["label_truth"] = group["label"][()]
                group["label_clear"] = rng.random((3, len(LIMBS))) < 0.5
        if truth:
            twins = file.create_group("twins/" + "/".join(views[0]))
            twins["index"] = np.array([2, 0, 2], np.int32)
            twins["chain"] = np.array([3, 1, 0], np.int8)
            twins["pose_3d"] = np.arange(3, dtype=np.float32)[:, None, None] * np.ones((3, 17, 3), np.float32)
            twins["label"] = np.arange(-1, 2, dtype=np.int8)[:, None] * np.ones((3, len(LIMBS)), np.int8)
            file.attrs["truth_path"], file.attrs["truth_sha256"] = "S1/truth.h5", file_hash(write_truth(folder))
    return path


def write_truth(folder: Path, size: tuple[int, int] = SIZE) -> Path:
    """The pictures of twins, as the built-in data has them: one more than `project` keeps."""
    path = folder / "raw" / "S1" / "truth.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        group = file.create_group("sequences/Walking 1/54138969/twins")
        group["frame"] = np.array([0, 3, 10, 10], np.int32)
        group["chain"] = np.array([1, 1, 0, 3], np.int8)
        image = group.create_dataset("image", shape=(4,), dtype=h5py.vlen_dtype(np.uint8))
        for row in range(4):
            image[row] = cv2.imencode(".png", cv2.cvtColor(picture(100 + row, size), cv2.COLOR_RGB2BGR))[1].reshape(-1)
    return path


def pack(folder: Path, subject: str = "S1", workers: int = 1, background: Background = "none", **values: Any) -> Path:
    path = folder / "packed" / f"{subject}.h5"
    parallel = ONE_WORKER.model_copy(update={"workers": workers})
    frames, poses = folder / "frames" / subject, folder / "poses" / f"{subject}.h5"
    pack_subject(subject, frames, poses, path, config(folder / "raw", **values), background, parallel)
    return path


def close_to(crop: np.ndarray, image: np.ndarray, box: np.ndarray) -> bool:
    """Whether `crop` is that box of `image`, but for JPEG."""
    return bool(np.abs(crop.astype(int) - crop_image(image, box, SIZE, IMAGE_SIZE)).mean() < 3)


def test_rows_are_sorted_and_hold_what_frames_and_poses_hold(tmp_path: Path) -> None:
    write_views(tmp_path)
    write_poses(tmp_path)
    pack(tmp_path)
    found = read_packs(tmp_path / "packed", ["S1"])
    order = (2, 1, 0)  # of VIEWS: Directions 54138969, Directions 58860488, Walking 1
    assert found.sequence.tolist() == [VIEWS[i][0] for i in order for _ in FRAMES]
    assert found.camera.tolist() == [VIEWS[i][1] for i in order for _ in FRAMES]
    assert found.identity.tolist() == [f"person of {VIEWS[i][0]}" for i in order for _ in FRAMES]
    assert found.action.tolist() == ["Directions"] * 6 + ["Walking"] * 3
    assert found.frame.tolist() == FRAMES.tolist() * 3
    assert found.subject.tolist() == ["S1"] * 9
    assert (found.image.shape, found.image[:].dtype) == ((9, 32, 16, 3), np.uint8)
    assert (found.pose_2d.dtype, found.label.dtype, found.pose_3d.dtype) == (np.float32, np.int8, np.float32)
    for place, number in enumerate(order):
        box = crop_box(joints(number), IMAGE_SIZE, 0.15)
        for i in range(3):
            row = 3 * place + i
            assert close_to(found.image[row], picture(10 * number + i, STORED), box[i])
            assert not close_to(found.image[row], picture(10 * number + (i + 1) % 3, STORED), box[i])
            scale = IMAGE_SIZE[0] / (box[i, 3] - box[i, 1])
            np.testing.assert_array_equal(found.box[row], box[i])
            np.testing.assert_allclose(found.pose_2d[row], (joints(number)[i] - box[i, :2]) * scale - 0.5, atol=1e-4)
        rng = np.random.default_rng(number)
        np.testing.assert_array_equal(found.pose_3d[3 * place : 3 * place + 3], rng.normal(size=(3, 17, 3)).astype(np.float32))
        np.testing.assert_array_equal(found.label[3 * place : 3 * place + 3], rng.integers(-1, 2, (3, len(LIMBS))))
    assert found.label_truth is None
    assert found.label_clear is None
    assert found.background is None
    assert len(found.twins) == 0
    assert found.twins.image.shape == (0, 32, 16, 3)


def test_with_plates_each_row_has_what_its_camera_shows_without_the_person(tmp_path: Path) -> None:
    write_views(tmp_path)
    write_poses(tmp_path)
    pack(tmp_path, background="plate")
    found = read_packs(tmp_path / "packed", ["S1"])
    assert found.background is not None
    assert (found.background.shape, found.background[:].dtype) == ((9, *IMAGE_SIZE, 4), np.uint8)
    frames = tmp_path / "frames" / "S1"
    takes = [Take(store_path(frames, *VIEWS[i]), SIZE, joints(i)) for i in (2, 0)]  # both of one camera
    plate = make_plate(takes)
    for row in (0, 6):
        np.testing.assert_array_equal(found.background[row], crop_plate(plate, found.box[row], SIZE, IMAGE_SIZE))


def test_twins_are_cropped_with_the_box_of_their_original(tmp_path: Path) -> None:
    write_views(tmp_path)
    write_poses(tmp_path, truth=True)
    pack(tmp_path)
    found = read_packs(tmp_path / "packed", ["S1"])
    assert found.twins.row.tolist() == [6, 8, 8]
    assert found.twins.chain.tolist() == [1, 0, 3]
    assert found.twins.label[:, 0].tolist() == [0, 1, -1]
    assert found.twins.pose_3d[:, 0, 0].tolist() == [1, 2, 0]
    box = crop_box(joints(0), IMAGE_SIZE, 0.15)
    for image, seed, row in zip(found.twins.image, (100, 102, 103), (0, 2, 2), strict=True):
        reduced = cv2.resize(picture(seed), STORED, interpolation=cv2.INTER_AREA)
        difference = image.astype(int) - crop_image(reduced, box[row], SIZE, IMAGE_SIZE)
        assert np.abs(difference).mean() < 4
        assert np.abs(difference @ (0.299, 0.587, 0.114)).mean() < 1  # only the colour is coarser, as in a video
    assert found.label_truth is not None
    assert found.label_clear is not None
    np.testing.assert_array_equal(found.label_truth, found.label)


def test_several_subjects_follow_each_other(tmp_path: Path) -> None:
    write_views(tmp_path)
    write_poses(tmp_path, truth=True)
    write_views(tmp_path, VIEWS[:2], "S9")
    write_poses(tmp_path, VIEWS[:2], "S9")
    pack(tmp_path)
    pack(tmp_path, "S9")
    found = read_packs(tmp_path / "packed", ["S9", "S1"])
    assert found.offset == {"S9": 0, "S1": 6}
    assert len(found) == 15
    assert found.subject.tolist() == ["S9"] * 6 + ["S1"] * 9
    assert found.twins.row.tolist() == [12, 14, 14]
    assert found.label_truth is None  # S9 has none
    alone = read_packs(tmp_path / "packed", ["S1"])
    np.testing.assert_array_equal(found.image[6:], alone.image[:])
    np.testing.assert_array_equal(found.pose_2d[6:], alone.pose_2d)


def test_columns_are_read_without_images(tmp_path: Path) -> None:
    write_views(tmp_path)
    write_poses(tmp_path)
    pack(tmp_path)
    columns = read_columns(tmp_path / "packed", "S1", ("camera", "frame"))
    assert columns["camera"].tolist() == ["54138969"] * 3 + ["58860488"] * 3 + ["54138969"] * 3
    assert columns["frame"].tolist() == FRAMES.tolist() * 3


def test_two_runs_give_the_same_bytes_whatever_the_number_of_processes(tmp_path: Path) -> None:
    write_views(tmp_path)
    write_poses(tmp_path, truth=True)
    first = pack(tmp_path).read_bytes()
    assert pack(tmp_path, workers=2).read_bytes() == first


def test_pieces_of_any_size_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_views(tmp_path)
    write_poses(tmp_path, truth=True)
    whole = pack(tmp_path, background="plate").read_bytes()
    for rows in (1, 2):
        monkeypatch.setattr("pipeline.datasets.human36m.pack.PIECE", rows * 3 * IMAGE_SIZE[0] * IMAGE_SIZE[1])
        assert pack(tmp_path, background="plate").read_bytes() == whole


def test_one_row_can_be_read_alone(tmp_path: Path) -> None:
    write_views(tmp_path)
    write_poses(tmp_path)
    with h5py.File(pack(tmp_path), "r") as file:
        assert file["image"].compression is None
        assert file.attrs["subject"] == "S1"


def test_a_view_that_extract_left_out_is_left_out_and_any_other_is_an_error(tmp_path: Path) -> None:
    write_views(tmp_path, VIEWS[:2])
    poses = write_poses(tmp_path)
    with pytest.raises(UserError, match=r"S1, Directions, camera 54138969: has poses, but no frames in .*run the stage `extract` again"):
        pack(tmp_path)
    report = {"subject": "S1", "videos": [], "left_out": [{"sequence": "Directions", "camera": "54138969", "reason": "cannot be decoded"}]}
    (tmp_path / "frames" / "S1" / "report.json").write_text(json.dumps(report), encoding="utf-8")
    pack(tmp_path)
    assert len(read_packs(tmp_path / "packed", ["S1"])) == 6
    write_views(tmp_path)
    poses.unlink()
    write_poses(tmp_path, VIEWS[:2])
    with pytest.raises(UserError, match=r"S1, Directions, camera 54138969: has frames, but no poses in .*run the stage `project` again"):
        pack(tmp_path)


def test_frames_of_another_rate_or_size_than_the_poses_are_an_error(tmp_path: Path) -> None:
    write_views(tmp_path, frames=np.array([0, 2, 4]))
    path = write_poses(tmp_path)
    with pytest.raises(UserError, match="S1, Directions, camera 54138969: stored frames and poses do not belong together"):
        pack(tmp_path)
    write_views(tmp_path)
    with h5py.File(path, "r+") as file:
        file["Directions/54138969"].attrs["width"] = 1000
    with pytest.raises(UserError, match="S1, Directions, camera 54138969: stored frames and poses do not belong together"):
        pack(tmp_path)


def test_joints_in_one_place_are_an_error(tmp_path: Path) -> None:
    write_views(tmp_path)
    with h5py.File(write_poses(tmp_path), "r+") as file:
        file["Directions/54138969/pose_2d"][1] = 77
    with pytest.raises(UserError, match="S1, Directions, camera 54138969: expected 2D joints that span a pixel or more"):
        pack(tmp_path)


def test_no_view_at_all_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "frames" / "S1").mkdir(parents=True)
    (tmp_path / "frames" / "S1" / "report.json").write_text('{"subject": "S1", "left_out": []}', encoding="utf-8")
    write_poses(tmp_path, ())
    with pytest.raises(UserError, match="S1: expected at least one view with frames and poses"):
        pack(tmp_path)


def test_poses_that_are_missing_or_damaged_are_an_error(tmp_path: Path) -> None:
    write_views(tmp_path)
    with pytest.raises(UserError, match=r"S1\.h5: not found; expected a file of poses, run the stage `project`"):
        pack(tmp_path)
    with h5py.File(write_poses(tmp_path), "r+") as file:
        del file["Directions/54138969/label"]
    with pytest.raises(UserError, match=r"S1\.h5: expected a file of poses, .*label.*run the stage `project` again"):
        pack(tmp_path)


def test_twins_need_the_truth_file_that_index_saw(tmp_path: Path) -> None:
    write_views(tmp_path)
    path = write_poses(tmp_path, truth=True)
    truth = tmp_path / "raw" / "S1" / "truth.h5"
    write_truth(tmp_path, size=(80, 60))
    with pytest.raises(UserError, match=r"truth\.h5: has changed since `index` saw it"):
        pack(tmp_path)
    with h5py.File(path, "r+") as file:
        file.attrs["truth_sha256"] = file_hash(truth)
    with pytest.raises(UserError, match=r"S1, Walking 1, camera 54138969: expected in .*truth\.h5 a picture .* for the twin of frame 0"):
        pack(tmp_path)
    with h5py.File(path, "r+") as file:
        file["twins/Walking 1/54138969/chain"][...] = 2
    with pytest.raises(UserError, match=r"for the twin of frame 0, limb chain 2"):
        pack(tmp_path)
    truth.unlink()
    with pytest.raises(UserError, match=r"truth\.h5: not found; expected the images of the twins below data\.root"):
        pack(tmp_path)
    with h5py.File(path, "r+") as file:
        del file.attrs["truth_path"]
    with pytest.raises(UserError, match=r"S1\.h5: expected a file of poses that names the file of its twins' images"):
        pack(tmp_path)


def test_reading_says_what_is_wrong_with_a_pack(tmp_path: Path) -> None:
    folder = tmp_path / "packed"
    with pytest.raises(UserError, match=r"S1\.h5: not found; expected a pack, run the stage `pack`"):
        read_packs(folder, ["S1"])
    write_views(tmp_path)
    write_poses(tmp_path)
    path = pack(tmp_path)
    (folder / "S5.h5").write_bytes(path.read_bytes())
    with pytest.raises(UserError, match=r"S5\.h5: expected the pack of S5, found that of S1"):
        read_packs(folder, ["S1", "S5"])
    (folder / "S5.h5").write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"S5\.h5: expected a pack, .*run the stage `pack` again"):
        read_columns(folder, "S5", ("camera",))
    write_views(tmp_path, subject="S9")
    write_poses(tmp_path, subject="S9")
    pack(tmp_path, "S9", image_size=(64, 32))
    with pytest.raises(UserError, match=r"S9\.h5: expected images \(32, 16, 3\), found \(64, 32, 3\); run the stage `pack` again"):
        read_packs(folder, ["S1", "S9"])
    with h5py.File(path, "r+") as file:
        del file["pose_3d"]
    with pytest.raises(UserError, match=r"S1\.h5: expected a pack, .*pose_3d.*run the stage `pack` again"):
        read_packs(folder, ["S1"])
