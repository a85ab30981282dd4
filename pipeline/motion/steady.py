"""Steady in time: what is decided anew in every frame of a motion, decided over all of them.

A label is a matter of a threshold, and so is the lifter's answer whether an arm or a leg points to the camera or away from it. Frame by frame both
flip to and fro where they are in doubt, and what is painted flickers. Here a change has a price: of all ways through a motion the cheapest one is
taken (Viterbi 1967), where each frame costs as much as the state contradicts it. So a state holds until another is clear: through a long doubt, and
against a short one, while what is clear, however short, stays.
"""

from fractions import Fraction

import numpy as np
import torch

from pipeline.networks.lifter import Lifter, mirror_depth
from pipeline.pose.bodies.masks import mask_idle_labels
from pipeline.pose.bodies.pose_space import SHARE
from pipeline.pose.conditioning import Conditioning

LABEL_CHANGE = 0.0025  # share of a limb's silhouette, beyond the threshold, times s, that a change of its label is worth
FLIP_CHANGE = 0.05  # logits of the flip classifier, times s, that mirroring a chain, or ceasing to, is worth
_CHUNK = 64  # poses whose depths are inferred at a time


def steady_labels(shares: np.ndarray, fps: Fraction) -> np.ndarray:
    """Labels (T, 8) int8 of the shares (T, 8, 2) of a motion (`pose_space.limb_shares`), by the label rule wherever it is clear.

    A label costs, in each frame, as much as the shares would have to change until the rule gave it.
    """
    hidden, hiding = np.moveaxis(shares.astype(np.float64) - SHARE, -1, 0)
    occluded = np.maximum(-hidden, 0)
    level = np.maximum(np.maximum(hidden, hiding), 0)
    front = np.maximum(hidden, 0) + np.maximum(-hiding, 0)
    return (cheapest_states(np.stack([occluded, level, front], axis=-1) / float(fps), LABEL_CHANGE) - 1).astype(np.int8)


@torch.inference_mode()
def steady_depths(conditioning: Conditioning, pose_2d: np.ndarray, label: np.ndarray, size: tuple[int, int], fps: Fraction) -> np.ndarray | None:
    """Depths of the joints in each frame of a motion, (T, 17) float32 mm, as `Lifter.forward` gives them; None where no lifter reads the labels.

    pose_2d : (T, 17, 2) px of images of this size (height, width), NaN where a joint is missing; label : (T, 8)
    A state costs, in each frame, as many logits as the flip classifier has against it.
    """
    lifter = conditioning.lifter
    if not isinstance(lifter, Lifter) or lifter.flip is None:
        return None
    parts = []
    for at in range(0, len(pose_2d), _CHUNK):
        body = conditioning.measure(torch.from_numpy(pose_2d[at : at + _CHUNK].astype(np.float32)), size)
        told = mask_idle_labels(body, torch.from_numpy(np.ascontiguousarray(label[at : at + _CHUNK])))
        prior = lifter.infer_prior(body.joint)
        parts.append((prior, lifter.flip(lifter.flip_features(body.joint, prior, told))))
    prior, logit = (torch.cat(values) for values in zip(*parts, strict=True))
    cost = torch.stack([logit, -logit], dim=-1).clamp(min=0).double().numpy() / float(fps)
    return mirror_depth(prior, torch.from_numpy(cheapest_states(cost, FLIP_CHANGE) > 0)).numpy()


def cheapest_states(cost: np.ndarray, change: float) -> np.ndarray:
    """The cheapest way through T frames: the state of each of N things, (T, N) int64.

    cost : (T, N, S) float64, of each of S states in each frame; change : the price of a change of state between two frames
    """
    states = cost.shape[2]
    total, before = cost[0], np.empty(cost.shape, np.int8)
    for frame in range(1, len(cost)):
        best = total.min(axis=1, keepdims=True) + change
        stays = total <= best
        before[frame] = np.where(stays, np.arange(states), total.argmin(axis=1, keepdims=True))
        total = np.where(stays, total, best) + cost[frame]
    way = np.empty(cost.shape[:2], np.int64)
    way[-1] = total.argmin(axis=1)
    for frame in range(len(cost) - 1, 0, -1):
        way[frame - 1] = np.take_along_axis(before[frame], way[frame, :, None], axis=1)[:, 0]
    return way
