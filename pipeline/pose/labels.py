"""Labels as people give them: limb by limb in front (1), in the torso's plane (0), occluded (-1), or unlabelled (None).

None has the same meaning wherever people give labels: nobody has said it. An empty cell of `depth.csv`, `null` on the page, and `null` or nothing
at all in a pose file are read as None. Packs and networks know no None: `known_labels` is the one place where it becomes 0.
"""

import numpy as np

from pipeline.pose.skeleton import LIMB_NAMES, LIMBS

Labels = tuple[int | None, ...]  # of the eight limbs, in the order of `skeleton.LIMB_NAMES`
UNLABELLED: Labels = (None,) * len(LIMB_NAMES)


def known_labels(labels: Labels, pose_2d: np.ndarray) -> np.ndarray:
    """(8,) int8 for networks: 0 where nobody has labelled the limb, or where one of its joints is missing (NaN) from `pose_2d` (17, 2)."""
    there = ~np.isnan(pose_2d[:, 0])
    return np.array([label if label is not None and there[list(limb)].all() else 0 for label, limb in zip(labels, LIMBS, strict=True)], np.int8)
