"""Networks whose weights have no say: what they paint follows by hand."""

import torch
from torch import Tensor, nn

from pipeline.networks.unet import G1


class PaintsByHand(G1):
    """A coarse generator; what it paints is up to `forward`."""

    def __init__(self) -> None:
        super().__init__(1, (), (8, 4), 1, 3, "conv", "nearest")


class HandsOn(PaintsByHand):
    """Paints the colours that are placed on top, and the source where there are none."""

    def forward(self, source: Tensor, maps: Tensor) -> Tensor:
        return torch.where(maps[:, 3:4] > 0, maps[:, :3], source)


class AddsNothing(nn.Module):
    """G2 that leaves the coarse image as it is."""

    def forward(self, coarse: Tensor, _: Tensor) -> Tensor:
        return torch.zeros_like(coarse)
