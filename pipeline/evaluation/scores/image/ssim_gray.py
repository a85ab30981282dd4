"""Structural similarity of whole grey images, as the text of the face report defines it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.evaluation.scores.pixels import grey
from pipeline.evaluation.scores.score import ImagePairs, Score

if TYPE_CHECKING:
    from torch import Tensor


def ssim_gray(pairs: ImagePairs) -> Tensor:
    """One window over the grey levels of the whole image: 4 mx my sxy / ((mx^2 + my^2)(sx^2 + sy^2)), without constants.

    A factor 0/0 counts as 1: two images that are both flat (or both black) agree in it.
    """
    x, y = grey(pairs.prediction).flatten(-2), grey(pairs.truth).flatten(-2)
    mean_x, mean_y = x.mean(-1), y.mean(-1)
    x, y = x - mean_x[..., None], y - mean_y[..., None]
    luminance = _ratio_or_one(2 * mean_x * mean_y, mean_x**2 + mean_y**2)
    return luminance * _ratio_or_one(2 * (x * y).mean(-1), (x * x).mean(-1) + (y * y).mean(-1))


def _ratio_or_one(above: Tensor, below: Tensor) -> Tensor:
    return (above / below).where(below > 0, 1.0)


SCORE = Score(
    "ssim_gray",
    ssim_gray,
    "The same over the whole grey image at once, as the face report defines it",
    better="higher",
    ideal=1,
    title="SSIM (grey)",
    place=30,
    always=True,
)
