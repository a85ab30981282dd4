"""Twins: the same 2D skeleton with one arm or leg mirrored in depth, so that the order of the limbs is reversed."""

from dataclasses import replace

import numpy as np

from pipeline.datasets.synthetic.rig import ARMS, LEGS, Pose
from pipeline.pose.camera import Camera
from pipeline.pose.skeleton import CHAIN_LIMBS, CHAINS

DIFFERENT = 16  # mean difference over RGB, grey levels, from which on two pixels differ clearly
PIXELS = 30  # pixels of the whole picture that must differ clearly


def mirror_chain(pose: Pose, chain: int, camera: Camera) -> Pose:
    """Mirror a limb chain (index in `skeleton.CHAINS`) in depth about its root joint.

    Each point moves along its own camera ray from depth z to 2 z_root - z, the tips of hand and foot too, so the picture of the
    skeleton stays the same. Bones change their length a little.
    """
    root, *moving = CHAINS[chain]
    depth = camera.to_camera(pose.joints[:, root])[:, 2]
    joints = pose.joints.copy()
    joints[:, moving] = _mirror(joints[:, moving], depth[:, None], camera)
    tips = ("fingers",) if any(root in arm for arm in ARMS) else ("heels", "toes")
    side = [joint[0] for joint in (ARMS if tips == ("fingers",) else LEGS)].index(root)
    changed = {}
    for name in tips:
        changed[name] = getattr(pose, name).copy()
        changed[name][:, side] = _mirror(changed[name][:, side], depth, camera)
    return replace(pose, joints=joints, **changed)


def _mirror(points: np.ndarray, about: np.ndarray, camera: Camera) -> np.ndarray:
    """Points (..., 3) in mm, world frame, mirrored along their rays about the depth `about` (...)."""
    seen = camera.to_camera(points)
    mirrored = np.maximum(2 * about - seen[..., 2], 100.0)
    return camera.to_world(seen * (mirrored / seen[..., 2])[..., None])


def labels_differ(original: np.ndarray, twin: np.ndarray, chain: int) -> np.ndarray:
    """Whether a limb of the mirrored chain has another label, (...) bool, for labels (..., 8)."""
    limbs = list(CHAIN_LIMBS[chain])
    return (original[..., limbs] != twin[..., limbs]).any(axis=-1)


def pictures_differ(original: np.ndarray, twin: np.ndarray) -> bool:
    """Whether two pictures (H, W, 3) uint8 differ clearly in enough pixels."""
    difference = np.abs(original.astype(np.int16) - twin).mean(axis=-1)
    return int((difference >= DIFFERENT).sum()) >= PIXELS
