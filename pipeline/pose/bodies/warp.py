"""What the source's person looks like, gathered part by part and placed where the target pose shows the parts.

The surface of a part is laid out along and across its axis in the image, so that a pixel on the target's forearm finds the pixel as far along
and as far across the source's forearm: a warp per part, as in Siarohin et al. 2018 (arXiv 1801.00055) and Balakrishnan et al. 2018 (arXiv
1804.07739), here with the order of the parts that the labels give. Where the source does not show that spot, the colour is the mean of what
it shows of the part at that length, else of the whole part, else of the same part on the other side of the body.

Everything comes from the source's pixels, 2D joints and labels.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from pipeline.pose.bodies.maps import BACKGROUND, FIRST_LIMB_PART, N_PARTS, Body, mask_body, part_axes, seen_parts
from pipeline.pose.conditioning import WARP_CHANNELS
from pipeline.pose.skeleton import LIMB_FLIP

CROP_SHRINK = 4  # crops of parts are a quarter as high and wide as the image
CROP_RIM = 0.2  # by how much a crop goes on beyond both ends of the axis, of its length
SPOT, MEAN = 1.0, 0.5  # what is known: the very spot, or a mean
BINS = 6  # along a part, for the means
EDGE = 0.85  # an outline is blurred and never quite fits: beyond this share of the radius the colour of this place is taken
ENOUGH = 2  # pixels for a mean
_OTHER_SIDE = [*range(FIRST_LIMB_PART - 1), *(FIRST_LIMB_PART - 1 + limb for limb in LIMB_FLIP)]


class Layout(NamedTuple):
    """The pixels at which a part is seen, N in all, and where on the part each of them lies.

    pixel : (N,) int64, position among all B * H * W pixels; body : (N,) int64, which of the B bodies; part : (N,) int64, from 0
    along : (N,) 0 to 1 from the axis' start to its end, beyond them in radii; across : (N,) in radii
    """

    pixel: Tensor
    body: Tensor
    part: Tensor
    along: Tensor
    across: Tensor


@torch.no_grad()
def warp_parts(image: Tensor, source: Body, shown: Tensor, target: Body, layers: Sequence[Tensor]) -> Tensor:
    """Paint the source's parts where the target shows them, and once more those that lie next beneath.

    image : (B, 3, H, W) float32, the source; shown : (B, H, W), the parts that it shows, numbered as in `maps.part_map`
    layers : the parts that the target shows, and those beneath them, (B, H, W) each
    returns : (B, 8, H, W) float32, for the parts that are seen and for those beneath them: the colours, and what is known of them: 1 that
    very spot is seen in the source, 0.5 a mean, 0 nothing, because there is no part here or nothing of it in the source; there the
    colours are 0
    """
    colours = image.permute(0, 2, 3, 1).flatten(0, 2)  # (B H W, 3)
    means = _means(colours, lay_out(source, shown), len(image))
    filled = [_fill(colours, shown, source, means, lay_out(target, seen)) for seen in layers]
    return torch.cat(filled, dim=1).view(*shown.shape, WARP_CHANNELS).permute(0, 3, 1, 2)


@torch.no_grad()
def paint_by_part(image: Tensor, source: Body, source_label: Tensor, target: Body, target_label: Tensor) -> Tensor:
    """The baseline without a network: the mean colour of each of the source's parts on the target's ordered part map.

    A part that the source does not show has the colour of the other side's, or else, like the source's body where the target has none,
    the mean colour of the source's background. image : (B, 3, H, W) float32; returns : the same
    """
    there, here = seen_parts(source, source_label), seen_parts(target, target_label)
    body = torch.maximum(mask_body(source), (there != BACKGROUND)[:, None])
    background = (image * (1 - body)).sum((2, 3)) / (1 - body).sum((2, 3)).clamp(min=1)  # (B, 3)
    one_hot = torch.stack([there == part + 1 for part in range(N_PARTS)], dim=1).float().flatten(2)  # (B, P, HW)
    sums = torch.cat([one_hot @ image.flatten(2).transpose(1, 2), one_hot.sum(2, keepdim=True)], dim=2)  # (B, P, 4)
    sums = torch.where(sums[..., 3:] < ENOUGH, sums[:, _OTHER_SIDE], sums)
    colour = torch.where(sums[..., 3:] < ENOUGH, background[:, None], sums[..., :3] / sums[..., 3:].clamp(min=1))
    empty = torch.where(body > 0, background[..., None, None], image)
    painted = colour.gather(1, (here.long() - 1).clamp(min=0).flatten(1)[..., None].expand(-1, -1, 3)).transpose(1, 2)
    return torch.where((here != BACKGROUND)[:, None], painted.unflatten(2, image.shape[2:]), empty)


def crop_size(image_size: tuple[int, int]) -> tuple[int, int, int]:
    """Channels, height and width of what `cut_parts` makes of images of this height and width."""
    return 3 * N_PARTS, image_size[0] // CROP_SHRINK, image_size[1] // CROP_SHRINK


@torch.no_grad()
def cut_parts(image: Tensor, body: Body, shown: Tensor) -> Tensor:
    """Each part upright in a picture of its own, as in the variational U-Net: along its axis downwards, from rim to rim across.

    A pixel where the image shows another part or the background is 0, and so is all of a part whose joints are missing.

    image : (B, 3, H, W) float32; shown : (B, H, W), the parts that it shows, numbered as in `maps.part_map`
    returns : (B, 30, H / 4, W / 4) float32, red, green and blue of the torso, the head and the limbs
    """
    height, width = image.shape[2:]
    _, rows, columns = crop_size((height, width))
    start, end, radius = part_axes(body)  # (B, P, 2), (B, P, 2), (B, P)
    axis = end - start
    across = torch.stack([-axis[..., 1], axis[..., 0]], dim=-1) / axis.norm(dim=-1, keepdim=True).clamp(min=1e-3) * radius[..., None]
    down = (torch.arange(rows, device=image.device) + 0.5) / rows * (1 + 2 * CROP_RIM) - CROP_RIM
    aside = (torch.arange(columns, device=image.device) + 0.5) / columns * 2 - 1
    place = start[:, :, None, None] + down[:, None, None] * axis[:, :, None, None] + aside[:, None] * across[:, :, None, None]  # (B, P, h, w, 2)
    place = place.nan_to_num(-2.0 * (height + width))  # outside of the image
    grid = (2 * place + 1) / place.new_tensor([width, height]) - 1
    grid = grid.flatten(1, 2)  # (B, P h, w, 2)
    colours = F.grid_sample(image, grid, padding_mode="zeros", align_corners=False).unflatten(2, (N_PARTS, rows))
    seen = F.grid_sample(shown[:, None].float(), grid, mode="nearest", padding_mode="zeros", align_corners=False).unflatten(2, (N_PARTS, rows))
    part = torch.arange(1, N_PARTS + 1, device=image.device)[:, None, None]
    return (colours * (seen == part)).transpose(1, 2).flatten(1, 2)  # (B, P 3, h, w)


def lay_out(body: Body, seen: Tensor) -> Layout:
    """Where each pixel lies on the part that is seen there; seen : (B, H, W), numbered as in `maps.part_map`."""
    height, width = seen.shape[1:]
    pixel = (seen.flatten() != BACKGROUND).nonzero()[:, 0]
    part, number = seen.flatten()[pixel].long() - 1, pixel // (height * width)
    start, direction, length, radius = _axes_at(body, number, part)
    offset = torch.stack([pixel % width, pixel // width % height], dim=1) - start  # (N, 2)
    down = (offset * direction).sum(1)
    along = torch.where(down < 0, down / radius, torch.where(down > length, 1 + (down - length) / radius, down / length))
    across = (offset[:, 1] * direction[:, 0] - offset[:, 0] * direction[:, 1]) / radius
    return Layout(pixel, number, part, along, across)


def _fill(colours: Tensor, shown: Tensor, source: Body, means: tuple[Tensor, Tensor], here: Layout) -> Tensor:
    """Colours for the places in `here` from those of the source (B * H * W, 3), which shows the parts `shown`, and what is known of them.

    returns : (B * H * W, 4)
    """
    height, width = shown.shape[1:]
    column, row = _place(source, here).round().unbind(1)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)  # not where a joint is missing
    index = torch.where(inside, row * width + column, 0.0).long() + here.body * height * width
    spot = inside & (shown.flatten()[index] == here.part + 1)
    mean, known = (table[_entry(here)] for table in means)
    filled = torch.where(spot[:, None], colours[index], mean)
    layer = colours.new_zeros(len(colours), 4)
    layer[here.pixel] = torch.cat([filled, torch.where(spot, SPOT, known * MEAN)[:, None]], dim=1)
    return layer


def _place(body: Body, layout: Layout) -> Tensor:
    """The places of another body with the same part, length and side: (N, 2) px, NaN where its joints are missing."""
    start, direction, length, radius = _axes_at(body, layout.body, layout.part)
    along = layout.along
    down = torch.where(along < 0, along * radius, torch.where(along > 1, length + (along - 1) * radius, along * length))
    aside = layout.across.clamp(-EDGE, EDGE) * radius
    across = torch.stack([-direction[:, 1], direction[:, 0]], dim=1)
    return start + down[:, None] * direction + aside[:, None] * across


def _axes_at(body: Body, number: Tensor, part: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Start (N, 2), direction (N, 2), length (N,) and radius (N,) of the parts `part` (N,) of the bodies `number` (N,), px."""
    start, end, radius = part_axes(body)
    length = (end - start).norm(dim=-1).clamp(min=1e-3)
    table = torch.cat([start, (end - start) / length[..., None], length[..., None], radius[..., None]], dim=-1)  # (B, P, 6)
    values = table[number, part]
    return values[:, :2], values[:, 2:4], values[:, 4], values[:, 5]


def _entry(layout: Layout) -> Tensor:
    """Which mean belongs to each pixel: position in a table of bodies, parts and bins."""
    return (layout.body * N_PARTS + layout.part) * BINS + (layout.along * BINS).long().clamp(0, BINS - 1)


def _means(colours: Tensor, there: Layout, bodies: int) -> tuple[Tensor, Tensor]:
    """Mean colour of each bin of each part, filled up from its part and from the other side, (B * P * BINS, 3), and whether it is known."""
    counted = (there.across.abs() < EDGE).float()[:, None]
    values = torch.cat([colours[there.pixel] * counted, counted], dim=1)  # (N, 4)
    sums = values.new_zeros(bodies * N_PARTS * BINS, 4).index_add_(0, _entry(there), values).view(bodies, N_PARTS, BINS, 4)
    for other in (sums.sum(2, keepdim=True), sums[:, _OTHER_SIDE], sums[:, _OTHER_SIDE].sum(2, keepdim=True)):
        sums = torch.where(sums[..., 3:] < ENOUGH, other, sums)
    known = sums[..., 3] >= ENOUGH
    colour = sums[..., :3] / sums[..., 3:].clamp(min=1) * known[..., None]
    return colour.flatten(0, 2), known.flatten()
