"""The truth of the labels: which limbs are hidden and which hide others, from one depth buffer per part of the body."""

import numpy as np

from pipeline.datasets.synthetic.body import LIMB, TORSO
from pipeline.pose.skeleton import LIMBS
from pipeline.utils.compiled import compiled

SHARE = 0.25  # of a limb's silhouette
UNCLEAR = (0.15, 0.35)

# Which limbs share a joint; those are never counted against each other.
ADJACENT = np.array([[bool(set(first) & set(second)) for second in LIMBS] for first in LIMBS])


def label_truth(depths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels of the eight limbs, (8,) int8, and whether they are beyond doubt, (8,) bool.

    depths : (parts, H, W) float32, distance of the front of each part (`body.TORSO`, `body.LIMB` and following), infinite where it is not

    With the torso and the limbs that share no joint with it as others: a limb is occluded (-1) if others lie before it on at least a
    quarter of its own silhouette; otherwise in front (+1) if it lies before others on an area of at least a quarter of its own
    silhouette; otherwise 0. Clear where neither share lies within 0.15 to 0.35. A limb that is out of sight gets 0, not clear.
    """
    hidden, hides, own = _count(depths, ADJACENT)
    seen = own > 0
    shares = np.stack([hidden, hides]) / np.maximum(own, 1)
    label = np.where(shares[0] >= SHARE, -1, np.where(shares[1] >= SHARE, 1, 0))
    doubtful = ((shares > UNCLEAR[0]) & (shares < UNCLEAR[1])).any(axis=0)
    return np.where(seen, label, 0).astype(np.int8), seen & ~doubtful


@compiled
def _count(depths, adjacent):  # type: ignore[no-untyped-def]
    """Pixels of each limb's silhouette: hidden by others, hiding others, and all of them. Three (8,) int64."""
    limbs = len(adjacent)
    hidden, hides, own = np.zeros(limbs, np.int64), np.zeros(limbs, np.int64), np.zeros(limbs, np.int64)
    for y in range(depths.shape[1]):
        for x in range(depths.shape[2]):
            for limb in range(limbs):
                depth = depths[LIMB + limb, y, x]
                if not np.isfinite(depth):
                    continue
                own[limb] += 1
                torso = depths[TORSO, y, x]
                before, behind = torso < depth, np.isfinite(torso) and torso > depth
                for other in range(limbs):
                    there = depths[LIMB + other, y, x]
                    if not adjacent[limb, other] and np.isfinite(there):
                        before = before or there < depth
                        behind = behind or there > depth
                hidden[limb] += before
                hides[limb] += behind
    return hidden, hides, own
