"""Training of the lifter: the views it learns from are bodies as they are, and labels decide which end of a bone is nearer."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from click.testing import CliRunner

from pipeline.config.pose import LimbRadius, PoseConfig
from pipeline.config.train import TrainLifterConfig
from pipeline.evaluation.scores.depth import lift_figures
from pipeline.networks.checkpoint import load_network
from pipeline.networks.lifter import Lifter
from pipeline.pose.bodies.pose_space import label_limbs, mirror_chain
from pipeline.pose.skeleton import CHAIN_LIMBS, CHAINS, H36M_17
from pipeline.training.lifter import NEAREST, make_views, mirror_told, train_lifter, turn
from pipeline.utils.errors import UserError
from stages import train_lifter as stage

RADIUS = LimbRadius(thigh=75, calf=53, upper_arm=48, forearm=42)
BONES = tuple((joint, parent) for joint, parent in enumerate(H36M_17.parents) if parent >= 0)


def pose_config(**values: object) -> PoseConfig:
    defaults = {"torso_thickness": 230, "limb_radius": RADIUS, "depth": True, "maps": ("limbs",), "appearance": True, "lift": True, "source": True}
    return PoseConfig.model_validate({"heatmap_radius": 4, **defaults, **values})


def train_config(**values: object) -> TrainLifterConfig:
    defaults = {"views": 4000, "steps": 400, "batch_size": 128, "lr": 0.003, "weight_decay": 0.001, "noise": 0.002, "width": 64, "blocks": 1}
    return TrainLifterConfig.model_validate({"seed": 1, "threads": 1, **defaults, **values})


ARM = [H36M_17.index(f"left_{name}") for name in ("elbow", "wrist")]


def people(count: int = 300, seed: int = 0, forward: bool = False) -> np.ndarray:
    """(count, 17, 3) mm: people 4 m away whose arms point anywhere, or anywhere forward, and whose legs stand."""
    rng = np.random.default_rng(seed)
    joints = {
        "hips": (0, 0, 0),
        "right_hip": (-120, 0, 0),
        "right_knee": (-130, 440, 0),
        "right_ankle": (-140, 870, 0),
        "left_hip": (120, 0, 0),
        "left_knee": (130, 440, 0),
        "left_ankle": (140, 870, 0),
        "spine": (0, -240, 0),
        "thorax": (0, -490, 0),
        "nose": (0, -590, -80),
        "head": (0, -700, 0),
        "left_shoulder": (170, -480, 0),
        "right_shoulder": (-170, -480, 0),
    }
    pose = np.zeros((count, 17, 3))
    for name, place in joints.items():
        pose[:, H36M_17.index(name)] = place
    for side in ("left", "right"):
        shoulder, elbow, wrist = (H36M_17.index(f"{side}_{name}") for name in ("shoulder", "elbow", "wrist"))
        for start, end, length in ((shoulder, elbow, 280), (elbow, wrist, 255)):
            way = rng.normal(size=(count, 3)) + np.array([0, 0.7, 0])
            way[:, 2] = -np.abs(way[:, 2]) if forward else way[:, 2]
            pose[:, end] = pose[:, start] + length * way / np.linalg.norm(way, axis=1, keepdims=True)
    return pose + np.array([0, 0, 4000])


def lengths(pose: np.ndarray) -> np.ndarray:
    return np.stack([np.linalg.norm(pose[:, a] - pose[:, b], axis=-1) for a, b in BONES], axis=1)


def in_picture(pose: np.ndarray) -> np.ndarray:
    return 1000 * pose[..., :2] / pose[..., 2:]


def test_a_mirrored_chain_has_the_same_picture_and_the_opposite_depth() -> None:
    pose = people()
    for chain, (root, *moving) in enumerate(CHAINS):
        mirrored = mirror_chain(pose, chain)
        np.testing.assert_allclose(in_picture(mirrored), in_picture(pose), atol=1e-9)
        np.testing.assert_allclose(mirrored[:, moving, 2] + pose[:, moving, 2], np.repeat(2 * pose[:, [root], 2], 2, axis=1))
        still = [joint for joint in range(17) if joint not in moving]
        np.testing.assert_array_equal(mirrored[:, still], pose[:, still])
        np.testing.assert_allclose(mirror_chain(mirrored, chain), pose, atol=1e-9)


def test_turning_keeps_the_bones_and_a_quarter_turn_swaps_width_and_depth() -> None:
    pose = people(50) - (0, 0, 4000)
    angle, tilt = np.random.default_rng(1).uniform(-3, 3, (2, 50))
    np.testing.assert_allclose(lengths(turn(pose, angle, tilt)), lengths(pose))
    quarter = turn(pose, np.full(50, np.pi / 2), np.zeros(50))
    np.testing.assert_allclose(quarter, np.stack([pose[..., 2], pose[..., 1], -pose[..., 0]], axis=-1), atol=1e-9)


def test_views_come_from_all_sides_and_depend_on_the_seed_alone() -> None:
    pose = people()
    views = make_views(pose, 3000, np.random.default_rng(5))
    np.testing.assert_array_equal(views, make_views(pose, 3000, np.random.default_rng(5)))
    assert not np.array_equal(views[:10], make_views(pose, 10, np.random.default_rng(6)))
    assert views.shape == (3000, 17, 3)
    across = views[:, H36M_17.index("left_hip")] - views[:, H36M_17.index("right_hip")]
    angle = np.arctan2(across[:, 2], across[:, 0])
    assert np.histogram(angle, bins=8, range=(-np.pi, np.pi))[0].min() > 250
    bones = np.sort(lengths(views)[:, [bone for bone, (joint, _) in enumerate(BONES) if joint in (1, 2, 3, 4, 5, 6)]])
    np.testing.assert_allclose(bones, np.sort(lengths(pose[:1])[:, :6]).repeat(3000, axis=0), rtol=1e-6)  # nobody's legs change


def test_the_chains_are_mirrored_that_are_wished_and_whose_labels_say_so() -> None:
    views = make_views(people(), 3000, np.random.default_rng(5))
    wished = np.random.default_rng(6).random((3000, 4)) < 0.5
    mirrored, label_then, told = mirror_told(views, wished, pose_config())
    np.testing.assert_allclose(in_picture(mirrored), in_picture(views), atol=1e-9)
    label, other = (label_limbs(poses, 230, RADIUS) for poses in (views, mirrored))
    np.testing.assert_array_equal(label_then, other)
    moved = np.stack([(mirrored[:, moving] != views[:, moving]).any((1, 2)) for _, *moving in CHAINS], axis=1)
    alone = moved.sum(1) == 1
    for chain, limbs in enumerate(CHAIN_LIMBS):
        rows = alone & moved[:, chain]
        assert (label[rows][:, limbs] != other[rows][:, limbs]).any(1).all()
        again = label_limbs(mirror_chain(mirrored, chain), 230, RADIUS)
        np.testing.assert_array_equal(told[:, chain], (again[:, limbs] != other[:, limbs]).any(1))
    assert not moved[~wished].any()
    assert told[moved & alone[:, None]].all()
    assert 0.1 < told.mean() < 0.9
    assert 0.4 < moved[told].mean() < 0.6
    near = views - (0, 0, 3000)
    near = near[near[..., 2].min(1) > NEAREST]
    assert mirror_told(near, wished[: len(near)], pose_config())[0][..., 2].min() > NEAREST


def test_views_too_near_the_camera_are_left_out() -> None:
    assert len(make_views(people() - (0, 0, 3200), 500, np.random.default_rng(0))) < 500
    assert not len(make_views(people() - (0, 0, 3900), 50, np.random.default_rng(0)))


@pytest.fixture(scope="module")
def lifters() -> dict[bool, Lifter]:
    """A lifter that sees labels, and one that does not."""
    return {depth: train_lifter(people(), pose_config(depth=depth), train_config()) for depth in (True, False)}


@pytest.fixture(autouse=True)
def _settings_end_with_the_test():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)
    torch.set_flush_denormal(False)


def figures(lifter: Lifter, told: bool = False) -> dict[str, float | None]:
    """Figures on other people of whom one arm is mirrored or not; told : only of those whose labels say which."""
    pose = np.concatenate([people(200, seed=9), mirror_chain(people(200, seed=9), 2)])
    label = label_limbs(pose, 230, RADIUS)
    if told:
        rows = (label[:200] != label[200:])[:, CHAIN_LIMBS[2]].any(1)
        pose, label = pose[np.tile(rows, 2)], label[np.tile(rows, 2)]
    with torch.no_grad():
        depth = lifter(torch.from_numpy(in_picture(pose).astype(np.float32)), torch.from_numpy(label)).numpy()
    return lift_figures(depth, in_picture(pose), pose, label)


def test_labels_tell_which_end_of_a_limb_is_nearer(lifters: dict[bool, Lifter]) -> None:
    seeing, blind = figures(lifters[True]), figures(lifters[False])
    assert seeing["lift_sign"] > 0.8
    assert blind["lift_sign"] < 0.6
    assert seeing["lift_error"] < blind["lift_error"]
    where_told = figures(lifters[True], told=True)
    assert where_told["lift_error"] < where_told["lift_error_flat"]


def test_a_chain_of_which_the_labels_say_nothing_lies_as_it_usually_does() -> None:
    usual, twin = people(200, seed=9, forward=True), mirror_chain(people(200, seed=9, forward=True), 2)
    label, other = (label_limbs(pose, 230, RADIUS) for pose in (usual, twin))
    lifter = train_lifter(people(forward=True), pose_config(), train_config())
    seen, told = torch.from_numpy(in_picture(usual).astype(np.float32)), (label != other)[:, CHAIN_LIMBS[2]].any(1)
    with torch.no_grad():
        left, of_twin = (lifter(seen, torch.from_numpy(each)).numpy()[:, ARM] for each in (label, other))
    true = usual[:, ARM, 2] - usual[:, :1, 2]
    assert 20 < told.sum() < 180
    assert ((left < 0) == (true < 0))[np.abs(true) > 100].mean() > 0.95
    assert ((of_twin < 0) == (true < 0))[~told][np.abs(true[~told]) > 100].mean() > 0.9
    assert ((of_twin > 0) == (true < 0))[told][np.abs(true[told]) > 100].mean() > 0.8


def test_the_same_seed_gives_the_same_weights(lifters: dict[bool, Lifter]) -> None:
    again = train_lifter(people(), pose_config(), train_config()).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in lifters[True].state_dict().items())
    other = train_lifter(people(), pose_config(), train_config(seed=2, steps=2)).state_dict()
    assert not torch.equal(other["usual.first.weight"], again["usual.first.weight"])


def test_without_poses_or_with_a_loss_that_is_not_finite_there_is_no_lifter() -> None:
    with pytest.raises(UserError, match="no poses to train on"):
        train_lifter(people()[:0], pose_config(), train_config())
    with pytest.raises(UserError, match=r"expected poses more than 500 mm before the camera, found none"):
        train_lifter(people() - (0, 0, 3900), pose_config(), train_config())
    with pytest.raises(UserError, match=r"the loss of the lifter is (nan|inf); lower train_lifter\.lr"):
        train_lifter(people(), pose_config(), train_config(lr=1e30, steps=20))


def test_the_stage_trains_on_the_training_people_alone(tmp_path: Path) -> None:
    (tmp_path / "packed").mkdir()
    for subject, poses in (("S1", people(40)), ("S9", np.full((4, 17, 3), np.nan))):
        with h5py.File(tmp_path / "packed" / f"{subject}.h5", "w") as file:
            file.attrs["subject"] = subject
            file["image"] = np.zeros((len(poses), 8, 4, 3), np.uint8)
            file["pose_3d"] = poses.astype(np.float32)
    data = "data: {root: x, subjects: [S1, S9], test_subjects: [S9], cameras: all, fps: 10, frame_height: 9, image_size: [8, 4], margin: 0.1, "
    pose, train = pose_config().model_dump(mode="json"), train_config(steps=10).model_dump(mode="json")
    (tmp_path / "params.yaml").write_text(f"{data}skip_bad: false, exclude: []}}\npose: {pose}\ntrain_lifter: {train}\n", encoding="utf-8")
    outs = []
    for name in ("a", "b"):
        out = tmp_path / f"{name}.safetensors"
        result = CliRunner().invoke(stage.main, [str(tmp_path / "packed"), str(out), "--params", str(tmp_path / "params.yaml")])
        assert result.exit_code == 0, result.output
        outs.append(out.read_bytes())
    assert outs[0] == outs[1]
    lifter = load_network(tmp_path / "a.safetensors", Lifter)
    assert lifter.config == {"width": 64, "blocks": 1, "rule": pose_config().rule}
    assert all(value.isfinite().all() for value in lifter.state_dict().values())
