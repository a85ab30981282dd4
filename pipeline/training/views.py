"""Views: what the lifter learns from, poses in 3D seen from all around and with arms and legs mirrored in depth.

One recording shows few views and one order of the limbs per pose. Depth is known here, so any number of others follow without a picture: the
person turns about the vertical axis, which is how bodies usually lie. Then arms and legs are mirrored in depth about the shoulder or hip, and the
label rule says what that looks like.
"""

import numpy as np
import torch
from torch import Tensor

from pipeline.config.pose import PoseConfig
from pipeline.pose.bodies.pose_space import label_limbs, labels_differ, mirror_chain
from pipeline.pose.skeleton import CHAINS, H36M_17

TILT = 0.1  # standard deviation of the camera's further tilt, radians
MISSING = 0.1  # share of the poses in which each joint is missing with this probability, too
NEAREST = 500.0  # mm; closer to the camera nobody is recorded
FOCAL_LENGTH = 1000  # px


def make_views(pose_3d: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(M, 17, 3) float64, mm, camera frame: M <= `count` of the poses (N, 17, 3), turned, tilted, and mirrored left to right or not. Those that
    come too near the camera are left out.
    """
    poses = pose_3d[rng.integers(0, len(pose_3d), count)].astype(np.float64)
    hips = poses[:, :1].copy()
    poses = turn(poses - hips, rng.uniform(-np.pi, np.pi, count), rng.normal(0, TILT, count)) + hips
    flipped = rng.random(count) < 0.5
    poses[flipped] = poses[flipped][:, H36M_17.flip] * (-1, 1, 1)
    return poses[poses[..., 2].min(axis=1) > NEAREST]


def turn(pose: np.ndarray, angle: np.ndarray, tilt: np.ndarray) -> np.ndarray:
    """Turn poses (N, 17, 3) about the camera's y axis by `angle` (N,), then about its x axis by `tilt` (N,), radians."""
    x, y, z = np.moveaxis(pose, -1, 0)
    (c, s), (d, t) = ((np.cos(a)[:, None], np.sin(a)[:, None]) for a in (angle, tilt))
    x, z = c * x + s * z, c * z - s * x
    return np.stack([x, d * y - t * z, t * y + d * z], axis=-1)


def mirror_chains(views: np.ndarray, chosen: np.ndarray, pose: PoseConfig) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The poses (N, 17, 3) with those `chosen` chains (N, 4) bool mirrored in depth whose flip is observable, one after the other.

    A flip is observable where it changes the chain's labels: nothing else tells it. Returned are also the labels, (N, 8) int8, and whose flips are
    observable in the end, (N, 4) bool.
    """
    views, observable = views.copy(), np.zeros(chosen.shape, bool)
    label = label_limbs(views, pose.torso_thickness, pose.limb_radius)
    for chain in range(len(CHAINS)):
        rows = np.flatnonzero(chosen[:, chain])
        mirrored, other, differ = _mirror(views[rows], label[rows], chain, pose)
        views[rows[differ]], label[rows[differ]] = mirrored[differ], other[differ]
    for chain in range(len(CHAINS)):
        observable[:, chain] = _mirror(views, label, chain, pose)[2]
    return views, label, observable


def _mirror(views: np.ndarray, label: np.ndarray, chain: int, pose: PoseConfig) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Poses (N, 17, 3) with a chain mirrored, their labels, and whether that changes the chain's: not where it comes too near the camera."""
    mirrored, other = mirror_chain(views, chain), label.copy()
    far = mirrored[..., 2].min(axis=1) > NEAREST
    other[far] = label_limbs(mirrored[far], pose.torso_thickness, pose.limb_radius)
    return mirrored, other, labels_differ(label, other, np.full(len(label), chain))


def joints_of(views: np.ndarray) -> Tensor:
    """The joints of poses (N, 17, 3) in an image, (N, 17, 2) float32 px."""
    return torch.from_numpy((FOCAL_LENGTH * views[..., :2] / views[..., 2:]).astype(np.float32))


def depths_of(views: np.ndarray) -> Tensor:
    """The depths of joints from the hips, (N, 17) float32 mm."""
    return torch.from_numpy((views[..., 2] - views[:, :1, 2]).astype(np.float32))


def perturb(pose_2d: Tensor, noise: float, rng: np.random.Generator) -> Tensor:
    """Joints (N, 17, 2) that are a little off, by `noise` shares of the body's extent, and now and then missing (NaN)."""
    extent = pose_2d.amax(dim=1, keepdim=True) - pose_2d.amin(dim=1, keepdim=True)
    moved = pose_2d + torch.from_numpy(rng.normal(0, noise, pose_2d.shape).astype(np.float32)) * extent.amax(dim=2, keepdim=True)
    missing = (rng.random((len(moved), 1)) < MISSING) & (rng.random(moved.shape[:2]) < MISSING)
    return moved.masked_fill(torch.from_numpy(missing)[..., None], torch.nan)
