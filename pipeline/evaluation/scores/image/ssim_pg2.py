"""Structural similarity as in PG2's published code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.evaluation.scores.score import ImagePairs, Score
from pipeline.evaluation.scores.windowed import windowed_ssim

if TYPE_CHECKING:
    from torch import Tensor


def ssim_pg2(pairs: ImagePairs) -> Tensor:
    """scikit-image's default: uniform window 7x7, sample covariance, range 255, mean over RGB."""
    return windowed_ssim(pairs.prediction, pairs.truth, np.full(7, 1 / 7), covariance=49 / 48)


SCORE = Score(
    "ssim_pg2",
    ssim_pg2,
    "The same as PG2's code computes it, window 7×7",
    better="higher",
    ideal=1,
    title="SSIM (7x7 RGB)",
    place=20,
    always=True,
)
