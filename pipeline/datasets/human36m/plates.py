"""Plates: what a camera that stands still shows where the person is not, from all that it took of a subject."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pipeline.packs.frame_store import FrameStore
from pipeline.pose.crop import crop_image
from pipeline.pose.skeleton import H36M_17

SAMPLES = 60  # pictures that the median is over, spread over all of a camera's
ENOUGH = 3  # of them have to show a place without the person
BODY, FOOT = 0.18, 0.14  # width around a bone and radius around an ankle that count as the person, of the extent of the joints
_ANKLES = [H36M_17.index(f"{side}_ankle") for side in ("left", "right")]


@dataclass(frozen=True)
class Take:
    """One video of a camera: its stored frames, the size of the video (width, height) px, and the joints (n, 17, 2) in it, px."""

    frames: Path
    size: tuple[int, int]
    pose_2d: np.ndarray


def make_plate(takes: Sequence[Take]) -> np.ndarray:
    """The median of what a camera's pictures show beside the person: (h, w, 4) uint8, RGB and 255 where it is known, as large as stored frames.

    All takes are of one size; what no picture shows is black.
    """
    pictures = [(take, row) for take in takes for row in range(len(take.pose_2d))]
    chosen = np.unique(np.linspace(0, len(pictures) - 1, SAMPLES).astype(int))
    shown = np.array([_without_person(*pictures[number]) for number in chosen])  # (S, h, w, 3), NaN on the person
    known = np.isfinite(shown[..., 0]).sum(axis=0) >= min(ENOUGH, len(shown))
    plate = np.zeros((*known.shape, 4), np.uint8)
    plate[known, :3] = np.rint(np.nanmedian(shown[:, known], axis=0))
    plate[known, 3] = 255
    return plate


def _without_person(take: Take, row: int) -> np.ndarray:
    """A stored frame, (h, w, 3) float32, that is NaN on the person."""
    with FrameStore(take.frames) as store:
        image = store[row].astype(np.float32)
    scale = np.array(image.shape[1::-1]) / take.size
    joints = (take.pose_2d[row] + 0.5) * scale - 0.5
    extent = float(np.ptp(joints, axis=0).max())
    person = np.zeros(image.shape[:2], np.uint8)
    points = np.rint(joints).astype(int).clip(-(2**14), 2**14).tolist()
    for joint, parent in enumerate(H36M_17.parents):
        if parent >= 0:
            cv2.line(person, points[joint], points[parent], 1, max(1, round(BODY * extent)))
    for ankle in _ANKLES:
        cv2.circle(person, points[ankle], max(1, round(FOOT * extent)), 1, cv2.FILLED)
    image[person > 0] = np.nan
    return image


def crop_plate(plate: np.ndarray, box: np.ndarray, size: tuple[int, int], image_size: tuple[int, int]) -> np.ndarray:
    """The plate in one crop, (H, W, 4) uint8; the arguments are those of `crop_image`."""
    image = crop_image(plate[..., :3], box, size, image_size)
    known = crop_image(np.repeat(plate[..., 3:], 3, axis=2), box, size, image_size)[..., :1]
    return np.concatenate([image, np.where(known == 255, 255, 0).astype(np.uint8)], axis=2)
