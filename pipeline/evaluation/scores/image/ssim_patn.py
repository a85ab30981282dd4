"""Structural similarity as in PATN's published code for DeepFashion (Zhu et al. 2019), whose tables later papers repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.evaluation.scores.score import ImagePairs, Score
from pipeline.evaluation.scores.windowed import GAUSSIAN, windowed_ssim

if TYPE_CHECKING:
    from torch import Tensor


def ssim_patn(pairs: ImagePairs) -> Tensor:
    """`ssim` of images with white margins, with the range of values of the predicted image for its range.

    Both images get the margins at the sides until they are square (40 px each for 176x256), where any two agree. So 0.67 becomes about 0.77.
    """
    prediction, truth = _square(pairs.prediction), _square(pairs.truth)
    span = prediction.amax((-3, -2, -1)).double() - prediction.amin((-3, -2, -1)).double()
    return windowed_ssim(prediction, truth, GAUSSIAN, span=span)


def _square(images: Tensor) -> Tensor:
    """The images in the middle of white ones that are as wide as high; as they are where they are wider."""
    height, width = images.shape[-2:]
    left = max(height - width, 0) // 2
    square = images.new_full((*images.shape[:-1], max(height, width)), 255)
    square[..., left : left + width] = images
    return square


SCORE = Score(
    "ssim_patn",
    ssim_patn,
    "The same as PATN's code computes it for DeepFashion, with white margins that always agree",
    better="higher",
    ideal=1,
    title="SSIM (PATN)",
    place=40,
    flag="patn",
)
