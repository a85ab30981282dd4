"""Depth layers of a body: which part is in front at each pixel, which is second, next behind it, and how near both are, from the joints' depths.

Every part is the capsule of `body.py`, now with depth: at a pixel its surface stands before its axis by as much as the circle of
its section says. The torso is the row of capsules of `pose_space.py`. The part whose surface is nearest is in front. The depths are those that the
lifter gives from 2D joints and labels (`networks/lifter.py`), never true ones.

What the lifter infers and what the labels say may contradict each other: a limb that lies in the plane of the image can be told to be in front. A
limb is therefore taken for a little nearer or farther, as its label says, where it is decided who is in front.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.pose.bodies.body import FIELDS, TORSO_HALF_DEPTH, Body, axes
from pipeline.pose.bodies.parts import FIRST_LIMB_PART
from pipeline.pose.bodies.pose_space import AT_HIPS, AT_SHOULDERS, PADDING, TOP
from pipeline.pose.skeleton import LIMBS, NECK_AND_HEAD, TORSO

CHANNELS = 2  # of `depth_layer_maps`
UNIT = 400.0  # mm, 1 in a map
INSIST = 100.0  # mm by which a label moves a limb where it is decided who is in front
_FARTHEST = 800.0  # mm before or behind the hips; what is drawn lies between
_STEEP = 400.0  # mm by which the torso falls off beside its capsules, per squared radius
_NOWHERE = -1e6  # mm


class Place(NamedTuple):
    """N pixels: which body each belongs to, its column and its row, (N,) each."""

    number: Tensor
    x: Tensor
    y: Tensor

    def of(self, value: Tensor) -> Tensor:
        """Values of each body's parts (B, P), at each pixel: (P, N)."""
        return value.t().gather(1, self.number.expand(value.shape[1], -1))

    def along(self, start: Tensor, end: Tensor) -> Tensor:
        """Where on the axes from `start` (0) to `end` (1), (B, P, 2) px, the point lies that is next to each pixel, (P, N)."""
        axis = end - start
        way = axis / (axis**2).sum(dim=-1, keepdim=True).clamp(min=1e-6)
        begin = (start * way).sum(dim=-1)
        return (self.of(way[..., 0]) * self.x + self.of(way[..., 1]) * self.y - self.of(begin)).clamp(0, 1)

    def between(self, start: Tensor, end: Tensor, along: Tensor) -> Tensor:
        """What lies a share `along` (P, N) of the way from `start` to `end` (B, P), (P, N)."""
        return self.of(start) + along * self.of(end - start)


class DepthLayers(NamedTuple):
    """The front and the second part, part maps (B, H, W) float32 each, and how much nearer they are than the hips, mm, (B, H, W); 0 nowhere."""

    front: Tensor
    second: Tensor
    near_front: Tensor
    near_second: Tensor


@torch.no_grad()
def make_depth_layers(body: Body, depth: Tensor, label: Tensor) -> DepthLayers:
    """Depth layers of bodies whose joints lie at the depths (B, 17), mm, away from the camera from the hips; label : (B, 8)."""
    height, width = body.field.shape[2:]
    pixel = (body.field.amax(dim=0) >= 0).flatten().nonzero()[:, 0]
    place = Place(pixel // (height * width), (pixel % width).float(), (pixel // width % height).float())
    field = body.field.flatten(1)[:, pixel]  # (12, N)
    near = torch.where(field >= 0, _surfaces(body, torch.cat([body.joint, depth[..., None]], dim=-1), field, place), _NOWHERE)
    limbs, heads, torso = near.split((len(LIMBS), len(NECK_AND_HEAD), 1))
    heads[-1].masked_fill_(torso[0] > _NOWHERE, _NOWHERE)  # the neck goes over into the torso
    near = torch.cat([torso, heads.amax(dim=0, keepdim=True), limbs])
    rank = torch.cat([near[: FIRST_LIMB_PART - 1], limbs + place.of(INSIST * label.float())])
    part = rank.topk(2, dim=0).indices
    nearest = near.gather(0, part)
    there = nearest > _NOWHERE
    layers = near.new_zeros(4, body.field[0].numel())
    layers[:, pixel] = torch.cat([(part + 1) * there, nearest.clamp(-_FARTHEST, _FARTHEST) * there])
    return DepthLayers(*layers.view(4, *body.field.shape[1:]))


def depth_layer_maps(layers: DepthLayers) -> Tensor:
    """What a network sees of depth layers: the nearness of the front and of the second part, (B, 2, H, W) float32, 1 for 400 mm."""
    return torch.stack([layers.near_front, layers.near_second], dim=1) / UNIT


def _surfaces(body: Body, joint: Tensor, field: Tensor, place: Place) -> Tensor:
    """Nearness of the surface of each field's part at N places, (12, N) mm; field : (12, N); joint : (B, 17, 3), px and mm."""
    start, end = (point[:, : FIELDS - 1] for point in axes(joint))
    radius = body.radius[:, : FIELDS - 1] / body.scale.clamp(min=1e-6)[:, None]
    depth = place.between(start[..., 2], end[..., 2], place.along(start[..., :2], end[..., :2]))
    near = place.of(radius) * field[:-1].clamp(min=0).sqrt() - depth
    return torch.cat([near, _torso_surface(body, joint, place)[None]])


def _torso_surface(body: Body, joint: Tensor, place: Place) -> Tensor:
    """Nearness of the torso's surface, (N,) mm: the nearest of its capsules; beside them it falls off steeply."""
    left_shoulder, right_shoulder, right_hip, left_hip = joint[:, TORSO].split(1, dim=1)
    at_shoulders, at_hips, padding = (joint.new_tensor(values)[:, None] for values in (AT_SHOULDERS, AT_HIPS, PADDING))
    radius = padding * TORSO_HALF_DEPTH  # mm
    top, bottom = right_shoulder + at_shoulders * (left_shoulder - right_shoulder), right_hip + at_hips * (left_hip - right_hip)
    scale = body.scale.clamp(min=1e-6)[:, None, None]
    length = (bottom - top)[..., :2].norm(dim=-1, keepdim=True) / scale
    top = top + (TOP * radius / length.clamp(min=1e-6)).clamp(max=0.5) * (bottom - top)
    along = place.along(top[..., :2], bottom[..., :2])
    x, y, depth = (place.between(top[..., i], bottom[..., i], along) for i in range(3))
    field = 1 - ((x - place.x) ** 2 + (y - place.y) ** 2) / place.of((radius * scale)[..., 0] ** 2)
    return (torch.where(field > 0, radius * field.clamp(min=0).sqrt(), _STEEP * field) - depth).amax(dim=0)
