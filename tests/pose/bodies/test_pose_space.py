import numpy as np
import pytest
from standing import RADIUS, THICKNESS

from benchmarks import bench_pose_space as plain
from pipeline.datasets.synthetic.body import build_body
from pipeline.datasets.synthetic.dataset import TRUTH_STEP, invent_take
from pipeline.datasets.synthetic.names import sequences
from pipeline.datasets.synthetic.renderer import Renderer, screen_bounds
from pipeline.datasets.synthetic.room import look, room_cameras
from pipeline.datasets.synthetic.truth import label_truth
from pipeline.pose.bodies.pose_space import label_limbs, labels_of_shares, limb_radii, limb_shares
from pipeline.pose.skeleton import CHAINS, H36M_17, LIMB_FLIP, LIMB_KINDS, LIMB_NAMES
from pipeline.utils.errors import UserError

SOME = np.ones(len(LIMB_NAMES))  # radii
FPS = 50
DISTANCE = 4500.0

# Someone who stands with arms a little apart and faces the camera; mm: to the person's left, down, away from the camera.
STANDING = {
    "hips": (0, 0, 0),
    "right_hip": (-135, 0, 0),
    "right_knee": (-160, 440, 0),
    "right_ankle": (-180, 880, 0),
    "left_hip": (135, 0, 0),
    "left_knee": (160, 440, 0),
    "left_ankle": (180, 880, 0),
    "spine": (0, -240, 0),
    "thorax": (0, -490, 0),
    "nose": (0, -590, -60),
    "head": (0, -700, 0),
    "left_shoulder": (180, -480, 0),
    "left_elbow": (380, -260, 0),
    "left_wrist": (480, -20, 0),
    "right_shoulder": (-180, -480, 0),
    "right_elbow": (-380, -260, 0),
    "right_wrist": (-480, -20, 0),
}


def body(**moved: tuple[float, float, float]) -> np.ndarray:
    """(1, 17, 3): the standing pose with some joints elsewhere, before any camera."""
    joints = STANDING | moved
    return np.array([[joints[name] for name in H36M_17.names]], float)


def turned(pose: np.ndarray, degrees: float) -> np.ndarray:
    """The person turns about the vertical axis; at 90 degrees the left side is near the camera."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return pose @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T


def seen(pose: np.ndarray, distance: float = DISTANCE) -> np.ndarray:
    """The person in front of the camera."""
    return pose + np.array([0, 0, distance])


def label(pose: np.ndarray, thickness: float = THICKNESS) -> np.ndarray:
    return label_limbs(pose, thickness, RADIUS)


def named(pose: np.ndarray) -> dict[str, int]:
    """The labels of one pose that are not 0."""
    return {name: int(value) for name, value in zip(LIMB_NAMES, label(seen(pose))[0], strict=True) if value}


def random_bodies(count: int) -> np.ndarray:
    """(count, 17, 3): people who stand, sit or crouch, turned anyhow, arms and legs anywhere."""
    rng = np.random.default_rng(5)
    poses = np.repeat(body(), count, axis=0)
    for root, middle, end in CHAINS:
        for upper, lower in ((root, middle), (middle, end)):
            offset = poses[:, lower] - poses[:, upper] + rng.normal(size=(count, 3)) * [150, 150, 250]
            poses[:, lower] = poses[:, upper] + offset * (300 / np.linalg.norm(offset, axis=1, keepdims=True))
    return np.concatenate([turned(pose[None], angle) for pose, angle in zip(poses, rng.uniform(0, 360, count), strict=True)])


def test_behind_the_labels_are_shares():
    bodies = seen(random_bodies(300))
    shares = limb_shares(bodies, THICKNESS, RADIUS)
    assert shares.shape == (300, len(LIMB_NAMES), 2)
    assert ((shares >= 0) & (shares <= 1)).all()
    assert len(np.unique(shares)) > 100
    np.testing.assert_array_equal(labels_of_shares(shares), label_limbs(bodies, THICKNESS, RADIUS))


def test_apart_from_each_other_every_limb_is_in_the_plane():
    assert named(body()) == {}


@pytest.mark.parametrize("angle", [0, 30, 180, 210])
def test_an_arm_that_hangs_beside_the_torso_is_in_its_plane(angle):
    assert named(turned(body(), angle)) == {}


@pytest.mark.parametrize(("depth", "expected"), [(-250, 1), (250, -1)])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_forearm_before_the_chest_and_behind_the_back(side, depth, expected):
    sign = 1 if side == "left" else -1
    pose = body(**{f"{side}_elbow": (sign * 330, -250, depth / 2), f"{side}_wrist": (-sign * 80, -280, depth)})
    assert named(pose) == {f"{side}_forearm": expected}
    assert named(turned(pose, 180)) == {f"{side}_forearm": -expected}


def test_both_arms_crossed_before_the_chest():
    pose = body(left_elbow=(280, -230, -120), left_wrist=(-120, -260, -300), right_elbow=(-280, -230, -120), right_wrist=(120, -300, -180))
    labels = named(pose)
    assert labels["left_forearm"] == 1
    assert labels["right_forearm"] == -1  # behind the other forearm, although before the chest
    assert not {name for name in labels if "thigh" in name or "calf" in name}


@pytest.mark.parametrize(("near", "far"), [("left", "right"), ("right", "left")])
def test_crossed_calves(near, far):
    sign = {"left": 1, "right": -1}
    pose = body(
        **{f"{near}_knee": (sign[near] * 100, 430, -100), f"{near}_ankle": (-sign[near] * 60, 860, -160)},
        **{f"{far}_knee": (sign[far] * 100, 430, 60), f"{far}_ankle": (-sign[far] * 60, 860, 120)},
    )
    assert named(pose) == {f"{near}_calf": 1, f"{far}_calf": -1}
    assert named(turned(pose, 180)) == {f"{near}_calf": -1, f"{far}_calf": 1}


def test_a_calf_laid_over_the_other_thigh():
    pose = body(right_knee=(-250, 330, -260), right_ankle=(200, 160, -330))
    assert named(pose) == {"right_calf": 1, "left_thigh": -1}
    assert named(turned(pose, 180))["right_calf"] == -1


def test_sitting_with_knees_drawn_up():
    pose = body(left_knee=(140, -330, -300), left_ankle=(140, 60, -420), right_knee=(-140, -330, -300), right_ankle=(-140, 60, -420))
    legs = {"right_thigh", "right_calf", "left_thigh", "left_calf"}
    assert named(pose) == dict.fromkeys(legs, 1)
    assert named(turned(pose, 180)) == dict.fromkeys(legs, -1)


def test_limbs_that_share_a_joint_do_not_hide_each_other():
    assert named(body(left_elbow=(380, -480, 0), left_wrist=(200, -480, -200))) == {}


@pytest.mark.parametrize("angle", [90, 270])
def test_from_the_side_the_near_arm_is_in_front_and_the_far_arm_is_occluded(angle):
    pose = body(left_elbow=(230, -220, 0), left_wrist=(250, -40, -60), right_elbow=(-230, -220, 0), right_wrist=(-250, -40, -60))
    near, far = ("left", "right") if angle == 90 else ("right", "left")
    labels = named(turned(pose, angle))
    assert labels[f"{near}_upper_arm"] == labels[f"{near}_forearm"] == 1
    assert labels[f"{far}_upper_arm"] == labels[f"{far}_forearm"] == -1


def test_inside_the_dead_band_a_limb_is_in_the_plane():
    pose = seen(body(left_elbow=(330, -250, -40), left_wrist=(-80, -280, -60)))
    forearm = LIMB_NAMES.index("left_forearm")
    assert label(pose)[0, forearm] == 0
    assert label(pose, thickness=100)[0, forearm] == 1


def test_a_thin_torso_has_no_holes():
    pose = seen(body(left_elbow=(330, -250, 100), left_wrist=(-80, -280, 250)))
    for thickness in (1, 10, 40, 100, 240):
        assert label(pose, thickness)[0, LIMB_NAMES.index("left_forearm")] == -1


def test_labels_agree_with_the_depth_buffers_of_rendered_people():
    size, frames = 192, (0, FPS // 2)
    views = [look(camera, size) for camera in room_cameras(size, 3, 1).values()]
    poses, truths, clears = [], [], []
    for take in sequences("S1", 15):
        person, motion, seat = invent_take(3, take, FPS, FPS)
        renderer = Renderer(build_body(person, motion, seat), person.materials)
        for view in views:
            bounds = screen_bounds(renderer.solids, view.camera)
            for t in frames:
                truth, clear = label_truth(renderer.part_depths(view, bounds, t, TRUTH_STEP // 2))
                poses.append(view.camera.to_camera(motion.joints[t]))
                truths.append(truth)
                clears.append(clear)
    right, clear = label(np.array(poses)) == np.array(truths), np.array(clears)
    assert clear.sum() > 700
    assert right[clear].mean() >= 0.95
    for value in (-1, 0, 1):  # not by always giving the commonest label
        assert right[clear & (np.array(truths) == value)].mean() >= 0.9


def test_a_mirror_exchanges_left_and_right():
    poses = random_bodies(400)
    mirrored = poses[:, H36M_17.flip] * [-1, 1, 1]
    assert (label(seen(mirrored)) == label(seen(poses))[:, LIMB_FLIP]).mean() > 0.998


def test_a_mirror_in_depth_negates_what_is_in_front():
    far = 1e6  # so far away that rays are parallel
    poses = random_bodies(400)
    before, after = label(seen(poses, far)), label(seen(poses * [1, 1, -1], far))
    # Of upper arms and thighs another part is left out when the joint that they hang on goes from their far end to their near end.
    lower = [LIMB_NAMES.index(name) for name in LIMB_NAMES if "calf" in name or "forearm" in name]
    before, after = before[:, lower], after[:, lower]
    assert (after[before == 0] == 0).mean() > 0.99
    assert (after[before == 1] == -1).mean() > 0.99
    assert (before[after == 1] == -1).mean() > 0.99
    assert min((before == 1).sum(), (after == 1).sum()) > 200


def test_turning_the_camera_about_its_centre_changes_nothing():
    a, b = np.radians(12), np.radians(-9)
    pan = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    tilt = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    poses = seen(random_bodies(400))
    assert (label(poses @ (pan @ tilt).T) == label(poses)).mean() > 0.99
    obvious = seen(body(left_elbow=(330, -250, -125), left_wrist=(-80, -280, -250)))
    np.testing.assert_array_equal(label(obvious @ (pan @ tilt).T), label(obvious))


def test_the_unit_of_length_does_not_matter():
    poses = seen(random_bodies(100))
    np.testing.assert_array_equal(label_limbs(2 * poses, 2 * THICKNESS, 2 * limb_radii(RADIUS)), label(poses))


def test_frames_are_labelled_one_by_one():
    poses = seen(random_bodies(20))
    np.testing.assert_array_equal(np.concatenate([label(pose[None]) for pose in poses]), label(poses))


def test_single_precision_is_enough():
    poses = seen(random_bodies(200))
    assert (label(poses.astype(np.float32)) == label(poses)).mean() > 0.999


def test_labels_are_int8_and_no_pose_gives_no_label():
    labels = label(np.zeros((0, 17, 3)))
    assert labels.shape == (0, len(LIMB_NAMES))
    assert labels.dtype == np.int8
    assert set(np.unique(label(seen(random_bodies(100))))) == {-1, 0, 1}


def test_a_limb_of_no_length_is_a_ball():
    pose = seen(body(left_wrist=STANDING["left_elbow"]))
    assert label(pose).shape == (1, len(LIMB_NAMES))


def test_radii_go_to_the_limbs_of_their_kind():
    np.testing.assert_array_equal(limb_radii(RADIUS), [getattr(RADIUS, kind) for kind in LIMB_KINDS])
    pose = seen(body(left_elbow=(330, -250, -125), left_wrist=(-80, -280, -250)))
    np.testing.assert_array_equal(label_limbs(pose, THICKNESS, limb_radii(RADIUS)), label(pose))


@pytest.mark.parametrize("shape", [(17, 3), (2, 32, 3), (2, 17, 2), (1, 2, 17, 3)])
def test_poses_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"^pose_3d: expected \(N, 17, 3\), got \("):
        label(np.ones(shape))


@pytest.mark.parametrize(
    ("thickness", "radius"),
    [(0, SOME), (np.nan, SOME), (240, 0 * SOME), (240, np.inf * SOME)],
)
def test_thicknesses_must_be_positive(thickness, radius):
    with pytest.raises(ValueError, match="expected positive numbers of mm"):
        label_limbs(seen(body()), thickness, radius)


def test_there_must_be_a_radius_for_each_limb():
    with pytest.raises(ValueError, match=rf"^limb_radius: expected \({len(LIMB_NAMES)},\), got \(4,\)"):
        label_limbs(seen(body()), THICKNESS, np.ones(4))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_joints_that_are_not_numbers_are_refused(value):
    poses = seen(random_bodies(3))
    poses[2, 5, 1] = value
    with pytest.raises(UserError, match=r"^pose 2: a joint is not a finite number"):
        label(poses)


@pytest.mark.parametrize("depth", [-3000.0, 0.0, 100.0])
def test_joints_behind_the_camera_are_refused(depth):
    poses = seen(random_bodies(3))
    poses[1, 5, 2] = depth
    with pytest.raises(UserError, match=f"^pose 1: expected every joint more than 115 mm before the camera, found depth {depth:.0f} mm"):
        label(poses)


def test_the_labels_are_those_of_the_plain_loop_that_their_speed_is_compared_with() -> None:
    poses = plain.built_in_poses()[::400]
    expected = np.array([plain.label_one(pose) for pose in poses])
    assert set(np.unique(expected)) == {-1, 0, 1}
    np.testing.assert_array_equal(label_limbs(poses, plain.THICKNESS, plain.RADIUS), expected)
