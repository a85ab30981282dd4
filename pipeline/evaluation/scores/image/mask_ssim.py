"""Structural similarity of the body alone, as in PG2's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.evaluation.scores.score import ImagePairs, Score
from pipeline.evaluation.scores.windowed import GAUSSIAN, windowed_ssim

if TYPE_CHECKING:
    from torch import Tensor


def mask_ssim(pairs: ImagePairs) -> Tensor:
    """`ssim` of both images times the mask of the body, over the whole frame, zeros included."""
    return windowed_ssim(pairs.prediction * pairs.body, pairs.truth * pairs.body, GAUSSIAN)


SCORE = Score(
    "mask_ssim",
    mask_ssim,
    "Structural similarity with everything but the body set to black",
    better="higher",
    ideal=1,
    title="mask SSIM",
    place=70,
)
