"""From confidence maps to joints: where a map peaks, in px of the image."""

import cv2
import numpy as np
from scipy.ndimage import maximum_filter

PEAK = 0.15  # confidence from which on a maximum is a joint
APART = 3  # px of the image; of two peaks that are nearer the higher one counts


def locate(heat: np.ndarray, stride: int) -> np.ndarray:
    """The joints of the one person in an image: the highest peak of each map, (J, 2) float32 px, NaN where it is below `PEAK`."""
    large = enlarge(heat[:-1], stride)
    row, column = np.divmod(large.reshape(len(large), -1).argmax(axis=1), large.shape[2])
    found = np.stack([column, row], axis=1).astype(np.float32)
    found[large.max(axis=(1, 2)) < PEAK] = np.nan
    return found


def enlarge(maps: np.ndarray, stride: int) -> np.ndarray:
    """Maps (C, h, w) at the size of the image, interpolated by cubics: (C, h stride, w stride)."""
    size = maps.shape[2] * stride, maps.shape[1] * stride
    return np.stack([cv2.resize(channel, size, interpolation=cv2.INTER_CUBIC) for channel in maps.astype(np.float32)])


def find_peaks(channel: np.ndarray) -> np.ndarray:
    """(n, 3) float32: x, y and confidence of the maxima of a map."""
    highest = maximum_filter(channel, size=2 * APART + 1, mode="nearest")
    row, column = np.nonzero((channel == highest) & (channel > PEAK))
    return np.stack([column, row, channel[row, column]], axis=1).astype(np.float32)
