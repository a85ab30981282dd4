"""Scores of heads: what a score says of the squares around them, at about twice their size."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from pipeline.evaluation.scores.score import ImagePairs

if TYPE_CHECKING:
    from torch import Tensor

LEAST = 16  # px of a square: below, SSIM has no window


def of_heads(score: Callable[[ImagePairs], Tensor], pairs: ImagePairs) -> Tensor:
    """The score of both images' squares around the head, (...,) float64; NaN where there is none, and of squares below `LEAST` px."""
    heads = pairs.heads
    if heads is None or heads.truth.shape[-1] < LEAST:
        return (pairs.prediction[..., 0, 0, 0] + pairs.truth[..., 0, 0, 0]).double() * math.nan
    everywhere = (heads.truth[..., :1, :, :] >= 0).bool()
    found = score(ImagePairs(heads.prediction, heads.truth, everywhere, everywhere))
    return found.where(heads.known, math.nan)
