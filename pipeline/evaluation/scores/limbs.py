"""Is a limb that comes to the front whole: painted in its own colours, or a smear of its own and its neighbours'?

The order accuracy asks only which of two truths an image is closer to, which half of a limb's colour is enough for.
"""

from typing import Any

import cv2
import numpy as np

from pipeline.packs.clear import CLEAR_DIFFERENCE
from pipeline.pose.skeleton import LIMB_NAMES
from pipeline.utils.numbers import mean

LEAST = 12  # pixels of a limb, or of a neighbour, whose colour is looked at
REACH = 5  # px: side of the square with which a limb is widened to find what borders it
KEYS = ("limb_l1", "limb_spread", "limb_own", "limb_own_truth")


def judge_limb(painted: np.ndarray, truth: np.ndarray, part: np.ndarray, limb: int, changed: np.ndarray) -> np.ndarray:
    """How one limb was painted, over its pixels that `changed`: (4,) float64 in the order of `KEYS`, NaN where there are too few.

    `limb_l1` is the mean absolute error, a share of the range of colours; `limb_spread` how far the truth's own pixels lie from their median, so
    what one even colour would be wrong by. `limb_own` is the share of the pixels that are nearer to the limb's median colour than to that of any
    part that borders it, and `limb_own_truth` the same of the truth. Both are NaN where no part of another colour borders the limb.

    painted, truth : (H, W, 3) uint8; part : (H, W), 0 is the background, the limb is the part `limb`; changed : (H, W) bool
    """
    mine = (part == limb) & changed
    if mine.sum() < LEAST:
        return np.full(len(KEYS), np.nan)
    own = np.median(truth[mine], axis=0)
    there, here = painted[mine].astype(np.float64), truth[mine].astype(np.float64)
    error, spread = (np.abs(first - second).mean() / 255 for first, second in ((there, here), (here, own)))
    others = _neighbours(truth, part, limb, own)
    shares = [_nearer(pixels, own, others).mean() if len(others) else np.nan for pixels in (there, here)]
    return np.array([error, spread, *shares])


def _neighbours(truth: np.ndarray, part: np.ndarray, limb: int, own: np.ndarray) -> np.ndarray:
    """The median colours (n, 3) of the parts that border the limb and clearly have another colour than `own`."""
    around = cv2.dilate((part == limb).astype(np.uint8), np.ones((REACH, REACH), np.uint8)) > 0
    numbers, pixels = np.unique(part[around & (part != limb)], return_counts=True)
    colours = np.array([np.median(truth[part == number], axis=0) for number in numbers[pixels >= LEAST]]).reshape(-1, 3)
    return colours[np.abs(colours - own).mean(axis=1) > 255 * CLEAR_DIFFERENCE]


def _nearer(pixels: np.ndarray, own: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which pixels (n, 3) are nearer to `own` (3,) than to any of `others` (m, 3): (n,) bool, by the sum of absolute differences."""
    return np.abs(pixels - own).sum(axis=1) < np.abs(pixels[:, None] - others).sum(axis=2).min(axis=1)


def limb_figures(judged: np.ndarray, limb: np.ndarray) -> dict[str, Any]:
    """The mean of each score over the limbs, and by limb with the number of cases.

    judged : (n, 4) as `judge_limb` gives them; limb : (n,) int, in the order of `skeleton.LIMB_NAMES`
    """
    by_limb = {}
    for number, name in enumerate(LIMB_NAMES):
        rows = judged[limb == number]
        by_limb[name] = dict(zip(KEYS, map(mean, rows.T), strict=True)) | {"cases": int(np.isfinite(rows[:, 0]).sum())}
    means = (mean(np.array([one[key] for one in by_limb.values()], dtype=float)) for key in KEYS)
    return dict(zip(KEYS, means, strict=True)) | {"limbs": by_limb}
