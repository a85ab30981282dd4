"""A motion of a tall person on a short one: the short one's bones, the tall one's directions, feet on the ground, and nothing that pulses."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.datasets.synthetic.room import CAMERA_IDS, room_cameras
from pipeline.motion.motion import Motion, Space
from pipeline.motion.proportions import (
    FROM_3D,
    bone_ratios,
    bones_of_motion,
    bones_of_pose,
    fit_motion,
    fit_pose,
    is_own,
    measure_bones,
    stretch,
    stretch_motion,
)
from pipeline.networks.checkpoint import load_network
from pipeline.networks.lifter import Lifter
from pipeline.pose.pose_file import LabelledPose
from pipeline.pose.skeleton import H36M_17, LIMBS
from pipeline.utils.errors import UserError

CAMERA = room_cameras(256, 1, 9)[CAMERA_IDS[0]]
PARENTS = np.array(H36M_17.parents[1:])
ANKLES = [H36M_17.index(f"{side}_ankle") for side in ("right", "left")]
FRAMES, FPS = 60, Fraction(25)
# mm, of bones by the joint that ends them: somebody of two metres with long legs, and somebody of one metre fifty with short ones
TALL = {"hip": 118, "knee": 510, "ankle": 505, "spine": 240, "thorax": 290, "nose": 220, "head": 170, "shoulder": 190, "elbow": 335, "wrist": 300}
SHORT = {"hip": 95, "knee": 345, "ankle": 340, "spine": 195, "thorax": 235, "nose": 185, "head": 150, "shoulder": 155, "elbow": 245, "wrist": 220}
CHILD = SHORT | {"knee": 290, "ankle": 280, "elbow": 235, "wrist": 205}
# Who stands and faces -y of the world, toward which the camera is turned: directions of the bones, x to the person's left, z up.
STANDING = {
    **{f"{side}_{name}": way for side, way in (("right", (-1, 0, 0)), ("left", (1, 0, 0))) for name in ("hip", "shoulder")},
    **{f"{side}_{name}": (sign * 0.04, 0, -1) for side, sign in (("right", -1), ("left", 1)) for name in ("knee", "ankle")},
    **{f"{side}_{name}": (sign * 0.5, 0, -1) for side, sign in (("right", -1), ("left", 1)) for name in ("elbow", "wrist")},
    "spine": (0, 0, 1),
    "thorax": (0, 0, 1),
    "nose": (0, -0.4, 1),
    "head": (0, 0.4, 1),
}
Ways = dict[str, np.ndarray]  # directions of bones, (3,) or (T, 3), by the joint that ends them


def place(bones: dict[str, float], ways: Ways, hips: np.ndarray) -> np.ndarray:
    """(T, 17, 3) mm, camera frame: somebody with these bones, turned toward the camera, whose hips go (T, 3) mm."""
    pose = np.zeros((len(hips), 17, 3))
    for joint, parent in enumerate(H36M_17.parents[1:], start=1):
        name = H36M_17.names[joint]
        way = np.asarray(ways[name], float)
        pose[:, joint] = pose[:, parent] + bones[name.split("_")[-1]] * way / np.linalg.norm(way, axis=-1, keepdims=True)
    forward = np.array([*CAMERA.T[:2], 0]) / np.linalg.norm(CAMERA.T[:2])
    turn = np.stack([np.cross([0, 0, 1.0], forward), -forward, [0, 0, 1.0]])  # what is toward -y goes toward the camera
    return CAMERA.to_camera((pose + hips[:, None]) @ turn)


def walking() -> tuple[Ways, np.ndarray]:
    """Somebody who walks to the left, waves and looks about: directions, and hips."""
    phase = np.linspace(0, 4 * np.pi, FRAMES)
    ways: Ways = {name: np.repeat(np.array(way, float)[None], FRAMES, axis=0) for name, way in STANDING.items()}
    for side, sign in (("right", -1), ("left", 1)):
        ways[f"{side}_knee"][:, 0] += 0.4 * sign * np.sin(phase)
        ways[f"{side}_ankle"][:, 0] += 0.4 * sign * np.sin(phase) - 0.2
        ways[f"{side}_elbow"] += np.stack([0.5 * np.sin(phase), -0.6 - 0.6 * np.cos(phase), 0.7 + 0.7 * sign * np.sin(phase)], axis=1)
        ways[f"{side}_wrist"] += np.stack([0 * phase, -0.6 + 0.6 * np.sin(phase), 1 + np.cos(phase)], axis=1)
    return ways, np.stack([np.linspace(-500, 500, FRAMES), 0 * phase, 1000 + 20 * np.cos(2 * phase)], axis=1)


def motion_of(pose_3d: np.ndarray, known: bool) -> Motion:
    """As a recording gives it, or as a motion file of the same poses."""
    space = Space(pose_3d.astype(np.float32), CAMERA) if known else None
    return Motion(CAMERA.project(pose_3d).astype(np.float32), np.zeros((len(pose_3d), 8), np.int8), FPS, space=space)


WALK = walking()
TALL_3D = place(TALL, *WALK)


def standing(bones: dict[str, float]) -> np.ndarray:
    """(1, 17, 3) mm, camera frame."""
    return place(bones, STANDING, np.array([[100.0, 200, 700]]))  # type: ignore[arg-type]


def picture_of(pose_3d: np.ndarray, *missing: str) -> LabelledPose:
    pose_2d = CAMERA.project(pose_3d)[0]
    pose_2d[[H36M_17.index(name) for name in missing]] = np.nan
    return LabelledPose(pose_2d, np.zeros(8, np.int8))


@pytest.fixture(scope="module")
def lifter() -> Lifter:
    """The one that comes with the project."""
    return load_network(Path(__file__).resolve().parents[2] / "models" / "pretrained" / "lifter.safetensors", Lifter)


def lengths(points: np.ndarray) -> np.ndarray:
    """Of the limbs, (T, 8)."""
    return np.stack([np.linalg.norm(points[:, lower] - points[:, upper], axis=-1) for upper, lower in LIMBS], axis=1)


def off(found: np.ndarray, wanted: np.ndarray) -> float:
    """By which share lengths differ at most, up to one size for all of them."""
    ratio = found / wanted
    return float(np.abs(ratio / np.sqrt(ratio.min() * ratio.max()) - 1).max())


def ratios_in_picture(kept: Motion, plain: Motion) -> np.ndarray:
    """How many times as long each limb is, (T, 8)."""
    return np.asarray(lengths(kept.pose_2d) / lengths(plain.pose_2d))


def directions(pose_3d: np.ndarray) -> np.ndarray:
    bone = pose_3d[:, 1:] - pose_3d[:, PARENTS]
    return np.asarray(bone / np.linalg.norm(bone, axis=-1, keepdims=True))


@pytest.mark.parametrize("own", [SHORT, CHILD], ids=["short", "child"])
def test_known_in_3d_a_motion_of_a_tall_person_has_the_other_ones_bones(own: dict[str, float]) -> None:
    plain = motion_of(TALL_3D, known=True)
    kept = stretch_motion(plain, bone_ratios(measure_bones(standing(own), FROM_3D), measure_bones(TALL_3D, FROM_3D)))
    assert kept.space is not None
    assert off(lengths(TALL_3D), lengths(standing(own))) > 0.04
    assert off(lengths(kept.space.pose_3d), lengths(standing(own))) < 0.01
    np.testing.assert_allclose(directions(kept.space.pose_3d), directions(TALL_3D), atol=1e-4)
    np.testing.assert_allclose(kept.pose_2d, CAMERA.project(kept.space.pose_3d), atol=1e-3)
    feet = [CAMERA.to_world(pose)[:, ANKLES, 2].min(axis=1) for pose in (kept.space.pose_3d, TALL_3D)]
    np.testing.assert_allclose(*feet, atol=0.1)  # mm, in each frame
    assert kept.label is plain.label


def test_from_one_picture_a_recording_of_a_tall_person_keeps_the_short_ones_limb_lengths(lifter: Lifter) -> None:
    """Within three in a hundred: the short one's lengths are those that the lifter tells."""
    kept = fit_motion(motion_of(TALL_3D, known=True), [picture_of(standing(SHORT))], lifter, keep=None)
    assert kept.space is not None
    assert off(lengths(kept.space.pose_3d), lengths(standing(SHORT))) < 0.03


@pytest.mark.parametrize("known", [True, False], ids=["recording", "motion file"])
def test_from_one_picture_a_motion_comes_nearer_to_a_childs_proportions(known: bool, lifter: Lifter) -> None:
    plain = motion_of(TALL_3D, known)
    kept = fit_motion(plain, [picture_of(standing(CHILD))], lifter, keep=None)
    wanted = lengths(standing(CHILD)) / lengths(TALL_3D)
    assert off(np.median(ratios_in_picture(kept, plain), axis=0), wanted[0]) < 0.7 * off(np.ones(8), wanted[0])


def test_bones_do_not_pulse_with_the_noise_of_joints(lifter: Lifter) -> None:
    plain = motion_of(TALL_3D, known=False)
    noise = np.random.default_rng(0).normal(scale=1.0, size=plain.pose_2d.shape)
    shaken = replace(plain, pose_2d=(plain.pose_2d + noise).astype(np.float32))
    kept = fit_motion(shaken, [picture_of(standing(CHILD))], lifter, keep=True)
    ratio = ratios_in_picture(kept, shaken)
    assert np.ptp(ratio[0]) > 0.05
    np.testing.assert_allclose(ratio, ratio[:1].repeat(FRAMES, axis=0), rtol=1e-3)


def test_a_hidden_arm_is_as_long_as_the_other_and_two_hidden_ones_have_the_motions_proportion(lifter: Lifter) -> None:
    other = bones_of_motion(motion_of(TALL_3D, known=True), lifter)
    arms = [[H36M_17.index(f"{side}_{joint}") - 1 for joint in ("elbow", "wrist")] for side in ("left", "right")]

    def ratio(*missing: str) -> np.ndarray:
        return bone_ratios(bones_of_pose(picture_of(standing(CHILD), *missing).pose_2d[None], lifter), other)

    whole, one, none = ratio(), ratio("left_elbow", "left_wrist"), ratio("left_elbow", "left_wrist", "right_elbow", "right_wrist")
    assert np.array_equal(one[arms[0]], one[arms[1]])
    np.testing.assert_allclose(one[arms], whole[arms], atol=0.04)
    assert (none[arms] == 1).all()
    assert not (none == 1).all()


def test_a_picture_of_a_head_alone_changes_nothing(lifter: Lifter) -> None:
    motion = motion_of(TALL_3D, known=False)
    head = picture_of(standing(SHORT), *(name for name in H36M_17.names if name not in ("nose", "head")))
    assert fit_motion(motion, [head], lifter, keep=True) is motion


def test_joints_that_are_not_known_stay_so_and_nothing_jumps(lifter: Lifter) -> None:
    plain = motion_of(TALL_3D, known=False)
    for joints, frames in ((ANKLES, slice(20, 30)), ([0, 7], slice(10, 40)), ([H36M_17.index("left_elbow")], slice(None))):
        plain.pose_2d[frames, joints if len(joints) == 1 else np.array(joints)[:, None]] = np.nan
    kept = fit_motion(plain, [picture_of(standing(CHILD))], lifter, keep=True)
    assert np.array_equal(np.isnan(kept.pose_2d), np.isnan(plain.pose_2d))
    thorax = H36M_17.index("thorax")
    steps = [np.linalg.norm(np.diff(motion.pose_2d[:, thorax], axis=0), axis=1).max() for motion in (plain, kept)]
    assert steps[1] < steps[0] + 0.5  # px


def test_somebody_who_is_seen_from_the_waist_up_is_stretched_from_the_neck(lifter: Lifter) -> None:
    plain = motion_of(TALL_3D, known=False)
    legs = [joint for joint, name in enumerate(H36M_17.names) if name == "hips" or name.endswith(("hip", "knee", "ankle", "spine"))]
    plain.pose_2d[:, legs] = np.nan
    kept = fit_motion(plain, [picture_of(standing(CHILD))], lifter, keep=True)
    assert np.isfinite(np.delete(kept.pose_2d, legs, axis=1)).all()


def test_a_foot_that_stands_does_not_slide() -> None:
    points = np.repeat(np.array([STANDING.get(name, (0, 0, 0)) for name in H36M_17.names], float)[None], 5, axis=0)
    foot = ANKLES[0]
    points[:, foot] = (10, 20, 0)
    points[:, ANKLES[1]] = (12, 21, 3)
    points[:, 0] = np.linspace((0, 0, 90), (30, 10, 95), 5)
    moved = stretch(points, np.full(16, 0.8), np.array([0.0, 0, 1]))
    np.testing.assert_allclose(moved[:, foot], moved[:1, foot].repeat(5, axis=0), atol=1e-9)
    np.testing.assert_allclose(moved[:, foot, 2], 0, atol=1e-9)


def test_a_motion_of_ones_own_stays_as_it_is(lifter: Lifter) -> None:
    motion = motion_of(TALL_3D, known=False)
    frame = LabelledPose((3 * motion.pose_2d[31].astype(np.float64) + (40, -7)).round(1), motion.label[31])
    assert is_own(motion, frame)
    assert fit_motion(motion, [frame], lifter, keep=None) is motion
    assert fit_motion(motion, [frame], lifter, keep=True) is not motion
    stranger = picture_of(standing(SHORT))
    assert not is_own(motion, stranger)
    assert fit_motion(motion, [stranger], lifter, keep=False) is motion
    assert fit_motion(motion, [stranger], lifter, keep=None) is not motion
    assert fit_motion(motion, [stranger, frame], lifter, keep=None) is motion  # several photos, one of which is of this motion


def test_weights_without_a_lifter_keep_none_and_say_so_where_they_are_asked_to() -> None:
    motion, stranger = motion_of(TALL_3D, known=True), picture_of(standing(SHORT))
    assert fit_motion(motion, [stranger], None, keep=None) is motion
    with pytest.raises(UserError, match="expected weights with a lifter"):
        fit_motion(motion, [stranger], None, keep=True)


def test_who_comes_too_near_to_the_camera_is_refused() -> None:
    near = TALL_3D - np.array([0, 0, TALL_3D[..., 2].min() - 520])
    with pytest.raises(UserError, match="so near to its camera"):
        stretch_motion(motion_of(near, known=True), np.full(16, 1.3))


def test_a_single_pose_stands_where_it_stood(lifter: Lifter) -> None:
    target = LabelledPose(CAMERA.project(TALL_3D)[5], np.ones(8, np.int8))
    kept = fit_pose(target, [picture_of(standing(CHILD))], lifter)
    assert kept.pose_2d[ANKLES, 1].max() == pytest.approx(target.pose_2d[ANKLES, 1].max())
    np.testing.assert_allclose(kept.pose_2d[0, 0], target.pose_2d[0, 0])
    assert np.ptp(lengths(kept.pose_2d[None]) / lengths(target.pose_2d[None])) > 0.05
    assert kept.label is target.label


def test_a_part_of_a_recording_has_the_3d_poses_of_its_frames() -> None:
    part = motion_of(TALL_3D, known=True).part(0.4, 1.2, "a motion")
    assert part.space is not None
    assert np.array_equal(part.space.pose_3d, TALL_3D[10:30].astype(np.float32))
