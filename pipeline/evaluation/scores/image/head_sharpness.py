"""Strength of edges in the square around the head, compared with the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.evaluation.scores.heads import of_heads
from pipeline.evaluation.scores.image.sharpness import sharpness
from pipeline.evaluation.scores.score import ImagePairs, Score

if TYPE_CHECKING:
    from torch import Tensor


def head_sharpness(pairs: ImagePairs) -> Tensor:
    """`sharpness` of the square around the head, as `of_heads` cuts it out; NaN where nobody knows the head."""
    return of_heads(sharpness, pairs)


SCORE = Score(
    "head_sharpness",
    head_sharpness,
    "Strength of edges in the square around the head, compared with the truth",
    better="nearer to the ideal",
    ideal=1,
    title="head sharpness",
    place=106,
)
