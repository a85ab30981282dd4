"""Mean colour error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.evaluation.scores.pixels import difference
from pipeline.evaluation.scores.score import ImagePairs, Score

if TYPE_CHECKING:
    from torch import Tensor


def l1(pairs: ImagePairs) -> Tensor:
    """Mean absolute difference over pixels and channels, in [0, 1]."""
    return difference(pairs.prediction, pairs.truth).mean((-3, -2, -1))


SCORE = Score("l1", l1, "Mean colour error, 0 to 1", better="lower", ideal=0, title="L1", place=50, always=True)
