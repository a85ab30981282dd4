"""Structural similarity of two images, window by window (Wang et al. 2004), for the scores that differ in the window alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

K1, K2 = 0.01, 0.03
_BELL = np.exp(-0.5 * (np.arange(-5, 6, dtype=np.float64) / 1.5) ** 2)
GAUSSIAN = _BELL / _BELL.sum()


def windowed_ssim(prediction: Tensor, truth: Tensor, weights: np.ndarray, covariance: float = 1.0, span: float | Tensor = 255) -> Tensor:
    """Mean SSIM over RGB and all whole windows, (...,) float64, of images (..., 3, H, W) uint8, which may broadcast.

    weights : (taps,) float64, of the separable window; covariance : scales the population's covariance; span : the range of values, one number,
    or one per image, (...,)
    """
    from pipeline.evaluation.scores.ssim_windows import mean_ssim  # it loads torch and numba, of which the report needs neither

    height, width = truth.shape[-2:]
    if min(height, width) < len(weights):
        raise ValueError(f"expected images of at least {len(weights)}x{len(weights)} px for SSIM, got {height}x{width}")
    return mean_ssim(prediction, truth, weights, covariance, (K1 * span) ** 2, (K2 * span) ** 2)
