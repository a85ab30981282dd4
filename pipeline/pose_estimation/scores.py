"""Scores of estimated poses by their published names: estimate first, truth second. NaN is a joint that was not found, or has no truth."""

from collections.abc import Sequence

import numpy as np

from pipeline.pose.skeleton import COCO_18, H36M_17, skeleton_of
from pipeline.pose_estimation.decode import Person

PCKH_SHARE = 0.5  # of the head, PCKh@0.5
THRESHOLDS = np.arange(0.5, 0.951, 0.05)  # of the object keypoint similarity
RECALLS = np.linspace(0, 1, 101)
AREA = 0.53  # of the box around the joints: a person's area, where no outline is known, as in the CrowdPose tools
# COCO's standard deviations of the same annotation made twice (cocodataset.org, keypoint evaluation); joints without one do not count.
SIGMAS = {
    "nose": 0.026,
    "eye": 0.025,
    "ear": 0.035,
    "shoulder": 0.079,
    "elbow": 0.072,
    "wrist": 0.062,
    "hip": 0.107,
    "knee": 0.087,
    "ankle": 0.089,
}


def sigmas(joints: int) -> np.ndarray:
    """COCO's deviations of the joints of a joint set, (J,), NaN for those that COCO has not."""
    return np.array([SIGMAS.get(name.rpartition("_")[2], np.nan) for name in skeleton_of(joints).names])


def head_size(truth: np.ndarray) -> np.ndarray:
    """The length that PCKh measures with, (N,) px, of poses (N, J, 2): from the thorax to the head's top, or, of COCO's keypoints, the longer side
    of the box around nose, neck, eyes and ears (as PATN's code has it). NaN where these joints are missing.
    """
    if truth.shape[1] == len(H36M_17):
        return np.linalg.norm(truth[:, H36M_17.index("head")] - truth[:, H36M_17.index("thorax")], axis=-1)
    head = truth[:, [COCO_18.index(name) for name in ("nose", "neck", "right_eye", "left_eye", "right_ear", "left_ear")]]
    known = ~np.isnan(head[..., 0])
    low, high = (np.where(known[..., None], head, edge) for edge in (np.inf, -np.inf))
    size = (high.max(axis=1) - low.min(axis=1)).max(axis=-1)
    return np.where(known.sum(axis=1) >= 2, size, np.nan)


def pckh_hits(estimate: np.ndarray, truth: np.ndarray, size: np.ndarray | None = None) -> np.ndarray:
    """Whether joints lie within half a head of the truth: (N, J) float64, 1 or 0, NaN without truth; a joint that was not found is 0.

    estimate, truth : (N, J, 2) px; size : the heads, (N,) px, where they are not those of the truth
    """
    size = head_size(truth) if size is None else size
    with np.errstate(invalid="ignore"):
        hits = (np.linalg.norm(estimate - truth, axis=-1) <= PCKH_SHARE * size[:, None]).astype(np.float64)
    hits[np.isnan(truth[..., 0]) | np.isnan(size)[:, None]] = np.nan
    return hits


def pckh(estimate: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """PCKh@0.5 of each pose, (N,): the share of its joints that are hit, NaN where none has a truth."""
    hits = pckh_hits(estimate, truth)
    known = ~np.isnan(hits)
    count = known.sum(axis=1)
    return np.where(count > 0, np.where(known, hits, 0).sum(axis=1) / np.maximum(count, 1), np.nan)


def similarity(estimate: np.ndarray, truth: np.ndarray) -> float:
    """Object keypoint similarity of two poses (J, 2): the mean of exp(-d^2 / (2 area (2 sigma)^2)); a joint that was not found is 0."""
    known = ~np.isnan(truth[:, 0])
    counted = known & ~np.isnan(sigmas(len(truth)))
    if not counted.any():
        return float("nan")
    area = AREA * np.prod(np.ptp(truth[known], axis=0))
    squared = ((estimate - truth) ** 2).sum(axis=-1)[counted]
    spread = 2 * max(area, 1e-6) * (2 * sigmas(len(truth))[counted]) ** 2
    return float(np.nan_to_num(np.exp(-squared / spread), nan=0.0).mean())


def average_precision(found: Sequence[Sequence[Person]], truth: Sequence[Sequence[np.ndarray]]) -> float:
    """OKS-AP as COCO defines it: precision averaged over 101 recalls and ten thresholds of similarity. Image by image: found and true people."""
    people = sum(len(poses) for poses in truth)
    table = [np.array([[similarity(person.pose_2d, pose) for pose in poses] for person in one]) for one, poses in zip(found, truth, strict=True)]
    order = sorted(((person.score, image, number) for image, one in enumerate(found) for number, person in enumerate(one)), key=lambda item: -item[0])
    return float(np.mean([_precision(table, order, people, threshold) for threshold in THRESHOLDS])) if people else float("nan")


def _precision(table: Sequence[np.ndarray], order: Sequence[tuple[float, int, int]], people: int, threshold: float) -> float:
    """Average precision where a person counts as found from `threshold` on; each true person can be found once."""
    taken: set[tuple[int, int]] = set()
    right = np.zeros(len(order))
    for place, (_, image, number) in enumerate(order):
        row = table[image][number] if table[image].size else np.zeros(0)
        free = [(value, pose) for pose, value in enumerate(row) if (image, pose) not in taken and value >= threshold]
        if free:
            taken.add((image, max(free)[1]))
            right[place] = 1
    hits: np.ndarray = right.cumsum()
    precision = hits / np.arange(1, len(order) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    reached = np.searchsorted(hits / people, RECALLS - 1e-12)
    return float(np.append(precision, 0.0)[np.minimum(reached, len(order))].mean())
