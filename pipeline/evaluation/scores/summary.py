"""From scores per pair to the figures of metrics/test.json: means, standard deviations, groups."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.evaluation.scores.declared import GROUPED_SCORES
from pipeline.evaluation.scores.intervals import mean_interval
from pipeline.utils.numbers import deviation, mean, rounded

DISTANCES = ("near", "middle", "far")
DISTANCE_BOUNDS = (1 / 16, 1 / 8)  # of the image's height

# Scores per pair: image -> score -> (P,) floats, NaN where a score is not defined.
Scores = Mapping[str, Mapping[str, np.ndarray]]


def summary(scores: Mapping[str, np.ndarray], identity: np.ndarray) -> dict[str, float | None]:
    """Mean and standard deviation over pairs of each score, as `name` and `name_std`, and the bounds of the mean, as `name_low` and `name_high`.

    identity : (P,) str, the person of each pair; the bounds enclose the mean with 95 % confidence, over the people (`intervals.py`)
    """
    figures: dict[str, float | None] = {}
    for name, values in scores.items():
        low, high = mean_interval(values, identity)
        figures |= {name: mean(values), f"{name}_std": deviation(values), f"{name}_low": rounded(low), f"{name}_high": rounded(high)}
    return figures


def by_group(groups: np.ndarray, scores: Scores, order: Sequence[str] | None = None) -> dict[str, Any]:
    """For each group: how many pairs, and the means of `GROUPED_SCORES` of each image.

    groups : (P,) str, the group of each pair; order : groups to list, present or not (default: those present, sorted).
    """
    return {str(name): _group(groups == name, scores) for name in (order or np.unique(groups))}


def distance_group(distance: np.ndarray, height: int) -> np.ndarray:
    """Name of the pose distance's class: up to 1/16 of the image's height, up to 1/8, and beyond.

    distance : (P,) mean distance of the joints of source and target, px; returns (P,) str of `DISTANCES`.
    """
    return np.asarray(DISTANCES)[np.digitize(distance, [bound * height for bound in DISTANCE_BOUNDS], right=True)]


def _group(chosen: np.ndarray, scores: Scores) -> dict[str, Any]:
    figures: dict[str, Any] = {"pairs": int(chosen.sum())}
    for image, values in scores.items():
        figures[image] = {score.name: mean(values[score.name][chosen]) for score in GROUPED_SCORES}
    return figures
