"""Depth from a 2.5D pose: how far each joint is from the camera, from its place in the image and the labels of the limbs.

The 2D skeleton says how much each bone is foreshortened, hence how far its ends are apart in depth, but not which end is nearer (Taylor 2000,
*Reconstruction of articulated objects from point correspondences in a single uncalibrated image*). Two networks decide it. The prior sees no
labels and infers how bodies usually lie. The flip classifier compares that body, and the same with one arm or leg mirrored in depth, with the labels
that are given: it sees those that each of them would have by the rule, and says which chains are mirrored. One network for both learns how bodies
usually lie and then believes that more than the labels. Both are the residual one of Martinez et al. 2017 (arXiv 1705.03098) without batch
normalisation.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.pose.bodies.pose_space import LabelRule, label_limbs, mirror_chain
from pipeline.pose.bodies.scale import body_scale
from pipeline.pose.skeleton import CHAINS, H36M_17, LIMBS, TORSO

SCALE_2D, SCALE_DEPTH = 500.0, 300.0  # mm; what goes in and what comes out is about as large as 1
AWAY = 8000.0  # mm from a camera that sees the person in nearly parallel rays
_DEEPEST = 2000.0  # mm before or behind the hips; even mirrored, a body before that camera stays before it
_JOINTS = len(H36M_17)
_BODIES = 1 + len(CHAINS)  # that of the prior, and it with one chain mirrored
# Which joints move with each chain, (4, 17), 0 or 1, and where the chain of each joint hangs, (17,): a joint of none hangs on itself. They are real
# tensors even where this module is loaded while networks are made without memory.
_MOVES = torch.tensor([[float(joint in moving) for joint in range(_JOINTS)] for _, *moving in CHAINS], device="cpu")
_ROOT = torch.tensor([next((root for root, *moving in CHAINS if joint in moving), joint) for joint in range(_JOINTS)], device="cpu")


class Residual(nn.Module):
    """Rows of features to rows of values, through residual blocks of two layers each."""

    def __init__(self, features: int, width: int, blocks: int, values: int) -> None:
        super().__init__()
        self.first = nn.Linear(features, width)
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width)) for _ in range(blocks))
        self.last = nn.Linear(width, values)

    def forward(self, x: Tensor) -> Tensor:
        """(B, values) of (B, features)."""
        x = self.first(x).relu()
        for block in self.blocks:
            x = (x + block(x)).relu()
        return self.last(x)


class Lifter(nn.Module):
    """Joints and labels to depths: the prior `prior` and the flip classifier `flip`. `config` rebuilds it.

    rule : `torso_thickness` and `limb_radius` of the label rule (`PoseConfig.rule`); None: the labels are not looked at, there is no flip classifier
    """

    def __init__(self, width: int, blocks: int, rule: Mapping[str, Any] | None) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"width": width, "blocks": blocks, "rule": rule}
        self.rule = None if rule is None else LabelRule.of(rule)
        self.prior = Residual(_JOINTS * 3, width, blocks, _JOINTS)
        features = _JOINTS * 4 + len(LIMBS) * (1 + 2 * _BODIES)
        self.flip = None if rule is None else Residual(features, width, blocks, len(CHAINS))

    def forward(self, pose_2d: Tensor, label: Tensor) -> Tensor:
        """Depths of the joints, (B, 17) float32 mm, away from the camera, the hips' being about 0.

        pose_2d : (B, 17, 2) float32, px of any image that is not stretched, NaN where a joint is missing: its depth is guessed; label : (B, 8)
        """
        depth = self.infer_prior(pose_2d)
        if self.flip is None:
            return depth
        return mirror_depth(depth, self.flip(self.flip_features(pose_2d, depth, label)) > 0)

    def infer_prior(self, pose_2d: Tensor) -> Tensor:
        """The depths that bodies with these joints usually have, whatever the labels, as `forward` gives depths."""
        return self.prior(joint_features(pose_2d)) * SCALE_DEPTH

    def flip_features(self, pose_2d: Tensor, depth: Tensor, label: Tensor) -> Tensor:
        """What the flip classifier sees of bodies, their depths by the prior (B, 17) mm and their labels (B, 8): (B, 156) float32.

        Their joints and depths, the labels, those that the rule gives the body and it with each chain mirrored, and where the two differ.
        """
        assert self.rule is not None
        ruled = rule_labels(pose_2d, depth, self.rule)
        features = joint_features(pose_2d), depth / SCALE_DEPTH, label, ruled.flatten(1), (ruled != label[:, None]).flatten(1)
        return torch.cat([feature.float() for feature in features], dim=1)


def rule_labels(pose_2d: Tensor, depth: Tensor, rule: LabelRule) -> Tensor:
    """The labels that the rule gives bodies of depths (B, 17) mm, and each of them with one chain mirrored: (B, 5, 8) int8, where `depth` is.

    Here alone the networks meet the compiled rule, which takes NumPy's arrays. As operations on tensors it would take a hundred times as long, for no
    ray would end early.
    """
    body = raise_pose(pose_2d, depth)
    bodies = np.concatenate([body, *(mirror_chain(body, chain) for chain in range(len(CHAINS)))])
    label = torch.from_numpy(label_limbs(bodies, *rule))
    return label.to(depth.device).view(_BODIES, -1, len(LIMBS)).transpose(0, 1)


def mirror_depth(depth: Tensor, chosen: Tensor) -> Tensor:
    """Depths (B, 17) of joints whose chosen chains, (B, 4) bool, are mirrored about where they hang."""
    moved = chosen.float() @ _MOVES.to(depth.device) > 0
    return torch.where(moved, 2 * depth[:, _ROOT.to(depth.device)] - depth, depth)


def chain_means(value: Tensor) -> Tensor:
    """Values of the joints (B, 17) to their means over the joints that move with each chain, (B, 4)."""
    moves = _MOVES.to(value.device)
    return value @ (moves / moves.sum(dim=1, keepdim=True)).t()


def raise_pose(pose_2d: Tensor, depth: Tensor) -> np.ndarray:
    """The body with these depths (B, 17) mm, as a camera `AWAY` sees it: (B, 17, 3) float64, mm, camera frame; a missing joint is at its parent.

    pose_2d : (B, 17, 2) px
    """
    place = place_joints(pose_2d).cpu().numpy().astype(np.float64)
    for joint, parent in enumerate(H36M_17.parents[1:], start=1):
        missing = np.isnan(place[:, joint]).any(axis=-1)
        place[missing, joint] = place[missing, parent]
    away = AWAY + np.nan_to_num(depth.detach().cpu().numpy().astype(np.float64)).clip(-_DEEPEST, _DEEPEST)[..., None]
    return np.concatenate([np.nan_to_num(place) * away / AWAY, away], axis=-1)


def place_joints(pose_2d: Tensor) -> Tensor:
    """Joints (B, 17, 2) px from the middle of the torso, in mm, as far as the body's size says; NaN where missing."""
    middle = pose_2d[:, TORSO].nanmean(dim=1, keepdim=True)
    return (pose_2d - middle) / body_scale(pose_2d).clamp(min=1e-6)[:, None, None]


def joint_features(pose_2d: Tensor) -> Tensor:
    """What the prior sees of joints (B, 17, 2) px, (B, 51) float32: their places in units of the body, and which of them are known."""
    place = place_joints(pose_2d) / SCALE_2D
    known = ~place.isnan().any(dim=-1, keepdim=True)
    return torch.cat([place.nan_to_num(0.0) * known, known.float()], dim=-1).flatten(1)
