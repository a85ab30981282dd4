"""Mean colour error where limbs overlap something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.evaluation.scores.pixels import difference_within
from pipeline.evaluation.scores.score import ImagePairs, Score

if TYPE_CHECKING:
    from torch import Tensor


def overlap_l1(pairs: ImagePairs) -> Tensor:
    """Mean absolute difference where the target's limbs overlap the torso or each other, in [0, 1]; NaN where none does."""
    return difference_within(pairs.prediction, pairs.truth, pairs.overlap)


SCORE = Score(
    "overlap_l1",
    overlap_l1,
    "Mean colour error where limbs overlap the torso or each other",
    better="lower",
    ideal=0,
    title="L1 where limbs overlap",
    place=90,
)
