"""Structural similarity in the square around the head, at about twice the size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.evaluation.scores.heads import of_heads
from pipeline.evaluation.scores.image.ssim import ssim
from pipeline.evaluation.scores.score import ImagePairs, Score

if TYPE_CHECKING:
    from torch import Tensor


def head_ssim(pairs: ImagePairs) -> Tensor:
    """`ssim` of the square around the head, as `of_heads` cuts it out; NaN where nobody knows the head."""
    return of_heads(ssim, pairs)


SCORE = Score(
    "head_ssim",
    head_ssim,
    "Structural similarity in the square around the head, at about twice the size",
    better="higher",
    ideal=1,
    title="head SSIM",
    place=105,
)
