"""Somebody standing in an image of 128 x 64 px, and two who stand side by side in one of twice the width."""

import numpy as np

from pipeline.pose.skeleton import H36M_17

_PLACES = {
    "hips": (32, 64),
    "right_hip": (27, 64),
    "right_knee": (25, 88),
    "right_ankle": (24, 112),
    "left_hip": (37, 64),
    "left_knee": (40, 88),
    "left_ankle": (42, 112),
    "spine": (32, 50),
    "thorax": (32, 34),
    "nose": (33, 24),
    "head": (32, 14),
    "left_shoulder": (41, 36),
    "left_elbow": (48, 50),
    "left_wrist": (52, 64),
    "right_shoulder": (23, 36),
    "right_elbow": (15, 50),
    "right_wrist": (10, 62),
}
STANDING = np.array([_PLACES[name] for name in H36M_17.names], np.float64)


def two_people(apart: float = 62) -> tuple[np.ndarray, np.ndarray]:
    """The same person twice, the second mirrored and `apart` px to the right."""
    mirrored = (STANDING * (-1, 1) + (63, 0))[list(H36M_17.flip)]
    return STANDING, mirrored + np.array((apart, 0))
