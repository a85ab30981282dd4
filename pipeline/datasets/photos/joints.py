"""From the 18 keypoints of photos to the 17 joints of the packs, and back.

Twelve joints of arms and legs, the nose, and the neck (the `thorax`) are in both sets. `hips` lie between the hips, the `spine` on the way from
them to the neck. The top of the `head` goes on from the neck beyond both ears, or beyond one ear and the face (eyes, else the nose), or beyond what
is known of them, by shares that were fitted to the built-in photos (mean distance in the picture: 7 mm, 40 mm, 90 mm). The way back leaves out
eyes and ears.
"""

import warnings

import numpy as np

from pipeline.pose.skeleton import COCO_18, H36M_17

SPINE = 0.45  # of the way from hips to neck
# The head's top, in ways from the neck: to the middle of both ears; to the ear and to the face; to the ear alone; to the face alone.
BOTH_EARS, EAR_AND_FACE, ONE_EAR, FACE = 1.66, (0.9, 0.77), 1.54, 1.51
_SAME = [
    (COCO_18.index("neck" if name == "thorax" else name), joint) for joint, name in enumerate(H36M_17.names) if name not in ("hips", "spine", "head")
]
_FROM, _TO = (list(column) for column in zip(*_SAME, strict=True))
_EARS = [COCO_18.index("right_ear"), COCO_18.index("left_ear")]
_EYES = [COCO_18.index("right_eye"), COCO_18.index("left_eye")]
_HIPS = [COCO_18.index("right_hip"), COCO_18.index("left_hip")]


def to_h36m_17(points: np.ndarray) -> np.ndarray:
    """(..., 18, D) keypoints as in `skeleton.COCO_18` to (..., 17, D) joints as in `skeleton.H36M_17`; NaN is missing, and stays so."""
    pose = np.full((*points.shape[:-2], len(H36M_17), points.shape[-1]), np.nan, points.dtype)
    pose[..., _TO, :] = points[..., _FROM, :]
    neck, hips = points[..., COCO_18.index("neck"), :], points[..., _HIPS, :].mean(axis=-2)
    pose[..., H36M_17.index("hips"), :] = hips
    pose[..., H36M_17.index("spine"), :] = hips + SPINE * (neck - hips)
    pose[..., H36M_17.index("head"), :] = neck + _beyond_neck(points - neck[..., None, :])
    return pose


def _beyond_neck(points: np.ndarray) -> np.ndarray:
    """From the neck to the head's top, (..., D), of keypoints (..., 18, D) that are given from the neck; NaN where nothing is known of the head."""
    both, ear, eyes = points[..., _EARS, :].mean(axis=-2), _mean_of_known(points[..., _EARS, :]), _mean_of_known(points[..., _EYES, :])
    face = np.where(np.isnan(eyes), points[..., COCO_18.index("nose"), :], eyes)
    ways = (BOTH_EARS * both, EAR_AND_FACE[0] * ear + EAR_AND_FACE[1] * face, ONE_EAR * ear, FACE * face)
    top = ways[-1]
    for way in reversed(ways[:-1]):
        top = np.where(np.isnan(way), top, way)
    return top


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
