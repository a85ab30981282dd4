"""How sharp an image is, compared with the truth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pipeline.evaluation.scores.pixels import grey
from pipeline.evaluation.scores.score import ImagePairs, Score

if TYPE_CHECKING:
    from torch import Tensor


def sharpness(pairs: ImagePairs) -> Tensor:
    """Mean gradient magnitude of the prediction's grey levels over the truth's: 1 is as sharp as the truth. NaN where the truth is flat."""
    steepness = _steepness(pairs.truth)
    return (_steepness(pairs.prediction) / steepness).where(steepness > 0, math.nan)


def _steepness(images: Tensor) -> Tensor:
    """Mean magnitude of the gradient of the grey levels, by differences to the next row and column."""
    levels = grey(images)
    down = levels[..., 1:, :-1] - levels[..., :-1, :-1]
    right = levels[..., :-1, 1:] - levels[..., :-1, :-1]
    return down.hypot(right).mean((-2, -1))


SCORE = Score(
    "sharpness",
    sharpness,
    "Strength of edges compared with the truth; 1 is as sharp",
    better="nearer to the ideal",
    ideal=1,
    title="sharpness",
    place=100,
)
