import numpy as np
import pytest

from pipeline.datasets.synthetic.body import LIMB, TORSO, build_body
from pipeline.datasets.synthetic.renderer import PARTS, Renderer, screen_bounds
from pipeline.datasets.synthetic.rig import arm_frame, pose_body
from pipeline.datasets.synthetic.room import EmptyRoom, camera_rays, room_cameras
from pipeline.datasets.synthetic.truth import ADJACENT, label_truth
from pipeline.pose.skeleton import LIMB_NAMES

FOREARM, OTHER_FOREARM, UPPER_ARM, CALF = (LIMB_NAMES.index(name) for name in ("left_forearm", "right_forearm", "left_upper_arm", "right_calf"))


def buffers(**rows):
    """Depth buffers of 1 x 100 pixels: `limb=(first, last, depth)`."""
    depths = np.full((PARTS, 1, 100), np.inf, np.float32)
    for name, (first, last, depth) in rows.items():
        index = TORSO if name == "torso" else LIMB + LIMB_NAMES.index(name)
        depths[index, 0, first:last] = depth
    return depths


@pytest.mark.parametrize(
    ("hidden", "label", "clear"),
    [
        (0, 0, True),
        (15, 0, True),
        (16, 0, False),
        (24, 0, False),
        (25, -1, False),
        (34, -1, False),
        (36, -1, True),
        (100, -1, True),
    ],
)
def test_a_limb_is_occluded_from_a_quarter_of_its_silhouette_on(hidden, label, clear):
    labels, known = label_truth(buffers(left_forearm=(0, 100, 3000), torso=(0, hidden, 2900)))
    assert labels[FOREARM] == label
    assert known[FOREARM] == clear


@pytest.mark.parametrize(("covered", "label", "clear"), [(0, 0, True), (20, 0, False), (25, 1, False), (40, 1, True)])
def test_a_limb_is_in_front_where_it_covers_as_much(covered, label, clear):
    labels, known = label_truth(buffers(left_forearm=(0, 100, 2900), torso=(0, covered, 3000)))
    assert labels[FOREARM] == label
    assert known[FOREARM] == clear


def test_occluded_wins_over_in_front():
    labels, known = label_truth(buffers(left_forearm=(0, 100, 3000), torso=(0, 40, 3100), right_calf=(50, 90, 2900)))
    assert labels[FOREARM] == -1
    assert known[FOREARM]
    assert labels[CALF] == 1


def test_two_limbs_label_each_other_each_by_its_own_silhouette():
    labels, _ = label_truth(buffers(left_forearm=(0, 100, 2900), right_forearm=(80, 100, 3000)))
    assert labels[OTHER_FOREARM] == -1
    assert labels[FOREARM] == 0  # a fifth of its own silhouette is not enough


def test_limbs_that_share_a_joint_do_not_count():
    labels, known = label_truth(buffers(left_forearm=(0, 100, 2900), left_upper_arm=(0, 100, 3000)))
    assert labels[UPPER_ARM] == labels[FOREARM] == 0
    assert known[UPPER_ARM]
    assert ADJACENT.sum() == 8 + 2 * 4
    np.testing.assert_array_equal(ADJACENT, ADJACENT.T)


def test_a_limb_out_of_sight_is_not_clear():
    labels, known = label_truth(buffers(torso=(0, 100, 3000)))
    assert not labels.any()
    assert not known.any()
    assert labels.dtype == np.int8


@pytest.fixture(scope="module")
def label_of(person_who_stands):
    """Labels of somebody who faces the camera, the right forearm before the chest or behind the back."""
    person, controls = person_who_stands

    def label(folds_to, yaw):
        down = np.array((0.12, 0, -1.0))
        arms = np.stack([arm_frame(down, np.array(folds_to)), arm_frame(np.array((-0.3, 0, -1.0)), np.array((0, 1.0, 0)))])[None]
        pose = pose_body(person.build, controls(arm=arms, elbow=np.array([[1.7, 0.1]]), yaw=np.array([yaw])))
        renderer = Renderer(build_body(person, pose, None), person.materials)
        camera = next(iter(room_cameras(128, 1, 1).values()))
        view = EmptyRoom(camera, camera_rays(camera, 128), np.zeros((128, 128, 3), np.float32), np.zeros((128, 128, 2), np.float32))
        return label_truth(renderer.part_depths(view, screen_bounds(renderer.solids, camera), 0, 1))

    return label


TOWARD_THE_CAMERA = -np.arctan2(1900, 4750)  # of somebody in the middle of the room


def test_a_forearm_before_the_chest_and_behind_the_back(label_of):
    before, clear = label_of((-1.0, 1.6, 0), TOWARD_THE_CAMERA)
    assert before[OTHER_FOREARM] == 1
    assert clear[OTHER_FOREARM]
    behind, clear = label_of((-1.0, -1.6, 0), TOWARD_THE_CAMERA)
    assert behind[OTHER_FOREARM] == -1
    assert clear[OTHER_FOREARM]


def test_the_same_from_behind_is_reversed(label_of):
    assert label_of((-1.0, 1.6, 0), TOWARD_THE_CAMERA + np.pi)[0][OTHER_FOREARM] == -1
    assert label_of((-1.0, -1.6, 0), TOWARD_THE_CAMERA + np.pi)[0][OTHER_FOREARM] == 1


def test_a_leg_that_stands_free_is_neither(label_of):
    labels, _ = label_of((-1.0, 1.6, 0), TOWARD_THE_CAMERA)
    assert (labels[:4] == 0).all()
