"""How steady a film is: what its colours do along the true flow, how its joints jitter, how often its labels change."""

import cv2
import numpy as np


def pixels_of_box(box: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Where the pixels of a crop of `size` (height, width) lie in the picture, (H, W, 2) px; box : (4,) px."""
    row, column = np.indices(size)
    return box[:2] + (np.stack([column, row], axis=-1) + 0.5) * (box[2:] - box[:2]) / np.array(size[::-1])


def along_flow(frames: np.ndarray, place: np.ndarray) -> np.ndarray:
    """How far each frame's colours are from those that the next one has where they have gone: (T - 1, H, W, 3) float32 grey levels, with a sign.

    frames : (T, H, W, 3) uint8; place : (T - 1, H, W, 2) px, where the pixels of each frame are in the next one
    """
    maps = place.astype(np.float32)
    warped = [cv2.remap(frame.astype(np.float32), at[..., 0], at[..., 1], cv2.INTER_LINEAR) for frame, at in zip(frames[1:], maps, strict=True)]
    return np.stack(warped) - frames[:-1].astype(np.float32)


def flicker(change: np.ndarray, seen: np.ndarray) -> float:
    """Mean absolute change of colours along the flow, grey levels, of what is seen in both frames; change as `along_flow` gives it."""
    return float(np.abs(change[seen]).mean())


def warping_error(change: np.ndarray, seen: np.ndarray) -> float:
    """Mean squared change of colours along the flow, colours from 0 to 1 (Lai et al. 2018, with true flow)."""
    return float(((change[seen] / 255) ** 2).mean())


def joint_jitter(joints: np.ndarray) -> float:
    """Mean size of the second difference of joints (T, J, 2) px over time, px; NaN where one is not found does not count."""
    return float(np.nanmean(np.linalg.norm(np.diff(joints, n=2, axis=0), axis=-1)))


def label_flips(label: np.ndarray, fps: float) -> float:
    """Changes of label per second, of all limbs together; label (T, 8)."""
    return float((label[1:] != label[:-1]).sum() * fps / max(len(label) - 1, 1))
