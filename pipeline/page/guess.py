"""A first guess of the labels, for the hand to put right: from 3D poses, from depths that a lifter infers without labels, or from a file of such."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from pipeline.config.pose import PoseConfig
from pipeline.datasets.photos.poses import label_poses, read_poses_3d
from pipeline.datasets.videos.guesses import NO_GUESS, DepthGuess, read_guesses
from pipeline.pose.bodies.pose_space import label_limbs
from pipeline.pose.labels import UNLABELLED, Labels
from pipeline.pose.skeleton import H36M_17, LIMBS, TORSO

DRAWS = 64  # of depths, for the confidence of a guess
DEPTH_ERROR = 100.0  # mm, by which the depth of a joint is drawn beside that of the lifter, as a standard deviation
Guess = Callable[[str, np.ndarray], Labels | None]  # name and pose_2d (17, 2) px of a photo


def guess_from_3d(path: Path, rule: PoseConfig) -> Guess:
    """Guesses for the photos whose 3D poses are in the file (`photos.poses`), by the label rule."""
    labels: Mapping[str, Labels] = label_poses(read_poses_3d(path), rule)
    return lambda name, _: labels.get(name)


def guess_from_lifter(path: Path, rule: PoseConfig) -> Guess:
    """Guesses for photos whose torso and some limb are known: the lifter says how bodies with these joints usually lie."""
    guess = confident_guess(path, rule)
    return lambda _, pose_2d: _said(guess(pose_2d).labels)


def guess_from_file(folder: Path) -> Guess | None:
    """The guesses that lie in a folder of photos, as an import leaves them; None where there are none."""
    guesses = read_guesses(folder)
    return (lambda name, _: guesses.get(name)) if guesses else None


def confident_guess(path: Path, rule: PoseConfig) -> Callable[[np.ndarray], DepthGuess]:
    """What guesses the labels of pose_2d (17, 2) px with the lifter of a file, and says how sure they are.

    The depths are drawn again, `DRAWS` times, about those of the lifter and as far beside them as it usually is. A label is as sure as the share of
    draws that have it.
    """
    import torch

    from pipeline.networks.checkpoint import load_network
    from pipeline.networks.lifter import Lifter, raise_pose

    lifter = load_network(path, Lifter)
    noise = np.random.default_rng(0).normal(0, DEPTH_ERROR, (DRAWS, len(H36M_17))).astype(np.float32)
    noise[0] = 0

    @torch.inference_mode()
    def guess(pose_2d: np.ndarray) -> DepthGuess:
        there = ~np.isnan(pose_2d[:, 0])
        known = [bool(there[list(limb)].all()) for limb in LIMBS]
        if not there[list(TORSO)].all() or not any(known):
            return NO_GUESS
        pose = torch.from_numpy(pose_2d)[None]
        bodies = raise_pose(pose.expand(DRAWS, -1, -1), lifter.infer_prior(pose) + torch.from_numpy(noise))
        labels = label_limbs(bodies, rule.torso_thickness, rule.limb_radius)
        sure = (labels == labels[0]).mean(axis=0)
        return DepthGuess(tuple(int(label) if there else None for label, there in zip(labels[0], known, strict=True)), float(sure[known].min()))

    return guess


def _said(labels: Labels) -> Labels | None:
    return None if labels == UNLABELLED else labels
