"""Poses drawn for people, in 2.5D colours. Images are (H, W, 3) uint8 RGB."""

from collections.abc import Sequence

import cv2
import numpy as np

from pipeline.pose.skeleton import FACE_CLOSED, FACE_LINES, IBUG_68, LIMBS, NECK_AND_HEAD, TORSO

LABEL_COLOURS = {-1: (47, 92, 214), 0: (47, 158, 68), 1: (214, 48, 49)}  # blue: hidden, green: neither, red: in front
TORSO_COLOUR = (205, 208, 214)
HEAD_COLOUR = (125, 130, 140)
FACE_COLOUR = (47, 92, 214)
SHIFT = 4  # cv2 draws at fractions of a pixel: coordinates times 2 ** SHIFT


def draw_pose(pose_2d: np.ndarray, label: np.ndarray, size: tuple[int, int], scale: int = 3) -> np.ndarray:
    """The skeleton on white, from far to near: occluded limbs blue, those on the torso's plane green, those in front red. Of a face its lines.

    pose_2d : (17, 2) px, or (68, 2); label : (8,) -1, 0, +1, of a face (0,); size : height and width, px
    returns : (scale * height, scale * width, 3)
    """
    canvas = np.full((size[0] * scale, size[1] * scale, 3), 255, dtype=np.uint8)
    if len(pose_2d) == len(IBUG_68):
        return draw_face(canvas, scaled_pose(pose_2d, scale))
    return draw_over(canvas, scaled_pose(pose_2d, scale), label, width=max(2, round(canvas.shape[0] / 55)), torso=True)


def draw_over(image: np.ndarray, pose_2d: np.ndarray, label: np.ndarray, width: int, torso: bool = False) -> np.ndarray:
    """A copy of the image with the skeleton over it; `torso` fills the torso's quadrilateral, else its outline is drawn.

    pose_2d : (17, 2) px of the image, NaN where a joint is missing; label : (8,); width : of a limb, px.
    """
    canvas = image.copy()
    _draw_limbs(canvas, pose_2d, label, -1, width)
    corners, head = _points(pose_2d, TORSO), _points(pose_2d, NECK_AND_HEAD)
    if torso:
        cv2.fillPoly(canvas, corners, TORSO_COLOUR, cv2.LINE_AA, SHIFT)
    else:
        cv2.polylines(canvas, corners, True, TORSO_COLOUR, max(1, width // 2), cv2.LINE_AA, SHIFT)
    cv2.polylines(canvas, head, False, HEAD_COLOUR, width, cv2.LINE_AA, SHIFT)
    for value in (0, 1):
        _draw_limbs(canvas, pose_2d, label, value, width)
    return canvas


def draw_face(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """A copy of the image with the lines of a face over it; landmarks : (68, 2) px of the image, NaN where one is missing."""
    canvas = image.copy()
    for name, line in FACE_LINES:
        cv2.polylines(canvas, _points(landmarks, line), name in FACE_CLOSED, FACE_COLOUR, max(1, canvas.shape[0] // 180), cv2.LINE_AA, SHIFT)
    return canvas


def scaled_pose(pose_2d: np.ndarray, scale: float) -> np.ndarray:
    """Positions in an image that is `scale` times as large; pixel (0, 0) has its centre at (0, 0)."""
    return (pose_2d + 0.5) * scale - 0.5


def _draw_limbs(canvas: np.ndarray, pose_2d: np.ndarray, label: np.ndarray, value: int, width: int) -> None:
    for (upper, lower), given in zip(LIMBS, label, strict=True):
        if given == value and np.isfinite(pose_2d[[upper, lower]]).all():
            ends = _point(pose_2d[upper]), _point(pose_2d[lower])
            cv2.line(canvas, *ends, (255, 255, 255), width + 2, cv2.LINE_AA, SHIFT)
            cv2.line(canvas, *ends, LABEL_COLOURS[value], width, cv2.LINE_AA, SHIFT)


def _points(pose_2d: np.ndarray, joints: Sequence[int]) -> list[np.ndarray]:
    """The joints as one line for cv2; no line where one of them is missing (NaN)."""
    found = np.isfinite(pose_2d[list(joints)]).all()
    return [np.array([_point(pose_2d[joint]) for joint in joints])] if found else []


def _point(position: np.ndarray) -> tuple[int, int]:
    x, y = np.clip(position, -1e4, 1e4) * 2**SHIFT  # far beyond any image, and within what cv2 accepts
    return round(float(x)), round(float(y))
