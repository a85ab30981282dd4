"""Heads seen larger: where they are, which way they look, and the source's turned in the picture until it lies as the target's does."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from pipeline.pose.bodies.body import HEAD_FIELD, HEAD_RADIUS, Body, axes
from pipeline.pose.bodies.parts import HEAD_PART
from pipeline.pose.bodies.warp import Source, best_first, facing_of
from pipeline.pose.conditioning import FINE, CloseUp, close_up_side
from pipeline.pose.skeleton import NECK_AND_HEAD

HALF_SIDE = 1.6 * HEAD_RADIUS  # mm, of the square around a head
LEAST = 3.0  # px of it
UNIT = 100.0  # mm, 1 in what is told
TOLD = 8  # numbers of a pair, as `told` gives them
OUTSIDE = -1e4  # px


@dataclass(frozen=True)
class Heads:
    """The heads of B bodies.

    square : (B, 3) float32, as `squares` gives it; up : (B, 2), from chin to crown in the image, of length 1
    told : (B, 4), where the left of the body is (`warp.facing_of`), and how far the nose lies to the right of the head's axis in the image and
        away from the camera; 0 where nobody knows
    """

    square: Tensor
    up: Tensor
    told: Tensor


@torch.no_grad()
def squares(body: Body) -> Tensor:
    """The squares around the heads of bodies, (B, 3) float32, px: column and row of the centre, half the side; NaN where the head is missing."""
    start, end = (point[:, HEAD_FIELD] for point in axes(body.joint))  # crown and chin
    square = torch.cat([(start + end) / 2, (HALF_SIDE * body.scale).clamp(min=LEAST)[:, None]], dim=1)
    return torch.where(square.isfinite().all(dim=1, keepdim=True), square, torch.nan)


@torch.no_grad()
def find_heads(body: Body, depth: Tensor | None, facing: Tensor | None = None) -> Heads:
    """The heads of bodies; depth : (B, 17) mm, of the joints, or None; facing : as `warp.facing_of` gives it, if that is known already."""
    start, end = (point[:, HEAD_FIELD] for point in axes(body.joint))  # crown and chin
    thorax, nose, top = NECK_AND_HEAD
    up = start - end
    ahead = (body.joint[:, nose] - (body.joint[:, thorax] + body.joint[:, top]) / 2) / body.scale[:, None].clamp(min=1e-6)  # mm
    away = torch.zeros_like(ahead[:, 0]) if depth is None else depth[:, nose] - (depth[:, thorax] + depth[:, top]) / 2
    up = up / up.norm(dim=1, keepdim=True).clamp(min=1e-6)
    aside = (ahead[:, 1] * up[:, 0] - ahead[:, 0] * up[:, 1]) / UNIT
    look = torch.stack([aside, away / UNIT], dim=1)
    told = torch.cat([facing_of(body, depth) if facing is None else facing, look], dim=1).nan_to_num(0.0)
    return Heads(squares(body), up, told)


@torch.no_grad()
def see_heads(sources: Sequence[Source], heads: Sequence[Heads], target: Heads, facing: Tensor | None = None) -> CloseUp:
    """The heads of pairs: of several sources each person's from the one that shows it best, as `warp.best_first` says.

    heads : those of the sources; facing : of the target, as `warp.warp_parts` has it
    """
    side = close_up_side(sources[0].image.shape[2])
    cut = torch.stack([_cut_upright(source.image, one, target, side) for source, one in zip(sources, heads, strict=True)])  # (S, B, 3, S, S)
    told = torch.stack([one.told for one in heads])
    best = best_first(sources, facing)
    chosen = torch.zeros_like(target.square[:, 0], dtype=torch.long) if best is None else best[:, :, HEAD_PART - 1].argmax(dim=0)
    pair = torch.arange(len(chosen), device=chosen.device)
    place = torch.where(target.square.isnan(), target.square.new_tensor([OUTSIDE, OUTSIDE, LEAST]), target.square)
    return CloseUp(cut[chosen, pair], torch.cat([target.told, told[chosen, pair]], dim=1), (place * FINE).round().int())


def _cut_upright(image: Tensor, source: Heads, target: Heads, side: int) -> Tensor:
    """The source's heads from images (B, 3, H, W), turned by as much as the target's lean otherwise: (B, 3, side, side)."""
    height, width = image.shape[2:]
    cosine = (target.up * source.up).sum(1)
    sine = target.up[:, 0] * source.up[:, 1] - target.up[:, 1] * source.up[:, 0]
    across, down = torch.stack([cosine, sine], dim=1), torch.stack([-sine, cosine], dim=1)
    steps = (torch.arange(side, device=image.device) + 0.5) / side * 2 - 1
    way = steps[:, None, None] * down[:, None, None] + steps[:, None] * across[:, None, None]  # (B, side, side, 2)
    place = (source.square[:, None, None, :2] + source.square[:, None, None, 2:] * way).nan_to_num(OUTSIDE)
    grid = (2 * place + 1) / place.new_tensor([width, height]) - 1
    return F.grid_sample(image, grid, padding_mode="border", align_corners=False)
