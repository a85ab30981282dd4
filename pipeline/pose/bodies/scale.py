"""How many px a mm measures: the scale of a body in an image."""

import torch
from torch import Tensor

from pipeline.pose.skeleton import H36M_17

# Usual lengths between an adult's joints, mm, which give the scale.
_BONES = tuple(
    (H36M_17.index(f"{side}_{upper}"), H36M_17.index(f"{other}_{lower}"), length)
    for upper, lower, length, crosswise in (
        ("hip", "knee", 440.0, False),
        ("knee", "ankle", 430.0, False),
        ("shoulder", "elbow", 280.0, False),
        ("elbow", "wrist", 255.0, False),
        ("shoulder", "hip", 490.0, False),
        ("shoulder", "hip", 560.0, True),
    )
    for side, opposite in (("left", "right"), ("right", "left"))
    for other in (opposite if crosswise else side,)
)


@torch.no_grad()
def body_scale(pose_2d: Tensor) -> Tensor:
    """Scale of each body, px per mm, (B,), from the ratios of the bones' lengths in the image to their usual lengths.

    The third largest ratio, because a joint that is a little off lengthens a bone or two (of fewer bones the smallest; 0 without any).
    """
    upper, lower, length = (torch.tensor(column, device=pose_2d.device) for column in zip(*_BONES, strict=True))
    ratio = (pose_2d[:, lower] - pose_2d[:, upper]).norm(dim=-1) / length
    highest = ratio.nan_to_num(0.0).topk(3, dim=1).values
    rank = (highest > 0).sum(dim=1, keepdim=True).sub(1).clamp(min=0)
    return highest.gather(1, rank)[:, 0]
