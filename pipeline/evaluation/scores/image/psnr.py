"""Peak signal-to-noise ratio."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pipeline.evaluation.scores.score import ImagePairs, Score

if TYPE_CHECKING:
    from torch import Tensor


def psnr(pairs: ImagePairs) -> Tensor:
    """Peak signal-to-noise ratio, dB. Equal images count as if one value differed by one level, which keeps the mean finite."""
    squared = (pairs.prediction.double() - pairs.truth.double()).square().mean((-3, -2, -1))
    return 10 * (255**2 / squared.clamp(min=1 / math.prod(pairs.truth.shape[-3:]))).log10()


SCORE = Score("psnr", psnr, "Peak signal-to-noise ratio, dB", better="higher", ideal=None, title="PSNR", place=60, always=True)
