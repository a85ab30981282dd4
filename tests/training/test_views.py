"""Views: bodies as they are, seen from all around, with chains mirrored in depth where their labels tell it."""

import numpy as np
import torch
from people_3d import in_picture, people, pose_config
from standing import RADIUS, THICKNESS

from pipeline.pose.bodies.pose_space import label_limbs, mirror_chain
from pipeline.pose.skeleton import CHAIN_LIMBS, CHAINS, H36M_17
from pipeline.training.views import NEAREST, depths_of, joints_of, make_views, mirror_chains, perturb, turn

BONES = tuple((joint, parent) for joint, parent in enumerate(H36M_17.parents) if parent >= 0)


def lengths(pose: np.ndarray) -> np.ndarray:
    return np.stack([np.linalg.norm(pose[:, a] - pose[:, b], axis=-1) for a, b in BONES], axis=1)


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


def test_the_chosen_chains_are_mirrored_where_their_labels_say_so() -> None:
    views = make_views(people(), 3000, np.random.default_rng(5))
    chosen = np.random.default_rng(6).random((3000, 4)) < 0.5
    mirrored, label_then, observable = mirror_chains(views, chosen, pose_config())
    np.testing.assert_allclose(in_picture(mirrored), in_picture(views), atol=1e-9)
    label, other = (label_limbs(poses, THICKNESS, RADIUS) for poses in (views, mirrored))
    np.testing.assert_array_equal(label_then, other)
    moved = np.stack([(mirrored[:, moving] != views[:, moving]).any((1, 2)) for _, *moving in CHAINS], axis=1)
    alone = moved.sum(1) == 1
    for chain, limbs in enumerate(CHAIN_LIMBS):
        rows = alone & moved[:, chain]
        assert (label[rows][:, limbs] != other[rows][:, limbs]).any(1).all()
        again = label_limbs(mirror_chain(mirrored, chain), THICKNESS, RADIUS)
        np.testing.assert_array_equal(observable[:, chain], (again[:, limbs] != other[:, limbs]).any(1))
    assert not moved[~chosen].any()
    assert observable[moved & alone[:, None]].all()
    assert 0.1 < observable.mean() < 0.9
    assert 0.4 < moved[observable].mean() < 0.6
    near = views - (0, 0, 3000)
    near = near[near[..., 2].min(1) > NEAREST]
    assert mirror_chains(near, chosen[: len(near)], pose_config())[0][..., 2].min() > NEAREST


def test_views_too_near_the_camera_are_left_out() -> None:
    assert len(make_views(people() - (0, 0, 3200), 500, np.random.default_rng(0))) < 500
    assert not len(make_views(people() - (0, 0, 3900), 50, np.random.default_rng(0)))


def test_joints_are_perturbed_and_missing_now_and_then() -> None:
    views = make_views(people(), 3000, np.random.default_rng(5))
    pose_2d = joints_of(views)
    np.testing.assert_allclose(pose_2d, in_picture(views), rtol=1e-5)
    np.testing.assert_allclose(depths_of(views), views[..., 2] - views[:, :1, 2], atol=1e-3)
    seen = perturb(pose_2d, 0.01, np.random.default_rng(7))
    missing = seen.isnan()
    assert 0.005 < missing.float().mean() < 0.02  # a tenth of the joints of a tenth of the poses
    assert torch.equal(missing[..., 0], missing[..., 1])
    assert (missing.any(2).any(1).float().mean() - 0.1 * (1 - 0.9**17)).abs() < 0.03
    extent = (pose_2d.amax(1) - pose_2d.amin(1)).amax(1)[:, None, None]
    assert abs(((seen - pose_2d) / extent)[~missing].std().item() - 0.01) < 0.001
