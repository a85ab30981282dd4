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
    """Mean SSIM over RGB and all whole windows, (...,) float64, of images (..., 3, H, W).

    weights : (taps,) float64, of the separable window; covariance : scales the population's covariance; span : the range of values, one number,
    or one per image, (..., 1, 1, 1). Products of band matrices, faster than convolutions.
    """
    c1, c2 = (K1 * span) ** 2, (K2 * span) ** 2
    height, width = truth.shape[-2:]
    if min(height, width) < len(weights):
        raise ValueError(f"expected images of at least {len(weights)}x{len(weights)} px for SSIM, got {height}x{width}")
    x, y = prediction.double(), truth.double()
    rows, columns = y.new_tensor(_band(weights, height)), y.new_tensor(_band(weights, width)).T

    def window(values: Tensor) -> Tensor:
        return rows @ values @ columns

    mean_x, mean_y = window(x), window(y)
    variance_x = covariance * (window(x * x) - mean_x * mean_x)
    variance_y = covariance * (window(y * y) - mean_y * mean_y)
    covariance_xy = covariance * (window(x * y) - mean_x * mean_y)
    above = (2 * mean_x * mean_y + c1) * (2 * covariance_xy + c2)
    below = (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    return (above / below).mean((-3, -2, -1))


def _band(weights: np.ndarray, size: int) -> np.ndarray:
    """(size - taps + 1, size): row i holds the window that begins at i."""
    steps = size - len(weights) + 1
    offset = np.arange(size)[None, :] - np.arange(steps)[:, None]
    inside = (offset >= 0) & (offset < len(weights))
    return np.where(inside, weights[offset.clip(0, len(weights) - 1)], 0.0)
