"""The lifter: what it sees is the same wherever and however large the body stands, labels decide which chains are mirrored, a missing joint does
no harm.
"""

import numpy as np
import pytest
import torch
from standing import RADIUS, RULE, STANDING, THICKNESS
from torch import Tensor

from pipeline.networks.lifter import AWAY, Lifter, chain_means, joint_features, mirror_depth, raise_pose
from pipeline.pose.bodies.pose_space import label_limbs, mirror_chain
from pipeline.pose.skeleton import CHAINS, H36M_17, LIMB_NAMES

KNEE = H36M_17.index("left_knee")


def standing(count: int = 3) -> Tensor:
    """(count, 17, 2): standing people who move a little."""
    rng = torch.Generator().manual_seed(0)
    pose = torch.tensor([STANDING[name] for name in H36M_17.names], dtype=torch.float32)
    return pose + 2 * torch.randn((count, 17, 2), generator=rng)


def labels(count: int = 3) -> Tensor:
    return torch.randint(-1, 2, (count, len(LIMB_NAMES)), generator=torch.Generator().manual_seed(1), dtype=torch.int8)


def make_lifter(seen: bool = True) -> Lifter:
    torch.manual_seed(0)
    return Lifter(32, 2, RULE if seen else None).eval()


def test_depths_do_not_depend_on_where_and_how_large_the_body_is() -> None:
    lifter, pose = make_lifter(), standing()
    expected = lifter(pose, labels())
    assert expected.shape == (3, 17)
    assert expected.std() > 1
    torch.testing.assert_close(lifter(7 * pose + torch.tensor([300.0, -40.0]), labels()), expected, rtol=1e-3, atol=0.1)


def test_a_chain_is_mirrored_where_the_labels_say_so_and_nothing_else_changes() -> None:
    pose, label, lifter = standing(40), labels(40), make_lifter()
    prior, labelled = lifter.infer_prior(pose), lifter(pose, label)
    either = torch.stack([mirror_depth(prior, torch.tensor([[chain == other for other in range(4)]])) for chain in range(4)])
    mirrored = torch.zeros(40, 4, dtype=torch.bool)
    for chain, (_, *moving) in enumerate(CHAINS):
        mirrored[:, chain] = (labelled[:, moving] == either[chain][:, moving]).all(1)
        assert (mirrored[:, chain] | (labelled[:, moving] == prior[:, moving]).all(1)).all()
    assert 0 < mirrored.float().mean() < 1
    assert torch.equal(labelled, mirror_depth(prior, mirrored))
    assert not torch.equal(labelled, lifter(pose, -label))


def test_a_blind_lifter_says_how_bodies_usually_lie() -> None:
    blind, pose = make_lifter(seen=False), standing()
    assert torch.equal(blind(pose, labels()), blind.infer_prior(pose))
    assert torch.equal(blind(pose, -labels()), blind.infer_prior(pose))


def test_mirroring_depths_is_mirroring_the_body() -> None:
    pose, depth = standing(), 200 * torch.randn((3, 17), generator=torch.Generator().manual_seed(2))
    for chain in range(4):
        chosen = torch.arange(4)[None].expand(3, -1) == chain
        there = mirror_chain(raise_pose(pose, depth), chain)
        np.testing.assert_allclose(raise_pose(pose, mirror_depth(depth, chosen)), there, atol=1e-3)
        moved = (mirror_depth(depth, chosen) != depth).float()
        torch.testing.assert_close(chain_means(moved), chosen.float())


def test_a_raised_pose_looks_like_the_joints_and_is_as_deep_as_told() -> None:
    pose, depth = standing(), 200 * torch.randn((3, 17), generator=torch.Generator().manual_seed(2))
    raised = raise_pose(pose, depth)
    np.testing.assert_allclose(raised[..., 2], AWAY + depth, atol=1e-3)
    seen = raised[..., :2] / raised[..., 2:]
    scale = np.ptp(pose.numpy(), axis=1) / np.ptp(seen, axis=1)
    np.testing.assert_allclose(scale[:, 0], scale[:, 1], rtol=1e-4)
    torso = np.linalg.norm(raised[:, H36M_17.index("thorax"), :2] - raised[:, 0, :2], axis=-1)
    assert ((torso > 300) & (torso < 700)).all()  # mm, of a grown person
    pose[:, KNEE] = torch.nan
    np.testing.assert_array_equal(raise_pose(pose, torch.zeros(3, 17))[:, KNEE], raise_pose(pose, torch.zeros(3, 17))[:, H36M_17.parents[KNEE]])


def test_the_features_hold_what_the_rule_says_of_the_body_and_of_its_mirrored_chains() -> None:
    lifter, pose, label = make_lifter(), standing(), labels()
    depth = torch.zeros(3, 17)
    pose[:, [KNEE, KNEE + 1]] = pose[:, [2, 2]] + torch.tensor([[4.0, 0.0], [2.0, 20.0]])  # the legs cross
    depth[:, [2, 3]] = 300.0
    given, ruled, differ = lifter.flip_features(pose, depth, label)[:, 17 * 4 :].split(
        (len(LIMB_NAMES), 5 * len(LIMB_NAMES), 5 * len(LIMB_NAMES)), dim=1
    )
    assert torch.equal(given, label.float())
    body = raise_pose(pose, depth)
    rule = label_limbs(body, THICKNESS, RADIUS)
    right_leg = label_limbs(mirror_chain(body, 0), THICKNESS, RADIUS)
    assert (rule != right_leg).any()
    np.testing.assert_array_equal(ruled[:, : 2 * len(LIMB_NAMES)].numpy(), np.concatenate([rule, right_leg], axis=1))
    np.testing.assert_array_equal(differ[:, : len(LIMB_NAMES)].numpy(), rule != label.numpy())


def test_a_missing_joint_is_told_from_one_in_the_middle_and_leaves_the_others_alone() -> None:
    pose = standing()
    pose[:, KNEE] = torch.nan
    features = joint_features(pose)
    assert features.isfinite().all()
    joints = features.view(3, 17, 3)
    assert (joints[:, KNEE] == 0).all()
    assert (joints[:, [joint for joint in range(17) if joint != KNEE], 2] == 1).all()
    assert make_lifter()(pose, labels()).isfinite().all()


@pytest.mark.parametrize("value", [torch.nan, 5.0])
def test_a_pose_without_extent_has_finite_depths(value: float) -> None:
    assert make_lifter()(torch.full((1, 17, 2), value), labels(1)).isfinite().all()
