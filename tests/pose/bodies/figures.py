"""Bodies for the tests of whatever is drawn of bodies: the standing person, with joints elsewhere, mirrored, at random."""

import torch
from standing import SIZE, STANDING
from torch import Tensor

from pipeline.pose.bodies.body import measure
from pipeline.pose.bodies.maps import draw_maps
from pipeline.pose.bodies.parts import FIRST_LIMB_PART, front_parts, part_layers
from pipeline.pose.skeleton import H36M_17, LIMB_FLIP, LIMB_NAMES, LIMBS

MISSING = (torch.nan, torch.nan)
RIGHT_FOREARM, LEFT_FOREARM = (FIRST_LIMB_PART + LIMB_NAMES.index(f"{side}_forearm") for side in ("right", "left"))
RIGHT_CALF, LEFT_CALF = (FIRST_LIMB_PART + LIMB_NAMES.index(f"{side}_calf") for side in ("right", "left"))


def make_pose(**joints: tuple[float, float]) -> Tensor:
    """(1, 17, 2): the standing person with some joints elsewhere."""
    return torch.tensor([[{**STANDING, **joints}[name] for name in H36M_17.names]], dtype=torch.float32)


def make_label(**labels: int) -> Tensor:
    """(1, 8) int8, 0 but for the limbs named."""
    return torch.tensor([[labels.get(name, 0) for name in LIMB_NAMES]], dtype=torch.int8)


ARM_OVER = make_pose(right_elbow=(20, 50), right_wrist=(38, 50))  # the right forearm lies over the torso
ARM_ACROSS = make_pose(right_elbow=(12, 50), right_wrist=(30, 50))  # the right forearm begins beside the torso and ends before it
APART = make_pose(left_elbow=(56, 37), left_wrist=(62, 30), right_elbow=(8, 37), right_wrist=(2, 30))
LEGS_CROSSED = make_pose(right_ankle=(44, 118), left_ankle=(20, 118))


def random_bodies(count: int, seed: int = 0, spread: float = 6) -> tuple[Tensor, Tensor]:
    """Poses about the standing person, joints `spread` px from there, and any labels."""
    rng = torch.Generator().manual_seed(seed)
    pose = make_pose() + spread * torch.randn((count, 17, 2), generator=rng)
    return pose, torch.randint(-1, 2, (count, len(LIMBS)), generator=rng)


def mirror(pose: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    x, y = pose[:, list(H36M_17.flip)].unbind(-1)
    return torch.stack([SIZE[1] - 1 - x, y], dim=-1), label[:, list(LIMB_FLIP)]


def draw(pose: Tensor, label: Tensor, *kinds: str) -> Tensor:
    """Maps of the kinds wanted, discs of 4 px."""
    return draw_maps(measure(pose, SIZE), label, kinds, 4)


def part_map(pose: Tensor, label: Tensor) -> Tensor:
    """(B, H, W) int64."""
    return front_parts(measure(pose, SIZE), label).long()


def layers(pose: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """The front parts and the second ones, (B, H, W) int64 each."""
    front, second = part_layers(measure(pose, SIZE), label)
    return front.long(), second.long()


def body_area(pose: Tensor, limb: str) -> Tensor:
    """(1, H, W) bool, the whole area of one limb."""
    return measure(pose, SIZE).area(LIMB_NAMES.index(limb)) > 0


def middle(pose: Tensor, limb: str) -> tuple[float, float]:
    """The middle of a limb of the first body, px."""
    x, y = pose[0, list(LIMBS[LIMB_NAMES.index(limb)])].mean(0).tolist()
    return x, y
