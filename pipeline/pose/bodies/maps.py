"""Poses drawn as maps, what networks see of a body.

The kinds of map:

- `rgb`, 3 channels: the thesis' stickman. Thin limbs, blue where occluded, green in the torso's plane, red in front, drawn far to near,
  with the torso's area and the lines of neck, head and nose in green. Blue is (-1, -1, 1) and so on; the background is (-1, -1, -1).
- `limbs`, 10 channels: each part's whole area, whether or not another part hides it. A limb's value is (label + 2) / 3: 1/3 occluded, 2/3
  in the torso's plane, 1 in front. Torso and head have no label and are drawn as in the torso's plane. The background is 0.
- `parts`, 10 channels: 1 where that part is the one in front (`parts.py`), else 0.
- `heatmaps`, 17 channels: a disc around each joint, 1 inside and -1 outside, as in PG2's code.

A new kind is a function `_draw_...` and its line in `_KINDS`, its name in `config/pose.py`, and a test.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.config.pose import MapKind
from pipeline.pose.bodies.body import FIELDS, NECK_FIELD, TORSO_FIELD, Body
from pipeline.pose.bodies.parts import FIRST_LIMB_PART, HEAD_PART, N_PARTS, TORSO_PART, face_area, front_parts
from pipeline.pose.skeleton import H36M_17, LIMBS

LINE_WIDTH = 3 / 128  # of the stickman, a share of the image's height: 3 px of 128, as in VUNet


def channels(kinds: Sequence[MapKind]) -> int:
    """How many channels the maps of these kinds have together."""
    return sum(_KINDS[kind].channels for kind in kinds)


@torch.no_grad()
def draw_maps(body: Body, label: Tensor, kinds: Sequence[MapKind], heatmap_radius: float) -> Tensor:
    """Draw maps of the kinds wanted, one after the other.

    label : (B, 8), -1, 0 or +1; heatmap_radius : of the discs of `heatmaps`, px
    returns : (B, channels(kinds), H, W) float32 in [-1, 1]
    """
    _, batch, height, width = body.field.shape
    maps = torch.empty((batch, channels(kinds), height, width), device=body.field.device)
    for kind, out in zip(kinds, maps.split([_KINDS[kind].channels for kind in kinds], dim=1), strict=True):
        _KINDS[kind].draw(body, label, heatmap_radius, out)
    return maps


def _draw_rgb(body: Body, label: Tensor, _radius: float, out: Tensor) -> None:
    """Each pixel's level is 0 background, 1 occluded, 2 in the plane, 3 in front; drawing far to near keeps the highest."""
    height = body.field.shape[2]
    half_width = torch.full_like(body.scale, max(LINE_WIDTH * height, 1.0) / 2)
    level = torch.zeros_like(body.field[0])
    for part in range(FIELDS):
        value = label[:, part, None, None].float() + 2 if part < len(LIMBS) else 2.0
        torch.maximum(level, body.within(part, half_width).mul_(value), out=level)
    for channel, wanted in enumerate((3, 2, 1)):
        torch.eq(level, wanted, out=out[:, channel]).mul_(2).sub_(1)


def _draw_limbs(body: Body, label: Tensor, _radius: float, out: Tensor) -> None:
    plane = 2 / 3
    torch.mul(body.area(TORSO_FIELD), plane, out=out[:, TORSO_PART - 1])
    torch.mul(torch.maximum(face_area(body), body.area(NECK_FIELD)), plane, out=out[:, HEAD_PART - 1])
    for number in range(len(LIMBS)):
        torch.mul(body.area(number), (label[:, number, None, None].float() + 2) / 3, out=out[:, FIRST_LIMB_PART - 1 + number])


def _draw_parts(body: Body, label: Tensor, _radius: float, out: Tensor) -> None:
    front = front_parts(body, label)
    for part in range(1, N_PARTS + 1):
        torch.eq(front, part, out=out[:, part - 1])


def _draw_heatmaps(body: Body, _label: Tensor, radius: float, out: Tensor) -> None:
    reach = torch.full_like(body.scale, radius)
    for joint in range(len(H36M_17)):
        torch.mul(body.disc(body.joint[:, joint], reach), 2, out=out[:, joint]).sub_(1)


class _Kind(NamedTuple):
    """How many channels a kind of map has; draw(body, label, heatmap_radius, out) fills them in `out`, (B, channels, H, W)."""

    channels: int
    draw: Callable[[Body, Tensor, float, Tensor], None]


_KINDS: dict[MapKind, _Kind] = {
    "rgb": _Kind(3, _draw_rgb),
    "limbs": _Kind(N_PARTS, _draw_limbs),
    "parts": _Kind(N_PARTS, _draw_parts),
    "heatmaps": _Kind(len(H36M_17), _draw_heatmaps),
}
