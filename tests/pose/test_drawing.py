"""Pictures of poses: colours say the order, positions are kept."""

import numpy as np
import pytest

from pipeline.pose.drawing import LABEL_COLOURS, draw_pose, scaled_pose
from pipeline.pose.skeleton import H36M_17, LIMB_NAMES, LIMBS

# A person who stands, arms spread, in an image of 64 x 48 px.
STANDING = {
    "hips": (24, 34),
    "right_hip": (20, 34),
    "right_knee": (20, 45),
    "right_ankle": (20, 57),
    "left_hip": (28, 34),
    "left_knee": (28, 45),
    "left_ankle": (28, 57),
    "spine": (24, 26),
    "thorax": (24, 17),
    "nose": (24, 12),
    "head": (24, 6),
    "left_shoulder": (29, 18),
    "left_elbow": (36, 18),
    "left_wrist": (44, 18),
    "right_shoulder": (19, 18),
    "right_elbow": (12, 18),
    "right_wrist": (4, 18),
}
POSE = np.array([STANDING[name] for name in H36M_17.names], dtype=np.float32)


def middle_of(limb, scale):
    x, y = scaled_pose(POSE[list(LIMBS[limb])].mean(0), scale).round().astype(int)
    return y, x


@pytest.mark.parametrize("value", [-1, 0, 1])
def test_a_limb_has_the_colour_of_its_label(value):
    label = np.zeros(len(LIMBS), dtype=np.int8)
    label[LIMB_NAMES.index("left_forearm")] = value
    image = draw_pose(POSE, label, (64, 48), scale=4)
    assert image.shape == (256, 192, 3)
    assert tuple(image[middle_of(LIMB_NAMES.index("left_forearm"), 4)]) == LABEL_COLOURS[value]
    assert tuple(image[middle_of(LIMB_NAMES.index("right_calf"), 4)]) == LABEL_COLOURS[0]


def test_an_arm_before_the_torso_is_seen_and_one_behind_it_is_not():
    pose = POSE.copy()
    pose[H36M_17.index("left_elbow")], pose[H36M_17.index("left_wrist")] = (27, 26), (21, 26)
    forearm = LIMB_NAMES.index("left_forearm")
    front, behind = (draw_pose(pose, np.eye(len(LIMBS), dtype=int)[forearm] * value, (64, 48), scale=4)[4 * 26 + 1, 4 * 24 + 1] for value in (1, -1))
    assert tuple(front) == LABEL_COLOURS[1]
    assert tuple(behind) not in LABEL_COLOURS.values()


def test_a_missing_joint_takes_its_limbs_out_of_the_picture():
    pose = POSE.copy()
    pose[H36M_17.index("left_wrist")] = np.nan
    image = draw_pose(pose, np.zeros(len(LIMBS), dtype=int), (64, 48), scale=4)
    assert tuple(image[middle_of(LIMB_NAMES.index("left_forearm"), 4)]) == (255, 255, 255)
    draw_pose(np.full((17, 2), np.nan), np.zeros(len(LIMBS), dtype=int), (64, 48))


def test_a_joint_far_outside_does_no_harm():
    draw_pose(POSE * 1e7, np.zeros(len(LIMBS), dtype=int), (64, 48))


def test_scaled_positions_keep_to_the_same_pixel():
    np.testing.assert_allclose(scaled_pose(np.array([[0.0, 3.0]]), 4), [[1.5, 13.5]])  # the middle of the 4 x 4 px that were one
    np.testing.assert_allclose(scaled_pose(scaled_pose(POSE, 3), 1 / 3), POSE, atol=1e-5)
