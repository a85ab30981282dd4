"""The thesis' coarse generator: the conditional variational U-Net of Esser et al. 2018 (arXiv 1804.04694).

A U-Net over the maps of the target pose paints the image. What the person looks like enters as latents at its two smallest sizes: an encoder
infers them from an appearance input, the posterior q(z | x, y); how they are distributed for a pose alone, the prior p(z | y), is learned
with them. Both are Gaussians of unit variance, so that the Kullback-Leibler divergence between them is half the squared distance of their
means. The prior of one size has four groups, the four places of each square of 2 x 2; the mean of a group depends on the groups before it.

As published: two residual blocks per size, each ELU, dropout, 3x3 convolution; skip connections enter the blocks by 1x1 convolutions;
weight-normalised convolutions whose scales and offsets are set by the first data they see (Salimans and Kingma 2016); sub-pixel upsampling;
filters that double with each halving up to a limit; no tanh at the end. Unlike the published code, dropout leaves out whole channels, which a
CPU draws much faster than single values.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.networks.kinds import rebuild_lifter
from pipeline.utils.errors import UserError

LATENTS = 2  # sizes with latents, the smallest ones
GROUPS = 4  # of the prior: the places of a square of 2 x 2
FIRST_DEVIATION = 0.05  # of the weights' directions


class Learned(NamedTuple):
    """What a step of the training sees: the image (B, 3, H, W), and the divergence of posterior and prior in nats per image, a scalar."""

    image: Tensor
    kl: Tensor


class Convolution(nn.Module):
    """A convolution with normalised weights: `scale` * v / |v|, plus `bias`, as large as its input over `stride`."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.direction = nn.Parameter(torch.randn(out_channels, in_channels, kernel, kernel) * FIRST_DEVIATION)
        self.scale = nn.Parameter(torch.ones(out_channels))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.stride = stride
        self.starting = False

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> (B, out_channels, H / stride, W / stride)."""
        if self.starting:
            self._start(x)
        return self._convolve(x, self.scale, self.bias)

    def _convolve(self, x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
        length = self.direction.flatten(1).norm(dim=1)
        weight = self.direction * (scale / length)[:, None, None, None]
        return F.conv2d(x, weight, bias, self.stride, padding=self.direction.shape[-1] // 2)

    @torch.no_grad()
    def _start(self, x: Tensor) -> None:
        """Set scale and offset so that every channel of the output for `x` has mean 0 and variance 1."""
        deviation, mean = torch.std_mean(self._convolve(x, torch.ones_like(self.scale), torch.zeros_like(self.bias)), dim=(0, 2, 3))
        self.scale.copy_(1 / deviation.clamp(min=1e-3))
        self.bias.copy_(-mean * self.scale)


class Residual(nn.Module):
    """x plus a 3x3 convolution of it, and of what a skip connection of `skip_channels` brings. (B, C, H, W) -> (B, C, H, W)."""

    def __init__(self, channels: int, skip_channels: int = 0, dropout: float = 0.0) -> None:
        super().__init__()
        self.skip = Convolution(skip_channels, channels, 1) if skip_channels else None
        self.convolution = Convolution(channels * (1 + bool(skip_channels)), channels)
        self.dropout = dropout

    def forward(self, x: Tensor, *skips: Tensor) -> Tensor:
        """The input and what the convolution makes of it."""
        inner = F.elu(x if self.skip is None else torch.cat((x, self.skip(F.elu(torch.cat(skips, dim=1)))), dim=1))
        return x + self.convolution(F.dropout2d(inner, self.dropout, self.training))


class Enlarge(nn.Module):
    """Sub-pixel upsampling to twice the size. (B, C, H, W) -> (B, D, 2H, 2W).

    At first the four pixels that come of one are the same (Aitken et al. 2017, arXiv 1707.02937): otherwise images begin as a checkerboard.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.convolution = Convolution(in_channels, 4 * out_channels)
        with torch.no_grad():
            self.convolution.direction.copy_(self.convolution.direction[::4].repeat_interleave(4, dim=0))

    def forward(self, x: Tensor) -> Tensor:
        """Four times the channels, then those as pixels."""
        return F.pixel_shuffle(self.convolution(x), 2)


class Encoder(nn.Module):
    """Two residual blocks per size; returns the outputs of all blocks, the last one's last."""

    def __init__(self, in_channels: int, widths: list[int], dropout: float) -> None:
        super().__init__()
        self.stem = Convolution(in_channels, widths[0], 1)
        self.blocks = nn.ModuleList(Residual(width, dropout=dropout) for width in widths for _ in range(2))
        self.reduce = nn.ModuleList(Convolution(a, b, stride=2) for a, b in pairwise(widths))

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B, in_channels, H, W) -> two outputs of each size."""
        x = self.stem(x)
        outputs = []
        for number, block in enumerate(self.blocks):
            if number and number % 2 == 0:
                x = self.reduce[number // 2 - 1](x)
            x = block(x)
            outputs.append(x)
        return outputs


class Posterior(nn.Module):
    """Means of q(z | x, y), from the smallest size on, given the outputs of the encoder of the appearance input."""

    def __init__(self, widths: list[int], dropout: float) -> None:
        super().__init__()
        small = widths[: -LATENTS - 1 : -1]  # from the smallest size
        self.first = nn.ModuleList(Residual(width, width, dropout) for width in small)
        self.mean = nn.ModuleList(Convolution(width, width) for width in small)
        self.second = nn.ModuleList(Residual(width, 2 * width, dropout) for width in small[:-1])
        self.enlarge = nn.ModuleList(Enlarge(a, b) for a, b in pairwise(small))

    def forward(self, outputs: list[Tensor], noise: bool) -> tuple[list[Tensor], list[Tensor]]:
        """Means and latents, (B, C, h, w) each; without noise the latents are the means."""
        outputs, x = list(outputs), outputs[-1]
        means, latents = [], []
        for level, first in enumerate(self.first):
            x = first(x, outputs.pop())
            means.append(self.mean[level](x).float())
            latents.append(means[-1] + torch.randn_like(means[-1]) if noise else means[-1])
            if level + 1 < LATENTS:
                x = self.enlarge[level](self.second[level](x, outputs.pop(), latents[-1]))
        return means, latents


class Prior(nn.Module):
    """p(z | y) at one size: the mean of each of the four groups, given the pose and the groups before it."""

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Residual(channels, group * channels, dropout) for group in range(GROUPS))
        self.means = nn.ModuleList(Convolution(channels, channels) for _ in range(GROUPS))

    def forward(self, x: Tensor, latent: Tensor) -> Tensor:
        """Means for latents (B, C, h, w) that are known, of the same shape."""
        places, known = squares(x), squares(latent)
        return whole([self._mean(group, places, known[:group]) for group in range(GROUPS)])

    def sample(self, x: Tensor, noise: Tensor) -> Tensor:
        """Latents (B, C, h, w), one group after the other; noise : the same shape, standard normal."""
        places, drawn = squares(x), list[Tensor]()
        for group, here in enumerate(squares(noise)):
            drawn.append(self._mean(group, places, drawn) + here)
        return whole(drawn)

    def _mean(self, group: int, places: list[Tensor], known: list[Tensor]) -> Tensor:
        x = self.blocks[group](places[group], *known) if group else self.blocks[group](places[group])
        return self.means[group](x).float()


class VUNet(nn.Module):
    """The coarse image of a person, known by the appearance input, in the target pose. `config` rebuilds it.

    appearance_input, appearance_size : what the appearance is encoded from, and its channels, height and width
    loss : what it was trained with, in words, for the records
    lifter : as in `unet.G1`
    """

    def __init__(
        self,
        map_channels: int,
        appearance_input: str,
        appearance_size: tuple[int, int, int],
        image_size: tuple[int, int],
        filters: int,
        max_filters: int,
        levels: int,
        dropout: float,
        loss: str,
        lifter: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = {
            "map_channels": map_channels,
            "appearance_input": appearance_input,
            "appearance_size": list(appearance_size),
            "image_size": list(image_size),
            "filters": filters,
            "max_filters": max_filters,
            "levels": levels,
            "dropout": dropout,
            "loss": loss,
            "lifter": lifter,
        }
        _check_size(image_size, levels)
        widths = [min(filters * 2**level, max_filters) for level in range(levels)]
        skipped = (image_size[0] // appearance_size[1]).bit_length() - 1  # halvings by which the appearance input is smaller than the image
        self.appearance = Encoder(appearance_size[0], widths[skipped:], dropout)
        self.posterior = Posterior(widths[skipped:], dropout)
        self.pose = Encoder(map_channels, widths, dropout)
        small_first = widths[::-1]
        self.priors = nn.ModuleList(Prior(width, dropout) for width in small_first[:LATENTS])
        self.first = nn.ModuleList(Residual(width, width, dropout) for width in small_first)
        self.second = nn.ModuleList(Residual(width, width * (2 if level < LATENTS else 1), dropout) for level, width in enumerate(small_first))
        self.enlarge = nn.ModuleList(Enlarge(a, b) for a, b in pairwise(small_first))
        self.out = Convolution(widths[0], 3)
        self.lifter = rebuild_lifter(lifter)

    def forward(self, appearance: Tensor, maps: Tensor, learn: bool = False) -> Any:
        """(B, *appearance_size) and (B, map_channels, H, W) -> (B, 3, H, W), not clamped, from the posterior's means.

        With `learn` a `Learned`: the image is that of latents drawn from the posterior.
        """
        means, latents = self.posterior(self.appearance(appearance), noise=learn)
        image, expected = self._paint(self.pose(maps), latents)
        if not learn:
            return image
        return Learned(image, _divergence(means, expected).mean())

    def encode(self, appearance: Tensor) -> list[Tensor]:
        """Means of the posterior, (B, C, h, w) each, the smallest size first."""
        return self.posterior(self.appearance(appearance), noise=False)[0]

    def paint(self, maps: Tensor, latents: list[Tensor]) -> Tensor:
        """The image (B, 3, H, W) of latents as `encode` gives them."""
        return self._paint(self.pose(maps), latents)[0]

    def sample(self, maps: Tensor, generator: torch.Generator) -> Tensor:
        """Images (B, 3, H, W) of appearances that are drawn from the prior; generator : of the CPU."""
        return self._paint(self.pose(maps), generator)[0]

    def divergence(self, appearance: Tensor, maps: Tensor) -> Tensor:
        """Between posterior and prior at the posterior's means, in nats, (B,); maps : of the pose of the appearance input."""
        means = self.encode(appearance)
        expected = self._paint(self.pose(maps), means)[1]
        return _divergence(means, expected)

    def _paint(self, outputs: list[Tensor], latents: list[Tensor] | torch.Generator) -> tuple[Tensor, list[Tensor]]:
        """The image, and the prior's means of given latents; a generator draws the latents from the prior."""
        outputs, x = list(outputs), outputs[-1]
        expected = []
        for level, (first, second) in enumerate(zip(self.first, self.second, strict=True)):
            x = first(x, outputs.pop())
            skips = [outputs.pop()]
            if level < LATENTS:
                if isinstance(latents, torch.Generator):
                    noise = torch.randn(x.shape, generator=latents).to(x.device)
                    latent = self.priors[level].sample(x, noise)  # type: ignore[operator]
                else:
                    latent = latents[level]
                    expected.append(self.priors[level](x, latent))
                skips.append(latent)
            x = second(x, *skips)
            if level < len(self.enlarge):
                x = self.enlarge[level](x)
        return self.out(F.elu(x)).float(), expected


def squares(x: Tensor) -> list[Tensor]:
    """The four places of each square of 2 x 2: (B, C, 2h, 2w) -> 4 times (B, C, h, w)."""
    return [x[:, :, row::2, column::2] for row in range(2) for column in range(2)]


def whole(places: list[Tensor]) -> Tensor:
    """What `squares` took apart."""
    return F.pixel_shuffle(torch.stack(places, dim=2).flatten(1, 2), 2)


@torch.no_grad()
def start(network: VUNet, appearance: Tensor, maps: Tensor) -> None:
    """Set scales and offsets of all convolutions by a first batch: each of them passes on values of mean 0 and variance 1."""
    convolutions = [module for module in network.modules() if isinstance(module, Convolution)]
    for module in convolutions:
        module.starting = True
    network(appearance, maps, learn=True)
    for module in convolutions:
        module.starting = False


def _divergence(means: list[Tensor], expected: list[Tensor]) -> Tensor:
    """Of Gaussians of unit variance with these means, summed over all latents: (B,)."""
    return torch.stack([0.5 * ((mean - other) ** 2).flatten(1).sum(1) for mean, other in zip(means, expected, strict=True)]).sum(0)


def _check_size(image_size: tuple[int, int], levels: int) -> None:
    """Raise UserError where the smallest size is not even in height and width."""
    factor = 2**levels
    if any(side % factor for side in image_size):
        raise UserError(
            f"data.image_size = {list(image_size)}: expected multiples of {factor}, since the latents of {levels} sizes come in squares of 2 x 2; "
            "change it or lower model.vunet.levels"
        )
