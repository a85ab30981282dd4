"""What stands around the target's person, brought from elsewhere: from the source of the same camera, or from a picture of the empty view.

Cameras stand still, but crops do not: both crops' boxes are known, so a pixel of the one is found in the other by a scale and a shift.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

LAYER_CHANNELS = 4  # red, green, blue; how much is known
_ALL = 0.99  # of a colour between pixels: none of them is hidden


class Scene(NamedTuple):
    """Where the background of B targets may be known from.

    place : (B, 3) float32, scale and shift along x and y, px: the target's pixel (x, y) lies at scale * (x, y) + shift in the source's image; NaN
        where the two are not of one camera
    plate : (B, 4, H, W) float32, the target's place in a picture of the empty view, colours in [-1, 1] and 1 where they are known, or None
    """

    place: Tensor
    plate: Tensor | None = None


def same_place(count: int) -> Scene:
    """The scene of `count` targets that stand where their sources stood, in one crop."""
    return Scene(torch.tensor([[1.0, 0.0, 0.0]]).repeat(count, 1))


def place_of(source: np.ndarray, target: np.ndarray, width: int, mirrored: np.ndarray) -> np.ndarray:
    """Where targets' pixels lie in the sources' images: (B, 3) float32, as `Scene.place` describes it.

    source, target : (B, 4), the crops' boxes x0, y0, x1, y1, px of the same pictures; width : of the crops, px; mirrored : (B,) bool, which pairs are
    """
    per_pixel = (source[:, 2] - source[:, 0]) / width  # px of the pictures; crops have the proportions of their boxes
    scale = (target[:, 2] - target[:, 0]) / (source[:, 2] - source[:, 0])
    shift = (target[:, :2] - source[:, :2]) / per_pixel[:, None] + 0.5 * (scale - 1)[:, None]
    shift[mirrored, 0] = (width - 1) * (1 - scale[mirrored]) - shift[mirrored, 0]
    return np.column_stack([scale, shift]).astype(np.float32)


@torch.no_grad()
def bring_source(image: Tensor, body: Tensor, place: Tensor) -> Tensor:
    """The source's background in the target's crop, (B, 4, H, W): colours, and 1 where they are known; 0 where a body or the crop's edge hides them.

    image : (B, 3, H, W); body : (B, 1, H, W), 1 on the source's body, else 0; place : (B, 3), as `Scene` describes it
    """
    height, width = image.shape[2:]
    scale, shift = place[:, :1, None, None].nan_to_num(), place[:, 1:]
    rows, columns = torch.meshgrid(torch.arange(height, device=image.device), torch.arange(width, device=image.device), indexing="ij")
    there = scale * torch.stack([columns, rows]) + shift[:, :, None, None]  # (B, 2, H, W), px; NaN where the cameras differ
    there = there.nan_to_num(-2.0 * (height + width))  # outside of the image
    grid = ((2 * there + 1) / there.new_tensor([width, height]).view(2, 1, 1) - 1).permute(0, 2, 3, 1)
    free = torch.cat([image * (1 - body), 1 - body], dim=1)
    brought = F.grid_sample(free, grid, padding_mode="zeros", align_corners=False)
    known = (brought[:, 3:] > _ALL).float()
    return torch.cat([brought[:, :3] * known, known], dim=1)


def lay_over(first: Tensor, second: Tensor) -> Tensor:
    """The first layer (B, 4, H, W) where it is known, else the second."""
    return torch.where(first[:, 3:] > 0, first, second)
