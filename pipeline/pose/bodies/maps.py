"""Keypoints and labels drawn as maps and masks, in torch, batched, on the device of the keypoints.

Everything comes from 2D joints and labels alone, never from true depth: hand labels have none, and the 2D baseline must be blind. The
centre of the pixel in column x and row y is at (x, y). A joint that is missing (NaN) takes what hangs on it out of the drawing.

The body is a set of capsules around the bones, in ten parts: 1 torso, 2 head with neck, then 3 + limb in the order of `skeleton.LIMBS`;
a forearm goes on to the hand, a calf to the foot. The torso is the quadrilateral of shoulders and hips, widened by as much of half its
thickness as the view shows: hardly at all from the front, by all of it from the side. How many px a mm measures is estimated from the
bones: those that are least foreshortened, hence longest against their usual lengths, give the scale.

The kinds of map:

- `rgb`, 3 channels: the thesis' stickman. Thin limbs, blue where occluded, green in the torso's plane, red in front, drawn far to near,
  with the torso's area and the lines of neck, head and nose in green. Blue is (-1, -1, 1) and so on; the background is (-1, -1, -1).
- `limbs`, 10 channels: each part's whole area, whether or not another part hides it. A limb's value is (label + 2) / 3: 1/3 occluded, 2/3
  in the torso's plane, 1 in front. Torso and head have no label and are drawn as in the torso's plane. The background is 0.
- `parts`, 10 channels: 1 where that part is the one that is seen, else 0. Occluded limbs are drawn first, then neck, torso and head, then
  the limbs in the torso's plane, then those in front. Of limbs with the same label forearms cover upper arms, those cover thighs, and those
  calves; of a left and a right limb of one kind that one is seen whose arm or leg is farther in front otherwise, or else whose axis is
  nearer, so that a mirrored pose has the mirrored map. (The label does not say what occludes a limb. In the built-in data it is the torso,
  where there is one, in nine pixels of ten.)
- `heatmaps`, 17 channels: a disc around each joint, 1 inside and -1 outside, as in PG2's code.

Masks of pixels are float32 tensors of 0 and 1 throughout: on a CPU, torch is four times as fast with them as with booleans.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.config.pose import MapKind
from pipeline.pose.bodies.scale import body_scale
from pipeline.pose.skeleton import CHAIN_LIMBS, H36M_17, LIMB_KINDS, LIMBS, NECK_AND_HEAD, TORSO

BACKGROUND, TORSO_PART, HEAD_PART, FIRST_LIMB_PART = 0, 1, 2, 3
N_PARTS = 2 + len(LIMBS)
CHANNELS: dict[MapKind, int] = {"rgb": 3, "limbs": N_PARTS, "parts": N_PARTS, "heatmaps": len(H36M_17)}

# What is drawn, in mm, after ANSUR II. Not the parameters of the label rule (section `pose` of params.yaml): these are fixed, because a
# trained network must go on seeing the same maps when the rule is tuned.
LIMB_RADIUS = {"thigh": 80.0, "calf": 60.0, "upper_arm": 50.0, "forearm": 45.0}
HEAD_RADIUS, NOSE_RADIUS, NECK_RADIUS = 95.0, 25.0, 55.0
TORSO_HALF_DEPTH = 120.0
TORSO_RIM = 25.0  # flesh outside the joints of shoulders and hips, seen from the front
FOOT_RADIUS = 130.0  # of the body mask around the sole: a foot may point anywhere
MASK_RIM = 25.0  # by how much the body mask goes beyond the body: loose clothes, hair, joints that are a little off
# Shares of a bone, and of a radius.
HAND, FOOT = 0.4, 0.15  # how far hand and foot go on beyond wrist and ankle, of forearm and calf
JOINT = 1.5  # limbs overlap only farther than this many of their radii from a joint that they share
CROWN, CHIN = 0.27, 0.52  # where the head's axis begins and ends, of the way from the top of the head to the thorax
# Of the stickman, shares of the image's height (3 px of 128, as in VUNet).
LINE_WIDTH = 3 / 128

_SHOULDERS, _HIPS = 330.0, 250.0  # usual width between the joints, mm

_SHARED_JOINTS = {upper for upper, _ in LIMBS}
_APART = torch.tensor([[float(not set(limb) & set(other)) for other in LIMBS] for limb in LIMBS])  # 1 for two limbs that share no joint

_HEAD, _NOSE, _NECK, _TORSO = (len(LIMBS) + extra for extra in range(4))  # order of the fields after the limbs
FIELDS = len(LIMBS) + 4
_FAR = -1e4  # px; where a missing part is put
_MIN_RADIUS = 0.5  # px
_STEP = 3 * 4  # of a limb's key in `part_layers`: 3 labels of the other limb, 4 kinds
_SIBLING = {limb: sum(pair) - limb for pair in CHAIN_LIMBS for limb in pair}
_KINDS = ("calf", "thigh", "upper_arm", "forearm")  # at the same label, each covers those before it


@dataclass(frozen=True)
class Body:
    """A batch of bodies, measured once: every map and every mask derives from it.

    A field says for each pixel how near it is to a part: 1 - (distance to the part's axis / radius)^2, hence 1 on the axis, 0 on the
    surface and negative outside, hugely so for a missing part.

    field : (12, B, H, W) float32: limbs, head, nose, neck, torso; the torso's is 1 inside the quadrilateral, its radius is that of the rim
    radius : (B, 12) float32, px
    scale : (B,) float32, px per mm
    joint : (B, 17, 2) float32, px
    """

    field: Tensor
    radius: Tensor
    scale: Tensor
    joint: Tensor

    def within(self, part: int, reach: Tensor) -> Tensor:
        """(B, H, W): 1 where a pixel is no farther than `reach` (B,) px from the axis of the part, else 0."""
        return _at_least(self.field[part], (1 - (reach / self.radius[:, part]) ** 2)[:, None, None])

    def area(self, part: int, rim: float = 0.0) -> Tensor:
        """(B, H, W): 1 on the part, or no farther from it than `rim` mm; else 0."""
        return self.within(part, self.radius[:, part] + rim * self.scale)

    def disc(self, centre: Tensor, radius: Tensor) -> Tensor:
        """(B, H, W): 1 no farther than `radius` (B,) px from `centre` (B, 2), else 0; all 0 where the centre is missing."""
        x, y = _grid(self.field)
        px, py = (x - centre[:, :1]) ** 2, radius[:, None] ** 2 - (y - centre[:, 1:]) ** 2
        return _at_least(py[:, :, None] - px[:, None, :], 0.0)


def channels(kinds: Sequence[MapKind]) -> int:
    """How many channels the maps of these kinds have together."""
    return sum(CHANNELS[kind] for kind in kinds)


def draw_maps(pose_2d: Tensor, label: Tensor, size: tuple[int, int], kinds: Sequence[MapKind], heatmap_radius: float) -> Tensor:
    """Draw maps of the kinds wanted, one after the other.

    pose_2d : (B, 17, 2) float, px of an image of `size` (height, width), NaN where a joint is missing
    label : (B, 8), -1, 0 or +1
    heatmap_radius : of the discs of `heatmaps`, px
    returns : (B, channels(kinds), H, W) float32 in [-1, 1]
    """
    return draw_body(measure(pose_2d, size), label, kinds, heatmap_radius)


def body_mask(pose_2d: Tensor, size: tuple[int, int]) -> Tensor:
    """PG2's mask: the whole body, a little widened, with head, hands and feet; (B, 1, H, W) float32, 0 or 1."""
    return mask_body(measure(pose_2d, size))


def part_map(pose_2d: Tensor, label: Tensor, size: tuple[int, int]) -> Tensor:
    """Which part is seen at each pixel: (B, H, W) int64; 0 background, 1 torso, 2 head, 3 + limb."""
    return seen_parts(measure(pose_2d, size), label).long()


@torch.no_grad()
def overlap_mask(pose_2d: Tensor, size: tuple[int, int]) -> Tensor:
    """Where limbs overlap the torso or each other, away from the joints that they share: (B, 1, H, W) float32, 0 or 1."""
    return overlap_of(measure(pose_2d, size))


@torch.no_grad()
def overlap_of(body: Body) -> Tensor:
    """`overlap_mask` of bodies that are measured already."""
    _, count = _free_areas(body)
    return _at_least(count, 2.0)[:, None]


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
    return limbs, body.within(_TORSO, body.radius[:, _TORSO] - TORSO_RIM * body.scale)


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


@torch.no_grad()
def measure(pose_2d: Tensor, size: tuple[int, int]) -> Body:
    """Measure bodies in an image of `size` (height, width); `pose_2d` as in `draw_maps`."""
    joint = pose_2d.float()
    scale = body_scale(joint)
    start, end = axes(joint)
    radius = _radii(joint, scale)
    edge = radius[:, [_TORSO] * len(TORSO)]
    field = _capsule_fields(start, end, torch.cat([radius[:, :_TORSO], edge], dim=1), size)
    torso = field[_TORSO]
    for other in field[_TORSO + 1 :]:
        torch.maximum(torso, other, out=torso)
    inside = _inside_torso(joint[:, TORSO], field)
    torso.mul_(1 - inside).add_(inside)
    return Body(field[:FIELDS], radius, scale, joint)


@torch.no_grad()
def draw_body(body: Body, label: Tensor, kinds: Sequence[MapKind], heatmap_radius: float) -> Tensor:
    """`draw_maps` of bodies that are measured already."""
    _, batch, height, width = body.field.shape
    maps = torch.empty((batch, channels(kinds), height, width), device=body.field.device)
    for kind, out in zip(kinds, maps.split([CHANNELS[kind] for kind in kinds], dim=1), strict=True):
        match kind:
            case "rgb":
                _draw_rgb(body, label, out)
            case "limbs":
                _draw_limbs(body, label, out)
            case "parts":
                _draw_parts(body, label, out)
            case "heatmaps":
                _draw_heatmaps(body, heatmap_radius, out)
    return maps


@torch.no_grad()
def part_axes(body: Body) -> tuple[Tensor, Tensor, Tensor]:
    """Start and end of the axis of each part, (B, 10, 2) px, and its radius, (B, 10) px: half the width of a torso, which has none of its own."""
    start, end = axes(body.joint)
    left_shoulder, right_shoulder, right_hip, left_hip = body.joint[:, TORSO].unbind(1)
    widths = [(left - right).norm(dim=-1) for left, right in ((left_shoulder, right_shoulder), (left_hip, right_hip))]
    torso = (left_shoulder + right_shoulder) / 2, (left_hip + right_hip) / 2, torch.maximum(*widths) / 2 + body.radius[:, _TORSO]
    head = start[:, _HEAD], body.joint[:, NECK_AND_HEAD[0]], body.radius[:, _HEAD]
    limbs = start[:, :_HEAD], end[:, :_HEAD], body.radius[:, :_HEAD]
    first, second, third = (torch.cat([torch.stack([a, b], dim=1), c], dim=1) for a, b, c in zip(torso, head, limbs, strict=True))
    return first, second, third


@torch.no_grad()
def mask_body(body: Body) -> Tensor:
    """`body_mask` of bodies that are measured already."""
    mask = torch.zeros_like(body.field[0])
    for part in range(FIELDS):
        torch.maximum(mask, body.area(part, MASK_RIM), out=mask)
    for side in ("right", "left"):
        knee, ankle = (body.joint[:, H36M_17.index(f"{side}_{name}")] for name in ("knee", "ankle"))
        torch.maximum(mask, body.disc(_beyond(knee, ankle, FOOT), FOOT_RADIUS * body.scale), out=mask)
    return mask[:, None]


def _draw_rgb(body: Body, label: Tensor, out: Tensor) -> None:
    """Each pixel's level is 0 background, 1 occluded, 2 in the plane, 3 in front; drawing far to near keeps the highest."""
    height = body.field.shape[2]
    half_width = torch.full_like(body.scale, max(LINE_WIDTH * height, 1.0) / 2)
    level = torch.zeros_like(body.field[0])
    for part in range(FIELDS):
        value = label[:, part, None, None].float() + 2 if part < len(LIMBS) else 2.0
        torch.maximum(level, body.within(part, half_width).mul_(value), out=level)
    for channel, wanted in enumerate((3, 2, 1)):
        torch.eq(level, wanted, out=out[:, channel]).mul_(2).sub_(1)


def _draw_limbs(body: Body, label: Tensor, out: Tensor) -> None:
    plane = 2 / 3
    torch.mul(body.area(_TORSO), plane, out=out[:, TORSO_PART - 1])
    torch.mul(torch.maximum(_face(body), body.area(_NECK)), plane, out=out[:, HEAD_PART - 1])
    for number in range(len(LIMBS)):
        torch.mul(body.area(number), (label[:, number, None, None].float() + 2) / 3, out=out[:, FIRST_LIMB_PART - 1 + number])


def _draw_parts(body: Body, label: Tensor, out: Tensor) -> None:
    seen = seen_parts(body, label)
    for part in range(1, N_PARTS + 1):
        torch.eq(seen, part, out=out[:, part - 1])


def _draw_heatmaps(body: Body, radius: float, out: Tensor) -> None:
    reach = torch.full_like(body.scale, radius)
    for joint in range(len(H36M_17)):
        torch.mul(body.disc(body.joint[:, joint], reach), 2, out=out[:, joint]).sub_(1)


@torch.no_grad()
def seen_parts(body: Body, label: Tensor) -> Tensor:
    """`part_map` of bodies that are measured already, as float32."""
    return part_layers(body, label)[0]


@torch.no_grad()
def part_layers(body: Body, label: Tensor) -> tuple[Tensor, Tensor]:
    """Which part is seen at each pixel, and which comes next beneath it: (B, H, W) float32 each, numbered as in `part_map`.

    At each pixel the part with the highest key is seen. A limb's key lies between label * STEP and (label + 1) * STEP, so the keys of
    occluded limbs are at most 0, those of limbs in the plane above 0; torso and head have the key 0. Within a label it is the kind that
    counts, then the label of the other limb of the same arm or leg, then the field.
    """
    torso = body.area(_TORSO)
    head = torch.maximum(_face(body), body.area(_NECK) * (1 - torso))
    seen, beneath = TORSO_PART * torso * (1 - head) + HEAD_PART * head, TORSO_PART * torso * head
    highest, second = (torch.sub(there, 1).mul_(2 * _STEP) for there in (torch.maximum(torso, head), torso * head))  # 0 where they are
    for number, kind in enumerate(LIMB_KINDS):
        rank = label[:, number].float() * _STEP + 3 * _KINDS.index(kind) + label[:, _SIBLING[number]].float() + 1
        key = torch.where(body.area(number) > 0, body.field[number] + rank[:, None, None], -4.0 * _STEP)
        first, next_ = key > highest, key > second
        beneath = torch.where(first, seen, beneath.masked_fill_(next_, FIRST_LIMB_PART + number))
        second = torch.where(first, highest, torch.maximum(second, key))
        seen, highest = seen.masked_fill_(first, FIRST_LIMB_PART + number), torch.maximum(highest, key)
    return seen, beneath


def _face(body: Body) -> Tensor:
    """The head without the neck."""
    return torch.maximum(body.area(_HEAD), body.area(_NOSE))


def axes(joint: Tensor) -> tuple[Tensor, Tensor]:
    """Start and end of the axes of the limbs, of head, nose and neck, and of the torso's four edges: (B, 15, 2) each."""
    further = {"forearm": HAND, "calf": FOOT}
    thorax, nose, top = joint[:, NECK_AND_HEAD].unbind(1)
    start, end = joint[:, [upper for upper, _ in LIMBS]], joint[:, [lower for _, lower in LIMBS]]
    end = _beyond(start, end, joint.new_tensor([[further.get(kind, 0.0)] for kind in LIMB_KINDS]))
    crown, chin = (top + share * (thorax - top) for share in (CROWN, CHIN))
    heads = torch.stack([crown, nose, thorax], dim=1), torch.stack([chin, (crown + chin) / 2, chin], dim=1)
    corner = joint[:, TORSO]
    corner = torch.where(corner.isnan().any(dim=1, keepdim=True), torch.nan, corner)
    return torch.cat([start, heads[0], corner], dim=1), torch.cat([end, heads[1], corner.roll(-1, dims=1)], dim=1)


def _beyond(start: Tensor, end: Tensor, share: Tensor | float) -> Tensor:
    """The point that lies beyond `end` by a share of the way from `start` to it."""
    return end + share * (end - start)


def _radii(joint: Tensor, scale: Tensor) -> Tensor:
    """(B, 12) px: radii of limbs, head, nose and neck, and the torso's rim; never less than half a pixel."""
    fixed = joint.new_tensor([LIMB_RADIUS[kind] for kind in LIMB_KINDS] + [HEAD_RADIUS, NOSE_RADIUS, NECK_RADIUS])
    radius = torch.cat([fixed * scale[:, None], _torso_rim(joint[:, TORSO], scale)[:, None]], dim=1)
    return radius.clamp(min=_MIN_RADIUS)


def _torso_rim(corner: Tensor, scale: Tensor) -> Tensor:
    """By how much the torso's quadrilateral is widened, px, (B,).

    The torso is an ellipse from above, with half axes a (half the width between the joints) and b (half its depth). Turned by t it looks
    sqrt((a cos t)^2 + (b sin t)^2) wide to either side, of which the joints span a cos t. Mean of shoulders and hips.
    """
    left_shoulder, right_shoulder, right_hip, left_hip = corner.unbind(1)
    rims = []
    for left, right, width in ((left_shoulder, right_shoulder, _SHOULDERS), (left_hip, right_hip, _HIPS)):
        seen = (left - right).norm(dim=-1).nan_to_num(0.0) / 2
        cosine = (2 * seen / (width * scale).clamp(min=1e-6)).clamp(max=1)
        rims.append(torch.hypot(seen, TORSO_HALF_DEPTH * scale * (1 - cosine**2).sqrt()) - seen)
    return (rims[0] + rims[1]) / 2 + TORSO_RIM * scale


def _capsule_fields(start: Tensor, end: Tensor, radius: Tensor, size: tuple[int, int]) -> Tensor:
    """Fields of capsules around the segments from `start` to `end` (B, P, 2) with `radius` (B, P): (P, B, H, W).

    With p from the segment's middle, a = p.u along it in half lengths h, and c = a clamped to [-1, 1], the squared distance is
    p^2 + h^2 c (c - 2 a). Everything but the clamp is a sum of a term in x and a term in y.
    """
    missing = (start + end).isnan().any(dim=-1, keepdim=True)
    start, end = (torch.where(missing, _FAR, point) for point in (start, end))
    middle, half_axis = ((start + end) / 2).transpose(0, 1), ((end - start) / 2).transpose(0, 1)  # (P, B, 2)
    half = half_axis.norm(dim=-1, keepdim=True).clamp(min=1e-3)  # (P, B, 1)
    radius = radius.t()[..., None]  # (P, B, 1)
    field = torch.empty((*middle.shape[:2], *size), device=start.device)
    x, y = _grid(field)
    px, py = x - middle[..., :1], y - middle[..., 1:]  # (P, B, W), (P, B, H)
    along_x, along_y = (p * half_axis[..., i : i + 1] / half**2 for i, p in enumerate((px, py)))
    field_x, field_y = 1 - (px / radius) ** 2, -((py / radius) ** 2)
    factor = -((half / radius) ** 2)[..., None]
    along, clamped = torch.empty_like(field[0]), torch.empty_like(field[0])
    for part in range(len(field)):
        torch.add(along_y[part, :, :, None], along_x[part, :, None, :], out=along)
        torch.clamp(along, -1, 1, out=clamped)
        torch.sub(clamped, along, alpha=2, out=along).mul_(factor[part])
        torch.add(field_y[part, :, :, None], field_x[part, :, None, :], out=field[part]).addcmul_(clamped, along)
    return field


def _inside_torso(corner: Tensor, field: Tensor) -> Tensor:
    """(B, H, W): 1 inside the quadrilateral (B, 4, 2), which may cross itself, else 0; all 0 where a corner is missing.

    A pixel is inside where a ray to the right crosses an odd number of edges.
    """
    x, y = _grid(field)
    sign = torch.ones_like(field[0])
    crossed = torch.empty_like(sign)
    for start, end in zip(corner.unbind(1), corner.roll(-1, dims=1).unbind(1), strict=True):
        spans = (start[:, 1:] > y) != (end[:, 1:] > y)  # (B, H)
        at = start[:, :1] + (y - start[:, 1:]) * (end - start)[:, :1] / (end - start)[:, 1:]
        torch.lt(x, torch.where(spans, at, _FAR)[:, :, None], out=crossed)
        sign.addcmul_(sign, crossed, value=-2)
    return sign.sub_(1).div_(-2).mul_((~corner.isnan().any(dim=(1, 2))).float()[:, None, None])


def _grid(field: Tensor) -> tuple[Tensor, Tensor]:
    """Coordinates of the columns (W,) and rows (H,) of an image as large as the field."""
    height, width = field.shape[-2:]
    return torch.arange(width, dtype=torch.float32, device=field.device), torch.arange(height, dtype=torch.float32, device=field.device)


def _at_least(values: Tensor, threshold: Tensor | float) -> Tensor:
    """1 where a value is at least the threshold, else 0."""
    return torch.ge(values, threshold, out=torch.empty_like(values))
