"""Pictures: colours say the order, positions are kept, files are the same each time."""

import cv2
import numpy as np
import pytest

from pipeline.pose.drawing import LABEL_COLOURS, data_uri, difference_map, draw_pose, encode, enlarge, image_grid, scaled_pose
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
    label = np.zeros(8, dtype=np.int8)
    label[LIMB_NAMES.index("left_forearm")] = value
    image = draw_pose(POSE, label, (64, 48), scale=4)
    assert image.shape == (256, 192, 3)
    assert tuple(image[middle_of(LIMB_NAMES.index("left_forearm"), 4)]) == LABEL_COLOURS[value]
    assert tuple(image[middle_of(LIMB_NAMES.index("right_calf"), 4)]) == LABEL_COLOURS[0]


def test_an_arm_before_the_torso_is_seen_and_one_behind_it_is_not():
    pose = POSE.copy()
    pose[H36M_17.index("left_elbow")], pose[H36M_17.index("left_wrist")] = (27, 26), (21, 26)
    forearm = LIMB_NAMES.index("left_forearm")
    front, behind = (draw_pose(pose, np.eye(8, dtype=int)[forearm] * value, (64, 48), scale=4)[4 * 26 + 1, 4 * 24 + 1] for value in (1, -1))
    assert tuple(front) == LABEL_COLOURS[1]
    assert tuple(behind) not in LABEL_COLOURS.values()


def test_a_missing_joint_takes_its_limbs_out_of_the_picture():
    pose = POSE.copy()
    pose[H36M_17.index("left_wrist")] = np.nan
    image = draw_pose(pose, np.zeros(8, dtype=int), (64, 48), scale=4)
    assert tuple(image[middle_of(LIMB_NAMES.index("left_forearm"), 4)]) == (255, 255, 255)
    draw_pose(np.full((17, 2), np.nan), np.zeros(8, dtype=int), (64, 48))


def test_a_joint_far_outside_does_no_harm():
    draw_pose(POSE * 1e7, np.zeros(8, dtype=int), (64, 48))


def test_scaled_positions_keep_to_the_same_pixel():
    np.testing.assert_allclose(scaled_pose(np.array([[0.0, 3.0]]), 4), [[1.5, 13.5]])  # the middle of the 4 x 4 px that were one
    np.testing.assert_allclose(scaled_pose(scaled_pose(POSE, 3), 1 / 3), POSE, atol=1e-5)


def test_the_difference_map_is_grey_where_nothing_changes():
    coarse = np.full((2, 2, 3), 100, dtype=np.uint8)
    refined = coarse.copy()
    refined[0, 0], refined[1, 1], refined[0, 1] = 110, 0, 255
    expected = [[148, 255], [128, 0]]
    np.testing.assert_array_equal(difference_map(refined, coarse)[..., 0], expected)


def test_a_sheet_holds_every_image_in_its_column():
    red, wide = np.zeros((10, 5, 3), dtype=np.uint8), np.zeros((10, 30, 3), dtype=np.uint8)
    red[:], wide[:] = (255, 0, 0), (0, 0, 255)
    image = image_grid(["a", "b"], [[red, wide], [wide]], 40)
    assert image.dtype == np.uint8
    assert image.shape[0] == 26 + 2 * 46
    assert (image == (255, 0, 0)).all(-1).sum() == 40 * 20
    assert (image == (0, 0, 255)).all(-1).sum() == 2 * 40 * 120


def test_files_keep_rgb_and_are_the_same_each_time():
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    png = encode(image, ".png")
    np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[..., ::-1], image)
    assert png == encode(image, ".png")
    assert encode(image, ".jpg") == encode(image, ".jpg")
    assert data_uri(b"ab", "image/png") == "data:image/png;base64,YWI="


def test_enlarge_keeps_the_shape_of_the_image():
    assert enlarge(np.zeros((10, 5, 3), dtype=np.uint8), 40).shape == (40, 20, 3)
    assert enlarge(np.zeros((100, 50, 3), dtype=np.uint8), 40).shape == (40, 20, 3)
