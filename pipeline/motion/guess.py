"""Labels of a motion of which 2D joints alone are known: a lifter guesses how deep each joint lies."""

from fractions import Fraction

import numpy as np
import torch

from pipeline.motion.steady import steady_labels
from pipeline.networks.lifter import Lifter, raise_pose
from pipeline.pose.bodies.pose_space import LabelRule, labels_of_shares, limb_shares
from pipeline.pose.skeleton import LIMBS, TORSO

_CHUNK = 256  # poses whose labels are guessed at a time


def guess_labels(pose_2d: np.ndarray, lifter: Lifter, rule: LabelRule, fps: Fraction | None) -> np.ndarray:
    """Labels (T, 8) int8 of poses (T, 17, 2) float32 px, by the depths that the lifter infers; 0 where the torso or the limb is not known.

    fps : of a motion whose labels shall be steady (`steady.steady_labels`), None: each pose is labelled on its own
    """
    shares = np.concatenate([_guess_shares(pose_2d[at : at + _CHUNK], lifter, rule) for at in range(0, len(pose_2d), _CHUNK)])
    label = labels_of_shares(shares) if fps is None else steady_labels(shares, fps)
    there = ~np.isnan(pose_2d[..., 0])
    known = there[:, LIMBS].all(axis=2) & there[:, TORSO].all(axis=1)[:, None]
    return np.where(known, label, 0).astype(np.int8)


@torch.inference_mode()
def _guess_shares(pose_2d: np.ndarray, lifter: Lifter, rule: LabelRule) -> np.ndarray:
    pose = torch.from_numpy(pose_2d)
    return limb_shares(raise_pose(pose, lifter.infer_prior(pose)), *rule)
