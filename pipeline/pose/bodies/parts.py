"""The body in ten parts: which of them is in front at each pixel, as the labels say, and which comes next behind it.

A part map holds 0 for the background, 1 for the torso, 2 for head and neck, then 3 + limb in the order of `skeleton.LIMBS`. Occluded limbs lie
behind neck, torso and head, then come the limbs in the torso's plane, then those in front. Of limbs with the same label forearms cover upper arms,
those cover thighs, and those calves; of a left and a right limb of one kind that one is in front whose arm or leg is farther in front otherwise, or
else whose axis is nearer, so that a mirrored pose has the mirrored map. (The label does not say what occludes a limb. In the built-in data it is the
torso, where there is one, in nine pixels of ten.)
"""

import torch
from torch import Tensor

from pipeline.pose.bodies.body import HEAD_FIELD, NECK_FIELD, NOSE_FIELD, TORSO_FIELD, Body, axes
from pipeline.pose.skeleton import CHAIN_LIMBS, LIMB_KINDS, LIMB_RADIUS, LIMBS, NECK_AND_HEAD, TORSO

BACKGROUND, TORSO_PART, HEAD_PART, FIRST_LIMB_PART = 0, 1, 2, 3
N_PARTS = 2 + len(LIMBS)

_SIBLING = {limb: limb for limb in range(len(LIMBS))} | {limb: sum(pair) - limb for pair in CHAIN_LIMBS for limb in pair}  # of the same arm or leg
_KINDS = tuple(LIMB_RADIUS)  # at the same label, each covers those before it
_STEP = 3 * len(_KINDS)  # of a limb's key in `part_layers`: 3 labels of the other limb, and the kinds


@torch.no_grad()
def front_parts(body: Body, label: Tensor) -> Tensor:
    """The part map: which part is in front at each pixel, (B, H, W) float32; label : (B, 8)."""
    return part_layers(body, label)[0]


@torch.no_grad()
def part_layers(body: Body, label: Tensor) -> tuple[Tensor, Tensor]:
    """Which part is in front at each pixel, and which is second, next behind it: (B, H, W) float32 each, part maps; label : (B, 8).

    At each pixel the part with the highest key is in front. A limb's key lies between label * STEP and (label + 1) * STEP, so the keys of
    occluded limbs are at most 0, those of limbs in the plane above 0; torso and head have the key 0. Within a label it is the kind that
    counts, then the label of the other limb of the same arm or leg, then the field.
    """
    torso = body.area(TORSO_FIELD)
    head = torch.maximum(face_area(body), body.area(NECK_FIELD) * (1 - torso))
    front, second = TORSO_PART * torso * (1 - head) + HEAD_PART * head, TORSO_PART * torso * head
    front_key, second_key = (torch.sub(there, 1).mul_(2 * _STEP) for there in (torch.maximum(torso, head), torso * head))  # 0 where they are
    for number, kind in enumerate(LIMB_KINDS):
        rank = label[:, number].float() * _STEP + 3 * _KINDS.index(kind) + label[:, _SIBLING[number]].float() + 1
        key = torch.where(body.area(number) > 0, body.field[number] + rank[:, None, None], -4.0 * _STEP)
        before_front, before_second = key > front_key, key > second_key
        second = torch.where(before_front, front, second.masked_fill_(before_second, FIRST_LIMB_PART + number))
        second_key = torch.where(before_front, front_key, torch.maximum(second_key, key))
        front, front_key = front.masked_fill_(before_front, FIRST_LIMB_PART + number), torch.maximum(front_key, key)
    return front, second


def face_area(body: Body) -> Tensor:
    """The head without the neck."""
    return torch.maximum(body.area(HEAD_FIELD), body.area(NOSE_FIELD))


@torch.no_grad()
def part_axes(body: Body) -> tuple[Tensor, Tensor, Tensor]:
    """Start and end of the axis of each part, (B, 10, 2) px, and its radius, (B, 10) px: half the width of a torso, which has none of its own."""
    start, end = axes(body.joint)
    left_shoulder, right_shoulder, right_hip, left_hip = body.joint[:, TORSO].unbind(1)
    widths = [(left - right).norm(dim=-1) for left, right in ((left_shoulder, right_shoulder), (left_hip, right_hip))]
    torso = (left_shoulder + right_shoulder) / 2, (left_hip + right_hip) / 2, torch.maximum(*widths) / 2 + body.radius[:, TORSO_FIELD]
    head = start[:, HEAD_FIELD], body.joint[:, NECK_AND_HEAD[0]], body.radius[:, HEAD_FIELD]
    limbs = start[:, :HEAD_FIELD], end[:, :HEAD_FIELD], body.radius[:, :HEAD_FIELD]
    first, second, third = (torch.cat([torch.stack([a, b], dim=1), c], dim=1) for a, b, c in zip(torso, head, limbs, strict=True))
    return first, second, third
