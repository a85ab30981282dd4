"""The generators of PG2 (Ma et al. 2017, arXiv 1705.09368): G1 paints the coarse image, G2 what is to be added to it.

As published: blocks of two 3x3 convolutions around which the input passes, filters that grow linearly, a 3x3 convolution with stride 2
between blocks, skip connections, a decoder as wide as what it joins, no normalisation, no tanh at the end. Unlike PG2, a block's second
convolution and the last one of all begin at zero (as in Fixup, Zhang et al. 2019), and the sum is rectified, not the summand: without
normalisation this takes a learning rate a hundred times PG2's. The decoder's 1x1 convolution comes before the image is enlarged, not
after: with `nearest` that is the same function at a quarter of the work.

Two parameters make the work smaller. With the decoder `light`, what it joins is mixed into as many channels as the encoder has there. With
`shrink` = 2 the whole U-Net works at half the image's size (as sub-pixel convolution does, Shi et al. 2016, arXiv 1609.05158): pixels are gathered
into channels before it, and spread again behind it.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.networks.kinds import rebuild_lifter
from pipeline.networks.squares import cut_square, paste_square
from pipeline.pose.background import LAYER_CHANNELS
from pipeline.pose.conditioning import FINE, CloseUp, close_up_side
from pipeline.utils.errors import UserError

FIRST_SHARES = {"own": 0.0, "front": 2.0, "second": 0.0, "background": 2.0}  # logits before training: of own paint, and of each layer
UPSAMPLINGS = ("nearest", "bilinear", "transposed")
DECODERS = ("joined", "light")
HEAD_BLOCKS = 3  # of the U-Net that paints heads
LATENT = 64  # numbers between encoder and decoder of a fully connected bottleneck


class Block(nn.Module):
    """Two 3x3 convolutions around which the input passes; at first it only rectifies its input. (B, C, H, W) -> (B, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Rectified sum of the input and what the convolutions make of it."""
        return F.relu(x + self.second(F.relu(self.first(x))))


class Enlarge(nn.Module):
    """Twice the height and width, other channels. (B, C, H, W) -> (B, D, 2H, 2W)."""

    def __init__(self, in_channels: int, out_channels: int, upsampling: str) -> None:
        super().__init__()
        self.mode = None if upsampling == "transposed" else upsampling
        if self.mode is None:
            self.convolution: nn.Module = nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1)
        else:
            self.convolution = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Convolved, rectified and enlarged."""
        x = F.relu(self.convolution(x))
        return x if self.mode is None else F.interpolate(x, scale_factor=2, mode=self.mode)


class UNet(nn.Module):
    """Encoder and decoder with a skip connection at each of `blocks` scales; block i of the encoder has i * `filters` channels.

    The first scale is that of the image, `shrink` times smaller.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        image_size: tuple[int, int],
        filters: int,
        blocks: int,
        bottleneck: str,
        upsampling: str,
        shrink: int = 1,
        decoder: str = "joined",
    ) -> None:
        super().__init__()
        if upsampling not in UPSAMPLINGS:
            raise ValueError(f"expected the upsampling to be one of {UPSAMPLINGS}, got {upsampling!r}")
        if decoder not in DECODERS:
            raise ValueError(f"expected the decoder to be one of {DECODERS}, got {decoder!r}")
        height, width = _smallest_size(image_size, blocks, shrink)
        widths = [filters * (i + 1) for i in range(blocks)]
        self.shrink = shrink
        self.stem = nn.Conv2d(in_channels * shrink**2, filters, 3, padding=1)
        self.encoder = nn.ModuleList(Block(channels) for channels in widths)
        self.reduce = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(widths))
        self.middle, channels = _middle(bottleneck, widths[-1], filters, height, width)
        self.decoder, self.enlarge = nn.ModuleList(), nn.ModuleList()
        for i in reversed(range(blocks)):
            channels += widths[i]
            if decoder == "light":
                self.decoder.append(nn.Sequential(nn.Conv2d(channels, widths[i], 1), nn.ReLU(), Block(widths[i])))
                channels = widths[i]
            else:
                self.decoder.append(Block(channels))
            if i:
                self.enlarge.append(Enlarge(channels, widths[i - 1], upsampling))
                channels = widths[i - 1]
        self.out = nn.Conv2d(channels, out_channels * shrink**2, 3, padding=1)
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]
        for module in self.modules():
            if isinstance(module, Block):
                nn.init.zeros_(module.second.weight)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> (B, out_channels, H, W)."""
        x = F.relu(self.stem(gather(x, self.shrink)))
        skips = []
        for i, block in enumerate(self.encoder):
            x = block(x if i == 0 else F.relu(self.reduce[i - 1](x)))
            skips.append(x)
        x = self.middle(x)
        for i, block in enumerate(self.decoder):
            x = block(torch.cat((x if i == 0 else self.enlarge[i - 1](x), skips.pop()), dim=1))
        return F.pixel_shuffle(self.out(x), self.shrink)


def gather(x: Tensor, shrink: int) -> Tensor:
    """Each square of `shrink` x `shrink` pixels as one pixel of that many times the channels, in the layout that convolutions are fast in.

    (B, C, H, W) -> (B, C shrink², H / shrink, W / shrink); the reverse is `pixel_shuffle`.
    """
    if shrink == 1:
        return x
    squares = x.unflatten(3, (-1, shrink)).unflatten(2, (-1, shrink))  # (B, C, h, shrink, w, shrink)
    return squares.permute(0, 2, 4, 1, 3, 5).flatten(3).permute(0, 3, 1, 2)  # one copy; `pixel_unshuffle` and the change of layout would be two


class G1(nn.Module):
    """The coarse image of the source's person in the target pose. `config` rebuilds it.

    The first maps are `layers` of known pixels, as `Conditioning.layers` names them, and the network chooses at each pixel between them and its own
    paint. `told` is how many numbers say which way the heads look: with any, the head is painted once more, larger (`HeadPass`); 0: it is not.
    `lifter` is the `config` of the network that gave the maps their depth, if any: its weights, which do not
    change any more, are kept with those of G1, as the attribute `lifter`.
    """

    def __init__(
        self,
        map_channels: int,
        layers: Sequence[str],
        image_size: tuple[int, int],
        filters: int,
        blocks: int,
        bottleneck: str,
        upsampling: str,
        lifter: Mapping[str, Any] | None = None,
        shrink: int = 1,
        decoder: str = "joined",
        told: int = 0,
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = {
            "map_channels": map_channels,
            "layers": list(layers),
            "image_size": list(image_size),
            "filters": filters,
            "blocks": blocks,
            "bottleneck": bottleneck,
            "upsampling": upsampling,
            "lifter": lifter,
            "shrink": shrink,
            "decoder": decoder,
            "told": told,
        }
        out_channels = 3 + (1 + len(layers) if layers else 0)
        self.unet = UNet(3 + map_channels, out_channels, image_size, filters, blocks, bottleneck, upsampling, shrink, decoder)
        self.head = HeadPass(map_channels, told, image_size, filters, upsampling, shrink, decoder) if told else None
        self.lifter = rebuild_lifter(lifter)

    def forward(self, source: Tensor, maps: Tensor, head: CloseUp | None = None) -> Tensor:
        """(B, 3, H, W) in [-1, 1], (B, map_channels, H, W) and, if `told` is not 0, the heads -> (B, 3, H, W), not clamped."""
        image = self.unet(torch.cat((source, maps), dim=1))
        layers = self.config["layers"]
        if layers:
            image = mix(image, maps[:, : len(layers) * LAYER_CHANNELS], layers)
        return image if self.head is None else self.head(image, maps, head)


def mix(painted: Tensor, known: Tensor, names: Sequence[str]) -> Tensor:
    """At each pixel a mixture of the network's own paint and the L layers of known pixels, (B, 3, H, W).

    painted : (B, 3 + 1 + L, H, W), own colours, then logits of their share and of each layer's
    known : (B, L * LAYER_CHANNELS, H, W), each layer's colours and how much is known of them; one of which nothing is known gets no share
    names : of the layers, (L,)
    """
    own, logits = painted.float().split((3, 1 + len(names)), dim=1)
    layers = known.unflatten(1, (len(names), LAYER_CHANNELS))
    there = F.pad(layers[:, :, 3] > 0, (0, 0, 0, 0, 1, 0), value=True)  # (B, 1 + L, H, W)
    bias = logits.new_tensor([FIRST_SHARES[name] for name in ("own", *names)]).view(1, -1, 1, 1)
    share = (logits + bias).masked_fill(~there, -torch.inf).softmax(dim=1)
    return own * share[:, :1] + sum(layers[:, i, :3] * share[:, i + 1 : i + 2] for i in range(len(names)))


class HeadPass(nn.Module):
    """The head once more, at about twice the size: a small U-Net sees it beside the source's, and what it adds is pasted with a soft edge.

    A head is a dozen pixels high in the image, of which the U-Net of the whole image sees half. Here both heads lie in the same square,
    upright alike, and it is said which way they look. At first it adds nothing.
    """

    def __init__(
        self, map_channels: int, told: int, image_size: tuple[int, int], filters: int, upsampling: str, shrink: int = 1, decoder: str = "joined"
    ) -> None:
        super().__init__()
        side = close_up_side(image_size[0])
        self.unet = UNet(3 + 2 * 3 + map_channels + told, 3, (side, side), filters, HEAD_BLOCKS, "conv", upsampling, shrink, decoder)

    def forward(self, image: Tensor, maps: Tensor, head: CloseUp) -> Tensor:
        """An image (B, 3, H, W), the maps (B, map_channels, H, W) and the heads -> the image with other heads."""
        height, width, side = *image.shape[2:], head.source.shape[-1]
        with torch.autocast(image.device.type, enabled=False):  # places on a grid need all their digits
            place = head.place.float() / FINE
            here = cut_square(torch.cat((image.detach().float(), maps.float()), dim=1), place, side)
            told = head.told[:, :, None, None].expand(-1, -1, side, side)
            seen = torch.cat((here, head.source, head.source.flip(3), told), dim=1)  # a face is nearly its own mirror image
        added = self.unet(seen)
        with torch.autocast(image.device.type, enabled=False):
            return image.float() + paste_square(added.float(), place, (height, width))


class G2(nn.Module):
    """The difference map that refines a coarse image; zero before training. `blocks` is two fewer than in G1; `config` rebuilds it."""

    def __init__(self, image_size: tuple[int, int], filters: int, blocks: int, upsampling: str, shrink: int = 1, decoder: str = "joined") -> None:
        super().__init__()
        self.config: dict[str, Any] = {
            "image_size": list(image_size),
            "filters": filters,
            "blocks": blocks,
            "upsampling": upsampling,
            "shrink": shrink,
            "decoder": decoder,
        }
        self.unet = UNet(6, 3, image_size, filters, blocks, "conv", upsampling, shrink, decoder)

    def forward(self, coarse: Tensor, source: Tensor) -> Tensor:
        """Two images (B, 3, H, W) -> (B, 3, H, W), to be added to the coarse one."""
        return self.unet(torch.cat((coarse, source), dim=1))


def _smallest_size(image_size: tuple[int, int], blocks: int, shrink: int) -> tuple[int, int]:
    """Height and width, `shrink` times smaller, after `blocks - 1` halvings; raise UserError where they are no whole numbers."""
    factor = shrink * 2 ** (blocks - 1)
    if any(side % factor for side in image_size):
        raise UserError(
            f"data.image_size = {list(image_size)}: expected multiples of {factor}, since model.shrink = {shrink} divides it and {blocks} "
            f"blocks halve it {blocks - 1} times; change it or lower model.blocks"
        )
    return image_size[0] // factor, image_size[1] // factor


def _middle(bottleneck: str, channels: int, filters: int, height: int, width: int) -> tuple[nn.Module, int]:
    """What stands between encoder and decoder, and the channels that come out of it."""
    if bottleneck == "conv":
        return Block(channels), channels
    layers = (
        nn.Flatten(),
        nn.Linear(channels * height * width, LATENT),
        nn.Linear(LATENT, filters * height * width),
        nn.Unflatten(1, (filters, height, width)),  # (B, filters, height, width)
    )
    return nn.Sequential(*layers), filters
