"""A first guess of the labels, for the hand to put right: from 3D poses, or from depths that a lifter infers without labels."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from pipeline.config.pose import PoseConfig
from pipeline.datasets.photos.hand_labels import Labels
from pipeline.datasets.photos.poses import label_poses, read_poses_3d

Guess = Callable[[str, np.ndarray], Labels | None]  # name and pose_2d (17, 2) px of a photo


def guess_from_3d(path: Path, rule: PoseConfig) -> Guess:
    """Guesses for the photos whose 3D poses are in the file (`photos.poses`), by the label rule."""
    labels: Mapping[str, Labels] = label_poses(read_poses_3d(path), rule)
    return lambda name, _: labels.get(name)


def guess_from_lifter(path: Path, rule: PoseConfig) -> Guess:
    """Guesses for photos all of whose joints are known: the lifter says how bodies with these joints usually lie."""
    import torch

    from pipeline.networks.checkpoint import load_network
    from pipeline.networks.lifter import Lifter, raise_pose

    lifter = load_network(path, Lifter)

    @torch.inference_mode()
    def guess(name: str, pose_2d: np.ndarray) -> Labels | None:
        if np.isnan(pose_2d).any():
            return None
        pose = torch.from_numpy(pose_2d)[None]
        return label_poses({name: raise_pose(pose, lifter.infer_prior(pose))[0]}, rule)[name]

    return guess
