"""Bodies measured from their 2D joints, in torch, batched, on the device of the keypoints: capsules around bones.

Everything comes from 2D joints alone, never from true depth: hand labels have none, and the 2D baseline must be blind. The centre of the pixel in
column x and row y is at (x, y). A joint that is missing (NaN) takes what hangs on it away.

A forearm goes on to the hand, a calf to the foot. The torso is the quadrilateral of shoulders and hips, widened by as much of half its thickness as
the view shows: hardly at all from the front, by all of it from the side. How many px a mm measures is estimated from the bones (`scale.py`).

Masks of pixels are float32 tensors of 0 and 1 throughout: on a CPU, torch is four times as fast with them as with booleans.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.pose.bodies.scale import body_scale
from pipeline.pose.skeleton import LIMB_KINDS, LIMB_RADIUS, LIMBS, NECK_AND_HEAD, TORSO

# What is drawn, in mm, after ANSUR II; limbs have theirs in `skeleton.LIMB_RADIUS`. Not the parameters of the label rule (section `pose` of
# params.yaml): these are fixed, because a trained network must go on seeing the same maps when the rule is tuned.
HEAD_RADIUS, NOSE_RADIUS, NECK_RADIUS = 95.0, 25.0, 55.0
TORSO_HALF_DEPTH = 120.0
TORSO_RIM = 25.0  # flesh outside the joints of shoulders and hips, seen from the front
# Shares of a bone: how far hand and foot go on beyond wrist and ankle, of forearm and calf; where the head's axis begins and ends, of the way
# from the top of the head to the thorax.
HAND, FOOT = 0.4, 0.15
CROWN, CHIN = 0.27, 0.52

SHOULDERS, HIPS = 330.0, 250.0  # usual width between the joints, mm

HEAD_FIELD, NOSE_FIELD, NECK_FIELD, TORSO_FIELD = (len(LIMBS) + extra for extra in range(4))  # order of the fields after the limbs
FIELDS = len(LIMBS) + 4
_FAR = -1e4  # px; where a missing part is put
_MIN_RADIUS = 0.5  # px


@dataclass(frozen=True)
class Body:
    """A batch of bodies, measured once: every map and every mask derives from it.

    A field says for each pixel how near it is to a part: 1 - (distance to the part's axis / radius)^2, hence 1 on the axis, 0 on the
    surface and negative outside, hugely so for a missing part.

    field : (12, B, H, W) float32: limbs, head, nose, neck, torso; the torso's is 1 inside the quadrilateral, its radius is that of the rim
    radius : (B, 12) float32, px
    scale : (B,) float32, px per mm
    joint : (B, 17, 2) float32, px
    depth : (B, 17) float32, mm, of the joints as the lifter gives them, where they are known already
    """

    field: Tensor
    radius: Tensor
    scale: Tensor
    joint: Tensor
    depth: Tensor | None = None

    def within(self, part: int, reach: Tensor) -> Tensor:
        """(B, H, W): 1 where a pixel is no farther than `reach` (B,) px from the axis of the part, else 0."""
        return at_least(self.field[part], (1 - (reach / self.radius[:, part]) ** 2)[:, None, None])

    def area(self, part: int, rim: float = 0.0) -> Tensor:
        """(B, H, W): 1 on the part, or no farther from it than `rim` mm; else 0."""
        return self.within(part, self.radius[:, part] + rim * self.scale)

    def disc(self, centre: Tensor, radius: Tensor) -> Tensor:
        """(B, H, W): 1 no farther than `radius` (B,) px from `centre` (B, 2), else 0; all 0 where the centre is missing."""
        x, y = _grid(self.field)
        px, py = (x - centre[:, :1]) ** 2, radius[:, None] ** 2 - (y - centre[:, 1:]) ** 2
        return at_least(py[:, :, None] - px[:, None, :], 0.0)


@torch.no_grad()
def measure(pose_2d: Tensor, size: tuple[int, int]) -> Body:
    """Measure bodies; pose_2d : (B, 17, 2) float, px of an image of `size` (height, width), NaN where a joint is missing."""
    joint = pose_2d.float()
    scale = body_scale(joint)
    start, end = axes(joint)
    radius = _radii(joint, scale)
    edge = radius[:, [TORSO_FIELD] * len(TORSO)]
    field = _capsule_fields(start, end, torch.cat([radius[:, :TORSO_FIELD], edge], dim=1), size)
    torso = field[TORSO_FIELD]
    for other in field[TORSO_FIELD + 1 :]:
        torch.maximum(torso, other, out=torso)
    inside = _inside_torso(joint[:, TORSO], field)
    torso.mul_(1 - inside).add_(inside)
    return Body(field[:FIELDS], radius, scale, joint)


def axes(joint: Tensor) -> tuple[Tensor, Tensor]:
    """Start and end of the axes of the limbs, of head, nose and neck, and of the torso's four edges: (B, 15, 2) each."""
    further = {"forearm": HAND, "calf": FOOT}
    thorax, nose, top = joint[:, NECK_AND_HEAD].unbind(1)
    start, end = joint[:, [upper for upper, _ in LIMBS]], joint[:, [lower for _, lower in LIMBS]]
    end = beyond(start, end, joint.new_tensor([[further.get(kind, 0.0)] for kind in LIMB_KINDS]))
    crown, chin = (top + share * (thorax - top) for share in (CROWN, CHIN))
    heads = torch.stack([crown, nose, thorax], dim=1), torch.stack([chin, (crown + chin) / 2, chin], dim=1)
    corner = joint[:, TORSO]
    corner = torch.where(corner.isnan().any(dim=1, keepdim=True), torch.nan, corner)
    return torch.cat([start, heads[0], corner], dim=1), torch.cat([end, heads[1], corner.roll(-1, dims=1)], dim=1)


def beyond(start: Tensor, end: Tensor, share: Tensor | float) -> Tensor:
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
    for left, right, width in ((left_shoulder, right_shoulder, SHOULDERS), (left_hip, right_hip, HIPS)):
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


def at_least(values: Tensor, threshold: Tensor | float) -> Tensor:
    """1 where a value is at least the threshold, else 0."""
    return torch.ge(values, threshold, out=torch.empty_like(values))
