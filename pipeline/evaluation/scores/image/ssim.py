"""Structural similarity of Wang et al. 2004."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.evaluation.scores.score import ImagePairs, Score
from pipeline.evaluation.scores.windowed import GAUSSIAN, windowed_ssim

if TYPE_CHECKING:
    from torch import Tensor


def ssim(pairs: ImagePairs) -> Tensor:
    """Gaussian window 11x11, sigma 1.5, K .01 and .03, range 255, mean over RGB.

    Covariances are those of the population. Only whole windows count: a border of 5 px has no value of its own, as in
    scikit-image's `structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False)`.
    """
    return windowed_ssim(pairs.prediction, pairs.truth, GAUSSIAN)


SCORE = Score(
    "ssim",
    ssim,
    "Structural similarity to the truth (Wang et al. 2004); 1 is equal",
    better="higher",
    ideal=1,
    title="SSIM",
    place=10,
    always=True,
    grouped="SSIM",
)
