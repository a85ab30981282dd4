"""Masks of bodies: where errors count twice, where limbs overlap, and which labels can decide something. Float32 tensors of 0 and 1."""

import torch
from torch import Tensor

from pipeline.pose.bodies.body import FIELDS, FOOT, TORSO_FIELD, TORSO_RIM, Body, at_least, beyond
from pipeline.pose.skeleton import H36M_17, LIMBS, TORSO

FOOT_RADIUS = 130.0  # mm, of the body mask around the sole: a foot may point anywhere
MASK_RIM = 25.0  # mm by which the body mask goes beyond the body: loose clothes, hair, joints that are a little off
JOINT = 1.5  # limbs overlap only farther than this many of their radii from a joint that they share

_SHARED_JOINTS = {upper for upper, _ in LIMBS}
_APART = torch.tensor([[float(not set(limb) & set(other)) for other in LIMBS] for limb in LIMBS])  # 1 for two limbs that share no joint


@torch.no_grad()
def body_mask(body: Body) -> Tensor:
    """PG2's mask: the whole body, a little widened, with head, hands and feet; (B, 1, H, W) float32, 0 or 1."""
    mask = torch.zeros_like(body.field[0])
    for part in range(FIELDS):
        torch.maximum(mask, body.area(part, MASK_RIM), out=mask)
    for side in ("right", "left"):
        knee, ankle = (body.joint[:, H36M_17.index(f"{side}_{name}")] for name in ("knee", "ankle"))
        torch.maximum(mask, body.disc(beyond(knee, ankle, FOOT), FOOT_RADIUS * body.scale), out=mask)
    return mask[:, None]


@torch.no_grad()
def overlap_mask(body: Body) -> Tensor:
    """Where limbs overlap the torso or each other, away from the joints that they share: (B, 1, H, W) float32, 0 or 1."""
    _, count = _free_areas(body)
    return at_least(count, 2.0)[:, None]


@torch.no_grad()
def mask_idle_labels(body: Body, label: Tensor) -> Tensor:
    """The labels (B, 8) as far as they can decide something in the image: 0 of a limb that overlaps neither torso nor a limb it shares no joint with.

    The rule gives hardly any such limb a label, so nothing says what to make of one; and whoever turns it by hand expects the image to stay.
    """
    limbs, torso = _areas(body)
    others = torch.tensordot(_APART.to(limbs.device), limbs, dims=1)
    for number, (upper, _) in enumerate(LIMBS):
        others[number] += torso * (1 - _around(body, number, upper)) if upper in TORSO else torso
    return label * (limbs * others).flatten(2).any(dim=2).t().to(label.dtype)


def _areas(body: Body) -> tuple[Tensor, Tensor]:
    """The limbs, (8, B, H, W), and the torso without its rim, (B, H, W); 0 or 1."""
    limbs = torch.stack([body.area(number) for number in range(len(LIMBS))])
    return limbs, body.within(TORSO_FIELD, body.radius[:, TORSO_FIELD] - TORSO_RIM * body.scale)


def _around(body: Body, limb: int, joint: int) -> Tensor:
    """The surroundings of a joint that the limb shares, (B, H, W), 0 or 1."""
    return body.disc(body.joint[:, joint], JOINT * body.radius[:, limb])


def _free_areas(body: Body) -> tuple[Tensor, Tensor]:
    """The limbs without the surroundings of the joints that they share, (8, B, H, W), and how many of them and the torso lie at each pixel."""
    limbs, torso = _areas(body)
    for number, limb in enumerate(LIMBS):
        for joint in set(limb) & _SHARED_JOINTS:
            limbs[number] *= 1 - _around(body, number, joint)
    return limbs, limbs.sum(dim=0) + torso
