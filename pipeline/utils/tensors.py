"""Images between arrays and networks: (B, H, W, 3) uint8 RGB here, (B, 3, H, W) float32 in [-1, 1] there."""

import numpy as np
import torch
from torch import Tensor


def to_image(image: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """(B, H, W, 3) uint8 RGB to (B, 3, H, W) float32 in [-1, 1]."""
    return torch.from_numpy(image).to(device).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def to_layer(image: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """(B, H, W, 4) uint8, RGB and 255 where they are known, to (B, 4, H, W) float32: colours in [-1, 1] and 1, or 0 all of them."""
    layer = torch.from_numpy(image).to(device).permute(0, 3, 1, 2).float()
    return torch.cat([layer[:, :3] / 127.5 - 1, torch.ones_like(layer[:, 3:])], dim=1) * (layer[:, 3:] == 255)


def to_uint8(images: Tensor) -> Tensor:
    """Images of floats in [-1, 1], of any shape, as uint8: rounded, and clipped where they lie outside."""
    return ((images.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def as_rows(images: Tensor) -> np.ndarray:
    """(B, 3, H, W) on any device to (B, H, W, 3) in main memory."""
    return images.permute(0, 2, 3, 1).contiguous().cpu().numpy()
