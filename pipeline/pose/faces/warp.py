"""The source's pixels where the target shows the same places of the head: seen there, or on its other side, or around it."""

import torch
from torch import Tensor
from torch.nn import functional as F

from pipeline.pose.background import LAYER_CHANNELS
from pipeline.pose.faces.head import Head, surface
from pipeline.pose.faces.raster import NOTHING

CHANNELS = 3 * LAYER_CHANNELS
HIDDEN = 12.0  # mm: what lies this far behind what the source shows is not seen there
BEHIND = 0.5  # how much is known of what stands around where the target's head should be
LEAST = 0.05  # pixels of the source for one of the target; fewer show nothing


def turn_source(image: Tensor, source: Head, target: Head) -> Tensor:
    """The source as far as it shows the target, (B, 3 * LAYER_CHANNELS, H, W), colours and how much is known of them.

    First the places of the head that the target shows; then those that mirror them; then what stands around the head, which stays where it is.
    image : (B, 3, H, W)
    """
    head = surface()
    corners = torch.from_numpy(head.triangle).long()
    turned = [_turn(image, source, source.pixel[:, order], source.depth[:, order], target, corners) for order in (slice(None), head.flip)]
    return torch.cat([*turned, _around(image, source, target)], dim=1)


def _turn(image: Tensor, source: Head, pixel: Tensor, depth: Tensor, target: Head, corners: Tensor) -> Tensor:
    """One layer (B, 4, H, W): the points of the target's surface lie at `pixel` and `depth` in the source."""
    height, width = image.shape[2:]
    there = target.drawn.interpolate(torch.cat([pixel, depth[..., None]], dim=2), corners)  # (B, H, W, 3)
    grid = (2 * there[..., :2] + 1) / there.new_tensor([width, height]) - 1
    front = F.grid_sample(source.drawn.depth.nan_to_num(posinf=1e6)[:, None], grid, mode="nearest", padding_mode="border", align_corners=False)[:, 0]
    share = _sizes(pixel, corners, target.drawn.triangle) / _sizes(target.pixel, corners, target.drawn.triangle).clamp_min(1e-3)
    inside = (grid.abs() <= 1).all(dim=-1) & (target.drawn.triangle != NOTHING) & (source.known & target.known)[:, None, None]
    known = torch.where(inside & (there[..., 2] < front + HIDDEN) & (share > LEAST), share.clamp(max=1), 0.0).to(image.device)
    colour = F.grid_sample(image, grid.to(image.device), padding_mode="border", align_corners=False)
    return torch.cat([colour * (known > 0)[:, None], known[:, None]], dim=1)


def _sizes(pixel: Tensor, corners: Tensor, triangle: Tensor) -> Tensor:
    """Twice the areas, px², of the triangles at each pixel, (B, H, W), whichever way round their corners run: a mirrored one's run the other way."""
    a, b, c = (pixel[:, corners[:, i]] for i in range(3))  # (B, T, 2)
    (bx, by), (cx, cy) = (b - a).unbind(dim=2), (c - a).unbind(dim=2)
    return (bx * cy - by * cx).abs().gather(1, triangle.clamp_min(0).flatten(1).long()).view(triangle.shape)


def _around(image: Tensor, source: Head, target: Head) -> Tensor:
    """What stands around the source's head, which is known less where the target's is."""
    beside, behind = ((one.drawn.triangle == NOTHING)[:, None].to(image) for one in (source, target))
    known = beside * torch.where(behind > 0, 1.0, BEHIND)
    return torch.cat([image * beside, known], dim=1)
