"""Depth scores: do the labels agree with the truth, and does the image show the limb order that it was told?

Limbs are in the order of `skeleton.LIMB_NAMES`, chains (two arms, two legs) in that of `skeleton.CHAIN_NAMES`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.evaluation.scores.intervals import BOUNDS, resample
from pipeline.packs.clear import CLEAR_DIFFERENCE
from pipeline.pose.skeleton import CHAIN_NAMES, LIMBS
from pipeline.utils.numbers import mean, rounded

LABELS = (-1, 0, 1)
DEEP = 100.0  # mm


def label_confusion(label: np.ndarray, truth: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """How often each limb with a true label got each label, over the cases that are counted.

    label, truth : (N, 8) -1, 0 or +1; counted : (N, 8) bool; returns (8, 3, 3) int64: limb, truth, label, each as -1, 0, +1.
    """
    confusion = np.zeros((label.shape[1], 3, 3), dtype=np.int64)
    limb = np.broadcast_to(np.arange(label.shape[1]), label.shape)
    np.add.at(confusion, (limb[counted], truth[counted].astype(int) + 1, label[counted].astype(int) + 1), 1)
    return confusion


def label_accuracy(label: np.ndarray, truth: np.ndarray, clear: np.ndarray) -> dict[str, float | None]:
    """Share of labels that agree with the z-buffer's: of the clear cases, of all, and the mean over true labels (clear cases).

    label, truth : (N, 8) -1, 0 or +1; clear : (N, 8) bool, the truth is not a matter of a few pixels.
    """
    agree = label == truth
    confusion = label_confusion(label, truth, clear).sum(0)
    recall = confusion.diagonal()[confusion.any(1)] / confusion.sum(1)[confusion.any(1)]
    return {
        "label_accuracy": mean(agree[clear].astype(float)),
        "label_accuracy_all": mean(agree.astype(float)),
        "label_accuracy_balanced": mean(recall),
    }


def lift_figures(depth: np.ndarray, pose_2d: np.ndarray, pose_3d: np.ndarray, label: np.ndarray) -> dict[str, float | None]:
    """How well the depths of joints are inferred.

    `lift_error`: mean distance of the inferred depth from the true one, both from the hips, over the joints that are known, mm;
    `lift_error_flat`: the same where all lie as deep as the hips; `lift_sign`: of the limbs with a label other than 0 whose ends
    are at least `DEEP` apart in depth, the share whose nearer end is right.

    depth : (N, 17) mm, away from the camera; pose_2d : (N, 17, 2) px, NaN where missing; pose_3d : (N, 17, 3) mm, camera frame; label : (N, 8)
    """
    inferred, true = (values - values[:, :1] for values in (depth, pose_3d[..., 2]))
    known = ~np.isnan(pose_2d).any(axis=-1)
    known[:, 0] = False  # the hips themselves
    upper, lower = np.transpose(LIMBS)
    inferred_limb, true_limb = (values[:, lower] - values[:, upper] for values in (inferred, true))
    told = (label != 0) & (np.abs(true_limb) >= DEEP)
    return {
        "lift_error": mean(np.abs(inferred - true)[known]),
        "lift_error_flat": mean(np.abs(true)[known]),
        "lift_sign": mean(((inferred_limb > 0) == (true_limb > 0))[told].astype(float)),
    }


def judge_order(painted: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """Is each painted image closer to its own truth than to its twin's?

    The L1 distance is taken over the pixels in which the two truths differ clearly: by more than `CLEAR_DIFFERENCE`, mean over RGB.

    painted : (M, 2, H, W, 3) uint8, painted with the labels of the original and of its twin
    truths : (M, 2, H, W, 3) uint8, the original and its twin
    returns : (M, 2) float64, 1 where it is and 0 where it is not, 0.5 where both are equally close
    """
    clear = clear_pixels(truths[:, 0], truths[:, 1])  # (M, H, W)
    twin = clear.nonzero()[0]
    image, truth = (np.moveaxis(images, 1, -2)[clear] for images in (painted, truths))  # (pixels, 2, 3)
    own, other = np.zeros((2, len(painted), 2), dtype=np.int64)
    np.add.at(own, twin, _difference(image, truth))
    np.add.at(other, twin, _difference(image, truth[:, ::-1]))
    return np.where(own == other, 0.5, (own < other).astype(float))


def clear_pixels(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Where two images (..., H, W, 3) uint8 differ clearly, (..., H, W) bool."""
    return _difference(first, second) > 3 * 255 * CLEAR_DIFFERENCE


def order_accuracy(right: np.ndarray, chain: np.ndarray, counted: np.ndarray, identity: np.ndarray) -> dict[str, Any]:
    """Share of right answers over both members of the twins that count, per chain, and the mean over the chains that have any.

    `order_low` and `order_high` enclose the mean with 95 % confidence, over the people (`intervals.py`).

    right : (M, 2) as `judge_order` gives it; chain : (M,) int; counted : (M,) bool; identity : (M,) str, the person
    """
    chains: dict[str, Mapping[str, Any]] = {}
    for number, name in enumerate(CHAIN_NAMES):
        answers = right[counted & (chain == number)]
        chains[name] = {"order_accuracy": mean(answers), "order_cases": len(answers)}
    sums, cases = _sums(right[counted], chain[counted], identity[counted])
    low, high = _interval(sums, cases)
    return {
        "order_accuracy": rounded(float(_mean_over_chains(sums.sum(0), cases.sum(0)))),
        "order_low": rounded(low),
        "order_high": rounded(high),
        "order_cases": int(counted.sum()),
        "order_left_out": rounded(1 - counted.mean()) if counted.size else None,
        "order_by_chain": chains,
    }


def order_difference(first: np.ndarray, second: np.ndarray, chain: np.ndarray, identity: np.ndarray) -> tuple[float, float, float, float]:
    """The order accuracy of two runs on the same twins, and the bounds that enclose second - first with 95 % confidence, over the same people.

    first, second : (M, 2) as `judge_order` gives them, of twins that count; chain : (M,) int; identity : (M,) str, the person
    """
    (one, cases), (other, _) = (_sums(right, chain, identity) for right in (first, second))
    draws = resample(len(one))
    low, high = np.percentile(_mean_over_chains(draws @ other, draws @ cases) - _mean_over_chains(draws @ one, draws @ cases), BOUNDS)
    means = [float(_mean_over_chains(sums.sum(0), cases.sum(0))) for sums in (one, other)]
    return means[0], means[1], float(low), float(high)


def _sums(right: np.ndarray, chain: np.ndarray, identity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Right answers and answers, each (people, chains) float64."""
    people, person = np.unique(identity, return_inverse=True)
    sums, cases = np.zeros((2, len(people), len(CHAIN_NAMES)))
    np.add.at(sums, (person, chain), right.sum(1))
    np.add.at(cases, (person, chain), right.shape[1])
    return sums, cases


def _interval(sums: np.ndarray, cases: np.ndarray) -> tuple[float, float]:
    """The bounds of `order_accuracy`, from what `_sums` gives; NaN without anybody."""
    people = len(sums)
    if not people:
        return np.nan, np.nan
    draws = resample(people)
    low, high = np.percentile(_mean_over_chains(draws @ sums, draws @ cases), BOUNDS)
    return float(low), float(high)


def _mean_over_chains(sums: np.ndarray, cases: np.ndarray) -> np.ndarray:
    """Mean over the last axis of the shares, of chains with cases; NaN where there is none."""
    shares = np.divide(sums, cases, out=np.zeros_like(sums), where=cases > 0)
    count = (cases > 0).sum(-1)
    return np.divide(shares.sum(-1), count, out=np.full(count.shape, np.nan), where=count > 0)


def _difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(..., H, W, 3) uint8 each; returns the absolute difference summed over RGB, (..., H, W) int64."""
    return np.abs(first.astype(np.int16) - second.astype(np.int16)).sum(-1, dtype=np.int64)
