"""Mean colour error on the body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.evaluation.scores.pixels import difference_within
from pipeline.evaluation.scores.score import ImagePairs, Score

if TYPE_CHECKING:
    from torch import Tensor


def mask_l1(pairs: ImagePairs) -> Tensor:
    """Mean absolute difference on the target's body, in [0, 1]; NaN where the image shows none of it."""
    return difference_within(pairs.prediction, pairs.truth, pairs.body)


SCORE = Score("mask_l1", mask_l1, "Mean colour error on the body", better="lower", ideal=0, title="mask L1", place=80, grouped="body error")
