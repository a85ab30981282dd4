"""From the 18 keypoints of photos to the 17 joints of the packs, and back.

Twelve joints of arms and legs, the nose, and the neck (the `thorax`) are in both sets. `hips` lie between the hips, the `spine` on the way from
them to the neck, and the top of the `head` goes on from the neck through the ears, or through eyes and nose where no ear is known, by shares
that were fitted to the built-in people (mean distance 12 mm with ears, 140 mm without). The way back leaves out eyes and ears.
"""

import warnings

import numpy as np

from pipeline.skeleton import COCO_18, H36M_17

SPINE = 0.45  # of the way from hips to neck
BEYOND_EARS, BEYOND_FACE = 1.64, 1.24  # the head's top, of the way from the neck to the ears, or to eyes and nose
_SAME = [
    (COCO_18.index("neck" if name == "thorax" else name), joint) for joint, name in enumerate(H36M_17.names) if name not in ("hips", "spine", "head")
]
_FROM, _TO = (list(column) for column in zip(*_SAME, strict=True))
_EARS = [COCO_18.index("right_ear"), COCO_18.index("left_ear")]
_FACE = [COCO_18.index("right_eye"), COCO_18.index("left_eye"), COCO_18.index("nose")]
_HIPS = [COCO_18.index("right_hip"), COCO_18.index("left_hip")]


def to_h36m_17(points: np.ndarray) -> np.ndarray:
    """(..., 18, D) keypoints as in `skeleton.COCO_18` to (..., 17, D) joints as in `skeleton.H36M_17`; NaN is missing, and stays so."""
    pose = np.full((*points.shape[:-2], len(H36M_17), points.shape[-1]), np.nan, points.dtype)
    pose[..., _TO, :] = points[..., _FROM, :]
    neck, hips = points[..., COCO_18.index("neck"), :], points[..., _HIPS, :].mean(axis=-2)
    by_ears = neck + BEYOND_EARS * (_mean_of_known(points[..., _EARS, :]) - neck)
    by_face = neck + BEYOND_FACE * (_mean_of_known(points[..., _FACE, :]) - neck)
    pose[..., H36M_17.index("hips"), :] = hips
    pose[..., H36M_17.index("spine"), :] = hips + SPINE * (neck - hips)
    pose[..., H36M_17.index("head"), :] = np.where(np.isnan(by_ears), by_face, by_ears)
    return pose


def to_coco_18(pose: np.ndarray) -> np.ndarray:
    """(..., 17, D) joints to (..., 18, D) keypoints; eyes and ears are missing (NaN)."""
    points = np.full((*pose.shape[:-2], len(COCO_18), pose.shape[-1]), np.nan, pose.dtype)
    points[..., _FROM, :] = pose[..., _TO, :]
    return points


def _mean_of_known(points: np.ndarray) -> np.ndarray:
    """(..., K, D) to (..., D): the mean of those that are known, NaN where none is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # nothing known: NaN is the answer
        return np.nanmean(points, axis=-2)
