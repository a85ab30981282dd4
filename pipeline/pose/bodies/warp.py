"""The warped source: what its person looks like, gathered part by part and laid where the target pose shows the parts.

The surface of a part is laid out along and across its axis in the image, so that a pixel on the target's forearm finds the pixel as far along
and as far across the source's forearm: a warp per part, as in Siarohin et al. 2018 (arXiv 1801.00055) and Balakrishnan et al. 2018 (arXiv
1804.07739), here with the order of the parts that the labels give. Where the source does not show that spot, the colour is the mean of what
it shows of the part at that length, else of the whole part, else of the same part on the other side of the body.

Of several sources each part has its pixels from the one that shows it best, where that one shows the spot, else from the next best. A part is shown
the better, the more pixels the source has of it, which says at once how near, how free and how little foreshortened it is, and the more the two
bodies are turned alike: the front of a shirt does not tell what is on its back. The means are those of all sources together.

Everything comes from the sources' pixels, 2D joints and labels.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from pipeline.pose.bodies.body import HIPS, SHOULDERS, Body
from pipeline.pose.bodies.masks import body_mask
from pipeline.pose.bodies.parts import BACKGROUND, FIRST_LIMB_PART, N_PARTS, front_parts, part_axes
from pipeline.pose.conditioning import WARP_CHANNELS
from pipeline.pose.skeleton import LIMB_FLIP, TORSO

CROP_SHRINK = 4  # crops of parts are a quarter as high and wide as the image
CROP_RIM = 0.2  # by how much a crop goes on beyond both ends of the axis, of its length
SPOT, MEAN = 1.0, 0.5  # what is known: the very spot, or a mean
BINS = 6  # along a part, for the means
EDGE = 0.85  # an outline is blurred and never quite fits: beyond this share of the radius the colour of this place is taken
ENOUGH = 2  # pixels for a mean
WIDTH = SHOULDERS + HIPS  # mm
TURNED_AWAY = 0.1  # what a source counts that sees the other side of the body, of one that sees the same
_OTHER_SIDE = [*range(FIRST_LIMB_PART - 1), *(FIRST_LIMB_PART - 1 + limb for limb in LIMB_FLIP)]


class Source(NamedTuple):
    """One picture of each of B people, as their parts are taken from it.

    image : (B, 3, H, W) float32; body : theirs; shown : (B, H, W), the parts in front, a part map; facing : (B, 2) float32, where the body's left is,
    seen from above (`facing_of`), or None where it does not matter, of a single source
    """

    image: Tensor
    body: Body
    shown: Tensor
    facing: Tensor | None = None


class Layout(NamedTuple):
    """The pixels at which a part is in front, N in all, and where on the part each of them lies.

    pixel : (N,) int64, position among all B * H * W pixels; body : (N,) int64, which of the B bodies; part : (N,) int64, from 0
    along : (N,) 0 to 1 from the axis' start to its end, beyond them in radii; across : (N,) in radii
    """

    pixel: Tensor
    body: Tensor
    part: Tensor
    along: Tensor
    across: Tensor


@torch.no_grad()
def warp_parts(sources: Sequence[Source], target: Body, layers: Sequence[Tensor], facing: Tensor | None = None) -> Tensor:
    """The sources' parts where the target shows them, and once more where it has them second.

    layers : the target's front parts and its second ones, (B, H, W) each; facing : (B, 2), of the target, as `Source` has it
    returns : (B, 8, H, W) float32, for the front parts and for the second ones: the colours, and what is known of them: 1 that very spot is
    visible in a source, 0.5 a mean, 0 nothing, because there is no part here or nothing of it in any source; there the colours are 0
    """
    means = _means(sources)
    best = best_first(sources, facing)
    filled = [_fill(sources, best, means, lay_out(target, layer)) for layer in layers]
    batch, _, height, width = sources[0].image.shape
    return torch.cat(filled, dim=1).view(batch, height, width, WARP_CHANNELS).permute(0, 3, 1, 2)


@torch.no_grad()
def facing_of(body: Body, depth: Tensor | None = None) -> Tensor:
    """Where the left of bodies is, seen from above, (B, 2) float32 of length 1: to the right in the image, and away from the camera.

    By shoulders and hips. Without depths nobody knows which shoulder is nearer: it is always the same one. 0 where a joint is missing.

    depth : (B, 17) mm
    """
    left_shoulder, right_shoulder, right_hip, left_hip = TORSO
    left = body.joint[:, left_shoulder] - body.joint[:, right_shoulder] + body.joint[:, left_hip] - body.joint[:, right_hip]
    aside = left[:, 0] / body.scale.clamp(min=1e-6)  # mm
    if depth is None:
        away = (WIDTH**2 - aside**2).clamp(min=0).sqrt()
    else:
        away = depth[:, left_shoulder] - depth[:, right_shoulder] + depth[:, left_hip] - depth[:, right_hip]
    vector = torch.stack([aside, away], dim=1)
    return (vector / vector.norm(dim=1, keepdim=True).clamp(min=1e-6)).nan_to_num(0.0)


@torch.no_grad()
def paint_by_part(sources: Sequence[Source], target: Body, target_label: Tensor) -> Tensor:
    """The baseline without a network: the mean colour of each of the sources' parts on the target's part map, (B, 3, H, W) float32.

    A part that no source shows has the colour of the other side's, or else, like the source's body where the target has none,
    the mean colour of the source's background, that of the first one.
    """
    here = front_parts(target, target_label)
    image, source, there, _ = sources[0]
    body = torch.maximum(body_mask(source), (there != BACKGROUND)[:, None])
    background = (image * (1 - body)).sum((2, 3)) / (1 - body).sum((2, 3)).clamp(min=1)  # (B, 3)
    sums = torch.stack([_part_sums(one) for one in sources]).sum(0)  # (B, P, 4)
    sums = torch.where(sums[..., 3:] < ENOUGH, sums[:, _OTHER_SIDE], sums)
    colour = torch.where(sums[..., 3:] < ENOUGH, background[:, None], sums[..., :3] / sums[..., 3:].clamp(min=1))
    empty = torch.where(body > 0, background[..., None, None], image)
    painted = colour.gather(1, (here.long() - 1).clamp(min=0).flatten(1)[..., None].expand(-1, -1, 3)).transpose(1, 2)
    return torch.where((here != BACKGROUND)[:, None], painted.unflatten(2, image.shape[2:]), empty)


def _part_sums(source: Source) -> Tensor:
    """The sum of the colours of each part that a source shows, and of how many pixels, (B, P, 4)."""
    one_hot = torch.stack([source.shown == part + 1 for part in range(N_PARTS)], dim=1).float().flatten(2)  # (B, P, HW)
    return torch.cat([one_hot @ source.image.flatten(2).transpose(1, 2), one_hot.sum(2, keepdim=True)], dim=2)


def crop_size(image_size: tuple[int, int]) -> tuple[int, int, int]:
    """Channels, height and width of what `cut_parts` makes of images of this height and width."""
    return 3 * N_PARTS, image_size[0] // CROP_SHRINK, image_size[1] // CROP_SHRINK


@torch.no_grad()
def cut_parts(image: Tensor, body: Body, shown: Tensor) -> Tensor:
    """Each part upright in a picture of its own, as in the variational U-Net: along its axis downwards, from rim to rim across.

    A pixel where the image shows another part or the background is 0, and so is all of a part whose joints are missing.

    image : (B, 3, H, W) float32; shown : (B, H, W), its front parts, a part map
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
    front = F.grid_sample(shown[:, None].float(), grid, mode="nearest", padding_mode="zeros", align_corners=False).unflatten(2, (N_PARTS, rows))
    part = torch.arange(1, N_PARTS + 1, device=image.device)[:, None, None]
    return (colours * (front == part)).transpose(1, 2).flatten(1, 2)  # (B, P 3, h, w)


def lay_out(body: Body, parts: Tensor) -> Layout:
    """Where each pixel lies on the part that is there; parts : (B, H, W), a part map."""
    height, width = parts.shape[1:]
    pixel = (parts.flatten() != BACKGROUND).nonzero()[:, 0]
    part, number = parts.flatten()[pixel].long() - 1, pixel // (height * width)
    start, direction, length, radius = _axes_at(body, number, part)
    offset = torch.stack([pixel % width, pixel // width % height], dim=1) - start  # (N, 2)
    down = (offset * direction).sum(1)
    along = torch.where(down < 0, down / radius, torch.where(down > length, 1 + (down - length) / radius, down / length))
    across = (offset[:, 1] * direction[:, 0] - offset[:, 0] * direction[:, 1]) / radius
    return Layout(pixel, number, part, along, across)


def _fill(sources: Sequence[Source], best: Tensor | None, means: tuple[Tensor, Tensor], here: Layout) -> Tensor:
    """Colours for the places in `here` from the sources, and what is known of them.

    best : as `best_first` gives it; means : as `_means` gives them
    returns : (B * H * W, 4)
    """
    mean, known = (table[_entry(here)] for table in means)
    spots, colours = zip(*(_spots(source, here) for source in sources), strict=True)
    spot, colour = spots[0], colours[0]
    if best is not None:
        shown = torch.stack(spots)  # (S, N)
        chosen = (best[:, here.body, here.part] * shown).argmax(dim=0)
        spot, colour = shown.any(dim=0), torch.stack(colours)[chosen, torch.arange(len(chosen), device=chosen.device)]
    filled = torch.where(spot[:, None], colour, mean)
    layer = mean.new_zeros(sources[0].shown.numel(), 4)
    layer[here.pixel] = torch.cat([filled, torch.where(spot, SPOT, known * MEAN)[:, None]], dim=1)
    return layer


def _spots(source: Source, here: Layout) -> tuple[Tensor, Tensor]:
    """Which of the places in `here` a source shows, (N,) bool, and what is there, (N, 3)."""
    height, width = source.shown.shape[1:]
    column, row = _place(source.body, here).round().unbind(1)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)  # not where a joint is missing
    index = torch.where(inside, row * width + column, 0.0).long() + here.body * height * width
    return inside & (source.shown.flatten()[index] == here.part + 1), _colours(source.image)[index]


def _colours(image: Tensor) -> Tensor:
    """(B * H * W, 3)."""
    return image.permute(0, 2, 3, 1).flatten(0, 2)


def best_first(sources: Sequence[Source], facing: Tensor | None) -> Tensor | None:
    """How well each source shows each part, above 0: (sources, B, P); None where there is but one."""
    if len(sources) == 1:
        return None
    worth = []
    for source in sources:
        part = torch.arange(1, N_PARTS + 1, device=source.shown.device)
        pixels = (source.shown.flatten(1)[:, None] == part[:, None]).sum(dim=2).float()  # (B, P)
        alike = 1.0 if facing is None or source.facing is None else (1 + (facing * source.facing).sum(dim=1, keepdim=True)) / 2  # (B, 1)
        worth.append((1 + pixels) * (TURNED_AWAY + (1 - TURNED_AWAY) * alike))
    return torch.stack(worth)


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


def _means(sources: Sequence[Source]) -> tuple[Tensor, Tensor]:
    """Mean colour of each bin of each part, filled up from its part and from the other side, (B * P * BINS, 3), and whether it is known.

    Of several sources those count that show enough of it.
    """
    sums = torch.stack([_bin_sums(source) for source in sources])  # (S, B, P, BINS, 4)
    filled, *others = (
        torch.where(level[..., 3:] < ENOUGH, 0.0, level).sum(0)
        for level in (sums, sums.sum(3, keepdim=True), sums[:, :, _OTHER_SIDE], sums[:, :, _OTHER_SIDE].sum(3, keepdim=True))
    )
    for other in others:
        filled = torch.where(filled[..., 3:] < ENOUGH, other, filled)
    known = filled[..., 3] >= ENOUGH
    colour = filled[..., :3] / filled[..., 3:].clamp(min=1) * known[..., None]
    return colour.flatten(0, 2), known.flatten()


def _bin_sums(source: Source) -> Tensor:
    """The sum of the colours of each bin of each part that a source shows, and of how many pixels, (B, P, BINS, 4)."""
    there = lay_out(source.body, source.shown)
    counted = (there.across.abs() < EDGE).float()[:, None]
    values = torch.cat([_colours(source.image)[there.pixel] * counted, counted], dim=1)  # (N, 4)
    bodies = len(source.image)
    return values.new_zeros(bodies * N_PARTS * BINS, 4).index_add_(0, _entry(there), values).view(bodies, N_PARTS, BINS, 4)
