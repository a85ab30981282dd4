"""The discriminator of PG2: convolutions with stride 2 after DCGAN (Radford et al. 2016)."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from pipeline.utils.errors import UserError

FILTERS = 32  # of the first layer; each further layer has twice as many
SMALLEST = 4  # px; layers are added until the shorter side is this short


class D(nn.Module):
    """One logit per place: is this image true? `config` rebuilds it.

    kind : `pair`, D sees source and image together (PG2's paper); `triplet`, the image alone (PG2's code).
    border : px that are cut off on every side before D looks.
    Where PG2 normalises batches, the weights are normalised (Miyato et al. 2018), so that no image's logit depends on its neighbours in
    the batch, nor on how many devices share it.
    """

    def __init__(self, image_size: tuple[int, int], kind: str, border: int) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"image_size": list(image_size), "kind": kind, "border": border}
        self.pair = kind == "pair"
        self.border = border
        side = min(image_size) - 2 * border
        if side < 2 * SMALLEST:
            raise UserError(
                f"model.border = {border}: expected at least {2 * SMALLEST} px of an image of {list(image_size)} to be left, found {side}; lower it"
            )
        channels = 6 if self.pair else 3
        layers: list[nn.Module] = []
        while side > SMALLEST:
            wider = 2 * channels if layers else FILTERS
            layers.append(spectral_norm(nn.Conv2d(channels, wider, 5, stride=2, padding=2)))
            channels, side = wider, -(-side // 2)
        self.layers = nn.ModuleList(layers)
        self.out = spectral_norm(nn.Conv2d(channels, 1, 3, padding=1))

    def forward(self, source: Tensor, image: Tensor) -> Tensor:
        """Two images (B, 3, H, W) -> logits (B, 1, h, w) of a coarse grid of places."""
        x = torch.cat((source, image), dim=1) if self.pair else image
        height, width = x.shape[2:]
        x = x[..., self.border : height - self.border, self.border : width - self.border]
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
        return self.out(x)
