import numpy as np
import pytest

from pipeline.datasets.synthetic.rig import bend_limb, pose_body, reach, rotation, smooth_step, unit


@pytest.fixture
def build(person_who_stands):
    return person_who_stands[0].build


@pytest.fixture
def controls(person_who_stands):
    return person_who_stands[1]


@pytest.mark.parametrize(("axis", "start", "end"), [("x", (0, 1, 0), (0, 0, 1)), ("y", (0, 0, 1), (1, 0, 0)), ("z", (1, 0, 0), (0, 1, 0))])
def test_a_quarter_turn(axis, start, end):
    np.testing.assert_allclose(rotation(axis, np.array(np.pi / 2)) @ start, end, atol=1e-12)


def test_bones_keep_their_length_and_meet_the_target(rng):
    root, toward = rng.normal(0, 100, (50, 3)), rng.normal(0, 1, (50, 3))
    target = root + unit(rng.normal(0, 1, (50, 3))) * rng.uniform(250, 480, (50, 1))
    middle, end = bend_limb(root, target, 280.0, 250.0, toward)
    np.testing.assert_allclose(np.linalg.norm(middle - root, axis=-1), 280)
    np.testing.assert_allclose(np.linalg.norm(end - middle, axis=-1), 250)
    np.testing.assert_allclose(end, target, atol=3)


def test_a_limb_neither_overstretches_nor_folds_flat():
    root, toward = np.zeros((2, 3)), np.tile((0, 0, 1.0), (2, 1))
    _, end = bend_limb(root, np.array(((2000.0, 0, 0), (5.0, 0, 0))), 280.0, 250.0, toward)
    far, near = np.linalg.norm(end, axis=-1)
    assert 0.95 * 530 < far < 530
    assert near > 140  # 150 degrees at the elbow


def test_the_wrist_comes_where_it_is_sent(build):
    place = (np.radians(20), 200.0, -300.0)
    for side, sign in ((0, 1), (1, -1)):
        turn, bend = reach(build, side, place, (0.5, -0.5, -0.5))
        np.testing.assert_allclose(turn.T @ turn, np.eye(3), atol=1e-12)
        wrist = np.array((sign * build.half_shoulders, 0, 0)) + build.upper_arm * turn[:, 1]
        wrist += build.forearm * (np.cos(bend) * turn[:, 1] + np.sin(bend) * turn[:, 0])
        expected = (sign * (build.chest[0] + 200) * np.sin(place[0]), (build.chest[1] + 200) * np.cos(place[0]), -300)
        np.testing.assert_allclose(wrist, expected, atol=5)


def test_somebody_who_stands_upright(build, controls):
    pose = pose_body(build, controls())
    joints = pose.joints[0]
    np.testing.assert_allclose(joints[0], joints[[1, 4]].mean(axis=0), atol=1e-9)  # hips
    np.testing.assert_allclose(joints[8], joints[[11, 14]].mean(axis=0), atol=1e-9)  # thorax
    assert joints[1, 0] > 0 > joints[4, 0]  # facing +y, the right side is at +x
    assert joints[9, 1] > joints[10, 1] + 50  # the nose is before the head
    assert joints[10, 2] == pytest.approx(build.stature, rel=0.05)
    np.testing.assert_allclose(joints[[3, 6], 2], build.ankle_height, atol=15)
    assert (pose.toes[0, :, 1] > joints[[3, 6], 1]).all()


def test_too_high_a_pelvis_comes_down_to_the_feet(build, controls):
    pose = pose_body(build, controls(height=np.full(1, 2000.0)))
    assert pose.joints[0, [3, 6], 2].max() < build.ankle_height + 20
    sitting = pose_body(build, controls(height=np.full(1, 2000.0), planted=False))
    assert sitting.joints[0, 0, 2] == 2000


def test_a_bow_and_a_turn(build, controls):
    bowed = pose_body(build, controls(bend=np.array([[0.8, 0, 0]]))).joints[0]
    assert bowed[8, 1] > bowed[0, 1] + 100
    turned = pose_body(build, controls(yaw=np.array([np.pi / 2]))).joints[0]  # to the left: faces -x
    assert turned[9, 0] < turned[10, 0] - 50


def test_smooth_step_begins_and_ends_at_rest():
    share = np.linspace(0, 1, 1001)
    step = smooth_step(share)
    assert step[0] == 0
    assert step[-1] == 1
    assert (np.diff(step) >= 0).all()
    assert np.diff(step)[[0, -1]].max() < 1e-7


def test_a_pose_can_be_cut(build, controls):
    pose = pose_body(build, controls())
    assert all(value.shape[0] == 1 for value in vars(pose[:1]).values())
