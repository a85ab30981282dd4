"""Mean colour error beside the body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.evaluation.scores.pixels import difference_within
from pipeline.evaluation.scores.score import ImagePairs, Score

if TYPE_CHECKING:
    from torch import Tensor


def outside_l1(pairs: ImagePairs) -> Tensor:
    """Mean absolute difference where the target's body is not, in [0, 1]; NaN where it is everywhere."""
    return difference_within(pairs.prediction, pairs.truth, ~pairs.body)


SCORE = Score(
    "outside_l1",
    outside_l1,
    "Mean colour error beside the body",
    better="lower",
    ideal=0,
    title="outside L1",
    place=84,
    grouped="error beside the body",
)
