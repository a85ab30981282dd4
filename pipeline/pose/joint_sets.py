"""Joint sets of other people's data, and how they become those of the project (`skeleton.py`)."""

import numpy as np

from pipeline.pose.skeleton import COCO_18

COCO_17 = (
    "nose",
    *(f"{side}_{part}" for part in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle") for side in ("left", "right")),
)


def to_18(points: np.ndarray) -> np.ndarray:
    """(17, 2) keypoints of COCO to the 18 of `skeleton.COCO_18`: the neck lies between the shoulders."""
    named = dict(zip(COCO_17, points, strict=True))
    named["neck"] = (named["left_shoulder"] + named["right_shoulder"]) / 2
    return np.stack([named[name] for name in COCO_18.names])
