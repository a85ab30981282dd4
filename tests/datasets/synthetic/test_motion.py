import numpy as np
import pytest

from pipeline.datasets.synthetic.motion import ACTIONS, ARM_POSES, STANCES, invent_motion, slerp, through_keys
from pipeline.datasets.synthetic.person import invent_person
from pipeline.datasets.synthetic.rig import ARMS, LEGS, unit
from pipeline.pose.skeleton import H36M_17

TIMES = np.arange(60) / 50
SEEDS = (1, 2, 3)


def move(action, seed, times=TIMES):
    build = invent_person(np.random.default_rng((seed, 0))).build
    return build, invent_motion(action, build, np.random.default_rng((seed, 1)), times)


@pytest.fixture(scope="module")
def motions():
    return {(action, seed): move(action, seed) for action in ACTIONS for seed in SEEDS}


def test_bones_keep_their_length(motions):
    for build, pose in motions.values():
        expected = [build.half_hips, build.thigh, build.calf] * 2 + [build.lower_spine, build.upper_spine]
        lengths = np.linalg.norm(pose.joints[:, 1:9] - pose.joints[:, list(H36M_17.parents[1:9])], axis=-1)
        np.testing.assert_allclose(lengths, np.tile(expected, (len(TIMES), 1)), rtol=1e-6)
        for shoulder, elbow, wrist in ARMS:
            np.testing.assert_allclose(np.linalg.norm(pose.joints[:, elbow] - pose.joints[:, shoulder], axis=-1), build.upper_arm)
            np.testing.assert_allclose(np.linalg.norm(pose.joints[:, wrist] - pose.joints[:, elbow], axis=-1), build.forearm)


def test_motion_is_smooth(motions):
    for key, (_, pose) in motions.items():
        speed = np.linalg.norm(np.diff(pose.joints, axis=0), axis=-1) * 50 / 1000  # m/s
        change = np.linalg.norm(np.diff(pose.joints, n=2, axis=0), axis=-1) * 50**2 / 1000  # m/s2
        assert speed.max() < 12, key
        assert change.max() < 300, key


def test_knees_bend_forward_and_no_joint_folds_flat(motions):
    for key, (_, pose) in motions.items():
        for root, middle, end in (*ARMS, *LEGS):
            upper, lower = unit(pose.joints[:, middle] - pose.joints[:, root]), unit(pose.joints[:, end] - pose.joints[:, middle])
            assert np.degrees(np.arccos(np.sum(upper * lower, axis=-1))).max() < 152, key
        for hip, knee, ankle in LEGS:
            straight = pose.joints[:, ankle] - pose.joints[:, hip]
            out = pose.joints[:, knee] - pose.joints[:, hip]
            out = unit(out - np.sum(out * straight, axis=-1, keepdims=True) * straight / np.sum(straight**2, axis=-1, keepdims=True))
            ahead = np.sum(out * (pose.pelvis[..., 1] + 0.5 * pose.pelvis[..., 2]), axis=-1)
            assert ahead.min() > -0.05, key


def test_nobody_sinks_into_the_floor_or_leaves_the_room(motions):
    for key, (_, pose) in motions.items():
        everything = np.concatenate([pose.joints, pose.fingers, pose.heels, pose.toes], axis=1)
        assert everything[..., 2].min() > 5, key
        assert np.abs(everything[..., :2]).max() < 1250, key


def test_poses_change_within_a_short_sequence(motions):
    for key, (_, pose) in motions.items():
        local = pose.joints[:40] - pose.joints[:40, :1]
        change = np.linalg.norm(local[:, None] - local[None], axis=-1).mean(axis=-1)
        assert change.max() > 100, key  # mm, mean over the joints


def test_seats_and_gaits_are_what_they_are_called():
    _, walk = move("Walking", 1)
    assert np.ptp(walk.joints[:, 3, 2]) > 60  # the feet are lifted
    assert np.linalg.norm(walk.joints[-1, 0] - walk.joints[0, 0]) > 150
    build, sit = move("Sitting", 1)
    np.testing.assert_allclose(sit.joints[:, 0, 2], 0.275 * build.stature, atol=1)
    build, floor = move("SittingDown", 2)
    assert floor.joints[:, 0, 2].max() < 0.1 * build.stature


def depth_of_wrists(pose):
    """How far the wrists are before the thorax, mm, (T, 2)."""
    return np.stack([np.sum((pose.joints[:, arm[2]] - pose.joints[:, 8]) * pose.chest[..., 1], axis=-1) for arm in ARMS], axis=-1)


def test_arms_come_before_and_behind_the_trunk():
    found = np.concatenate([depth_of_wrists(move("Waiting", seed)[1]) for seed in range(12)])
    assert (found.min(axis=-1) > 150).any()
    assert (found.max(axis=-1) < -120).any()


def test_wrists_stay_out_of_the_chest(motions):
    """Half of the chest's depth and width at the wrist's height, in the chest's own frame."""
    inside = []
    for build, pose in motions.values():
        for _, _, wrist in ARMS:
            local = np.einsum("tij,ti->tj", pose.chest, pose.joints[:, wrist] - pose.joints[:, 8])
            level = (local[:, 2] < 0) & (local[:, 2] > -0.9 * build.upper_spine)
            inside.append(level & ((local[:, 0] / build.chest[0]) ** 2 + (local[:, 1] / build.chest[1]) ** 2 < 0.8))
    assert np.concatenate(inside).mean() < 0.01


def test_a_longer_sequence_begins_like_a_shorter_one():
    for action in ("Walking", "Posing", "Sitting"):
        short, long = move(action, 4, np.arange(10) / 50)[1], move(action, 4, np.arange(200) / 50)[1]
        np.testing.assert_allclose(long[:10].joints, short.joints)


def test_through_keys_stays_between_the_keys_and_is_at_rest_on_them(rng):
    values = through_keys(rng, lambda draw: draw.uniform(-1, 1, 2), (0.3, 0.5), np.arange(0, 5, 0.001))
    assert np.abs(values).max() <= 1
    speed = np.abs(np.diff(values, axis=0)).max(axis=-1)
    assert (speed < 1e-5).sum() > 10


def test_slerp_takes_the_shorter_way():
    start, end = np.array([[0, 0, 0, 1.0]]), np.array([[0, 0, -np.sin(0.4), -np.cos(0.4)]])  # a turn by 0.8, sign reversed
    middle = slerp(start, end, np.array([0.5]))
    np.testing.assert_allclose(middle, [[0, 0, np.sin(0.2), np.cos(0.2)]])
    np.testing.assert_allclose(slerp(start, start, np.array([0.3])), start)


def test_every_named_pose_is_used():
    assert {name for action in ACTIONS.values() for pair in action.arms for name in pair} == set(ARM_POSES)
    assert {name for action in ACTIONS.values() for name in action.stances} == set(STANCES)
