"""Depth from a 2.5D pose: how far each joint is from the camera, from its place in the image and the labels of the limbs.

The 2D skeleton says how much each bone is foreshortened, hence how far its ends are apart in depth, but not which end is nearer (Taylor 2000,
*Reconstruction of articulated objects from point correspondences in a single uncalibrated image*). The labels choose between the two. The
network is the residual one of Martinez et al. 2017 (arXiv 1705.03098) without batch normalisation, with the labels as further input.
"""

from typing import Any

import torch
from torch import Tensor, nn

from pipeline.pose_maps import body_scale
from pipeline.skeleton import H36M_17, LIMBS, TORSO

SCALE_2D, SCALE_DEPTH = 500.0, 300.0  # mm; what goes in and what comes out is about as large as 1
_FEATURES = len(H36M_17) * 3 + len(LIMBS)


class Lifter(nn.Module):
    """Joints and, unless `labels` is false, labels to depths. `config` rebuilds it."""

    def __init__(self, width: int, blocks: int, labels: bool) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"width": width, "blocks": blocks, "labels": labels}
        self.first = nn.Linear(_FEATURES, width)
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width)) for _ in range(blocks))
        self.last = nn.Linear(width, len(H36M_17))

    def forward(self, pose_2d: Tensor, label: Tensor) -> Tensor:
        """Depths of the joints, (B, 17) float32 mm, away from the camera, the hips' being about 0.

        pose_2d : (B, 17, 2) float32, px of any image that is not stretched, NaN where a joint is missing: its depth is guessed; label : (B, 8)
        """
        x = self.first(features(pose_2d, label if self.config["labels"] else torch.zeros_like(label))).relu()
        for block in self.blocks:
            x = (x + block(x)).relu()
        return self.last(x) * SCALE_DEPTH


def features(pose_2d: Tensor, label: Tensor) -> Tensor:
    """What the network sees, (B, 59) float32: joints from the middle of the torso in units of the body, which of them are known, and labels."""
    middle = pose_2d[:, TORSO].nanmean(dim=1, keepdim=True)
    place = (pose_2d - middle) / (body_scale(pose_2d) * SCALE_2D).clamp(min=1e-6)[:, None, None]
    known = ~place.isnan().any(dim=-1, keepdim=True)
    return torch.cat([torch.cat([place.nan_to_num(0.0) * known, known.float()], dim=-1).flatten(1), label.float()], dim=1)
