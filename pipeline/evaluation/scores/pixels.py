"""What scores ask of pixels: differences and grey levels. Images are uint8 tensors (..., 3, H, W), RGB."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601


def difference(prediction: Tensor, truth: Tensor) -> Tensor:
    """Absolute difference, (..., 3, H, W) float64 in [0, 1]."""
    return (prediction.double() - truth.double()).abs() / 255


def difference_within(prediction: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference inside the mask (..., 1, H, W) bool, (...,) float64 in [0, 1]; NaN where the mask is empty."""
    inside = (difference(prediction, truth).mean(-3, keepdim=True) * mask).sum((-3, -2, -1))
    return inside / mask.sum((-3, -2, -1))


def grey(images: Tensor) -> Tensor:
    """(..., 3, H, W) to (..., H, W) float64, 0 to 255, not rounded."""
    red, green, blue = images.double().unbind(-3)
    return GREY[0] * red + GREY[1] * green + GREY[2] * blue
