"""Where a motion is painted: one scale, feet on the ground, a camera that moves no more than it must."""

from fractions import Fraction

import numpy as np
import pytest
from standing import STANDING

from pipeline.motion.motion import Motion
from pipeline.motion.place import motion_boxes, place_motion
from pipeline.pose.crop import crop_box, to_crop
from pipeline.pose.pose_file import LabelledPose
from pipeline.pose.skeleton import H36M_17

SIZE, MARGIN, FPS = (128, 64), 0.15, Fraction(25)
POSE = np.array([STANDING[name] for name in H36M_17.names], np.float32)
ANKLES = [H36M_17.index("right_ankle"), H36M_17.index("left_ankle")]


def moved(shift: np.ndarray) -> np.ndarray:
    """Somebody who stands, moved by (T, 2) px."""
    return POSE + shift[:, None].astype(np.float32)


def sunk(share: float) -> np.ndarray:
    """Somebody whose height is a share of what it was, with the feet where they were."""
    feet = POSE[ANKLES, 1].mean()
    return np.column_stack([POSE[:, 0], feet + share * (POSE[:, 1] - feet)]).astype(np.float32)


def in_crop(pose_2d: np.ndarray, ground: float | None = None) -> np.ndarray:
    return to_crop(pose_2d, motion_boxes(pose_2d, FPS, SIZE, MARGIN, ground), SIZE)


def test_a_pose_that_stands_still_is_placed_as_a_single_one() -> None:
    boxes = motion_boxes(moved(np.zeros((5, 2))), FPS, SIZE, MARGIN, None)
    np.testing.assert_allclose(boxes, np.repeat(crop_box(POSE[None], SIZE, MARGIN), 5, axis=0), atol=1e-4)


def test_place_and_size_of_a_motion_do_not_matter() -> None:
    pose_2d = moved(np.linspace((0, 0), (9, 3), 20))
    np.testing.assert_allclose(in_crop(7 * pose_2d + (300, -40), 0.9), in_crop(pose_2d, 0.9), atol=1e-3)


def test_who_sits_down_stays_smaller_and_the_ground_where_it_is() -> None:
    """The joints sink towards the feet: the feet do not move, and the head comes down."""
    placed = in_crop(np.stack([sunk(share) for share in np.linspace(1, 0.5, 30)]))
    feet_at, height = placed[:, ANKLES, 1].mean(axis=1), np.ptp(placed[..., 1], axis=1)
    assert np.ptp(feet_at) < 1e-3
    assert height[-1] == pytest.approx(0.5 * height[0], rel=1e-3)


def test_a_step_aside_is_seen_as_one() -> None:
    aside = np.column_stack([np.linspace(0, 10, 30), np.zeros(30)])
    placed = in_crop(moved(aside))
    box = crop_box(POSE[None], SIZE, MARGIN)[0]
    scale = SIZE[0] / (box[3] - box[1])
    np.testing.assert_allclose(placed[:, 0, 0] - placed[0, 0, 0], scale * aside[:, 0], atol=0.1)


def test_who_walks_across_the_room_is_followed_smoothly_and_never_left() -> None:
    across = np.column_stack([np.linspace(0, 900, 100), 3 * np.sin(np.arange(100))])
    pose_2d = moved(across)
    placed = in_crop(pose_2d)
    assert placed[..., 0].min() >= -0.5
    assert placed[..., 0].max() <= SIZE[1] - 0.5
    boxes = motion_boxes(pose_2d, FPS, SIZE, MARGIN, None)
    np.testing.assert_allclose(boxes[:, 2] - boxes[:, 0], boxes[0, 2] - boxes[0, 0])
    steps = np.diff(boxes[:, 0])
    assert np.abs(np.diff(steps)).max() < 1.0  # px, beside 9 that the person moves from frame to frame
    np.testing.assert_allclose(np.diff(boxes[:, 1]), 0, atol=1e-6)  # nor up and down with each step


def test_feet_stand_where_those_of_the_person_in_the_picture_stand() -> None:
    """With the arms stretched out the box is wide, and a body in its middle would float."""
    wide = POSE.copy()
    for side, at in (("left", 150), ("right", -90)):
        wide[H36M_17.index(f"{side}_wrist")] = (at, 40)
    source = LabelledPose(POSE.astype(np.float64), np.zeros(8, np.int8))
    motion = Motion(np.repeat(wide[None], 4, axis=0), np.zeros((4, 8), np.int8), FPS)
    placed = to_crop(motion.pose_2d, place_motion(motion, source, (140, 64), SIZE, MARGIN), SIZE)
    own = to_crop(POSE[None], crop_box(POSE[None], SIZE, MARGIN), SIZE)
    assert placed[0, ANKLES, 1].max() == pytest.approx(own[0, ANKLES, 1].max(), abs=0.1)
    assert np.ptp(placed[0, :, 1]) < 0.6 * np.ptp(own[0, :, 1])
    floating = in_crop(motion.pose_2d)
    assert floating[0, ANKLES, 1].max() < own[0, ANKLES, 1].max() - 15


def test_joints_that_are_not_known_do_not_count() -> None:
    pose_2d = moved(np.zeros((5, 2)))
    pose_2d[2, [H36M_17.index("head"), *ANKLES]] = np.nan
    boxes = motion_boxes(pose_2d, FPS, SIZE, MARGIN, 0.9)
    assert np.isfinite(boxes).all()
    pose_2d[:, ANKLES] = np.nan
    assert np.isfinite(motion_boxes(pose_2d, FPS, SIZE, MARGIN, 0.9)).all()


def test_a_model_of_photos_sees_the_motion_where_the_person_of_the_photo_is() -> None:
    """The photo is seen whole: its own pose, as a motion, is painted just where it is."""
    picture, pose_2d = (256, 176), (1.2 * POSE + (60, 50)).astype(np.float32)
    source = LabelledPose(pose_2d.astype(np.float64), np.zeros(8, np.int8))
    motion = Motion(5 * pose_2d[None], np.zeros((1, 8), np.int8), FPS)
    size = (128, 88)
    placed = to_crop(motion.pose_2d, place_motion(motion, source, picture, size, None), size)
    np.testing.assert_allclose(placed[0], (pose_2d + 0.5) / 2 - 0.5, atol=1e-3)
