"""The motion of a recording: its poses, labelled as `project` labels them, and its video; what is not there is one line."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from small_recording import CAMERA_IDS, POSES, make_camera, make_poses, write_recording
from standing import POSE

from pipeline.datasets.human36m.cdf import write_pose
from pipeline.datasets.human36m.layout import CAMERA, WORLD, find_layout
from pipeline.motion.recording import RATE, read_recording
from pipeline.pose.bodies.pose_space import label_limbs
from pipeline.utils.errors import UserError

SEQUENCE, PREFIX = "S1/SittingDown 2", "SittingDown 2"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_recording(tmp_path / "raw")
    return tmp_path / "raw"


@pytest.mark.parametrize("camera", CAMERA_IDS)
def test_poses_and_labels_are_those_that_the_camera_sees(root: Path, camera: str) -> None:
    calibration = make_camera("S1", camera)
    pose_3d = calibration.to_camera(make_poses(1)).astype(np.float32)
    motion = read_recording(root, SEQUENCE, camera, POSE, steady=False)
    assert motion.fps == 50
    np.testing.assert_allclose(motion.pose_2d, calibration.project(pose_3d), atol=1e-2)
    np.testing.assert_array_equal(motion.label, label_limbs(pose_3d, POSE.torso_thickness, POSE.limb_radius))


def test_its_film_has_a_frame_for_each_pose(root: Path) -> None:
    motion = read_recording(root, SEQUENCE, CAMERA_IDS[1], POSE)
    assert motion.film is not None
    assert motion.film.frames == range(POSES)  # the video has two more
    assert [picture.shape for picture in motion.film.pictures()] == [(64, 64, 3)] * POSES


def test_poses_in_the_cameras_frame_will_do(root: Path) -> None:
    expected = read_recording(root, SEQUENCE, CAMERA_IDS[0], POSE)
    shutil.rmtree(find_layout(root / "S1").pose_folder(WORLD))
    motion = read_recording(root, SEQUENCE, CAMERA_IDS[0], POSE)
    np.testing.assert_allclose(motion.pose_2d, expected.pose_2d, atol=1e-2)


def test_without_its_video_it_has_the_rate_of_the_data_set_and_no_film(root: Path) -> None:
    find_layout(root / "S1").video(PREFIX, CAMERA_IDS[0]).unlink()
    motion = read_recording(root, SEQUENCE, CAMERA_IDS[0], POSE)
    assert motion.film is None
    assert motion.fps == RATE


def _spoil(root: Path) -> None:
    poses = np.full((POSES, 32, 3), np.nan, np.float32)
    write_pose(find_layout(root / "S1").world_pose(PREFIX), poses)


def _cut(root: Path) -> None:
    path = find_layout(root / "S1").video(PREFIX, CAMERA_IDS[0])
    path.write_bytes(path.read_bytes()[:500])


def _no_poses(root: Path) -> None:
    for kind in (WORLD, CAMERA):
        shutil.rmtree(find_layout(root / "S1").pose_folder(kind))


@pytest.mark.parametrize(
    ("sequence", "camera", "fault"),
    [
        ("S7/Walking", CAMERA_IDS[0], "metadata.xml: expected subject 'S7' of --sequence, found S1, S9"),
        ("Walking", CAMERA_IDS[0], "expected subject 'Walking' of --sequence, found S1, S9"),
        ("S1/Walking", CAMERA_IDS[0], "expected sequence 'Walking' of S1, found 'Sitting 1, SittingDown 2'; choose one of these"),
        ("S1/", CAMERA_IDS[0], "expected sequence '' of S1"),
        (SEQUENCE, "60457274", "expected camera '60457274', found 54138969, 55011271; choose one of these"),
    ],
)
def test_a_sequence_or_a_camera_that_there_is_not_is_one_line(root: Path, sequence: str, camera: str, fault: str) -> None:
    with pytest.raises(UserError) as error:
        read_recording(root, sequence, camera, POSE)
    assert fault in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("damage", "fault"),
    [(_spoil, "expected finite coordinates, found nan in pose 0"), (_cut, "cannot be decoded"), (_no_poses, "SittingDown 2.cdf: not found")],
)
def test_a_damaged_recording_is_one_line(root: Path, damage: Callable[[Path], None], fault: str) -> None:
    damage(root)
    with pytest.raises(UserError) as error:
        read_recording(root, SEQUENCE, CAMERA_IDS[0], POSE)
    assert fault in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_that_is_no_recording_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"metadata\.xml: not found"):
        read_recording(tmp_path, SEQUENCE, CAMERA_IDS[0], POSE)
