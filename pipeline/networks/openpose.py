"""The pose estimator: OpenPose's two branches on a VGG-like backbone, or thinner on a MobileNet, for any joint set.

One branch says where each joint is (confidence maps, and one more for the background), the other which way each bone runs (part affinity fields,
x and y per bone). A first stage guesses both from the backbone's features, each further stage from features and the guesses before it, and
every stage is supervised (Cao et al. 2017, arXiv 1611.08050). The light form, a MobileNet and a trunk that both branches share, follows Osokin 2018
(arXiv 1811.12004). Both are normalised (batch normalisation), so that they train from random weights.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.pose.skeleton import skeleton_of

MOST_SIDE = 4096  # px of a crop
HEADS, DEEP = 128, 512  # channels of the stages and of the first stage's last layer, before `width`


class Guess(NamedTuple):
    """What a stage says: heat (B, J + 1, h, w) and paf (B, 2 E, h, w), E bones in the order of `bones`; x, y of a bone stand together."""

    heat: Tensor
    paf: Tensor


def bones(joints: int) -> list[tuple[int, int]]:
    """(parent, child) of each bone of the joint set with this many joints."""
    return [(parent, child) for child, parent in enumerate(skeleton_of(joints).parents) if parent >= 0]


class PoseNet(nn.Module):
    """Images to the guesses of all stages. `config` rebuilds it.

    joints : of the joint set; backbone : `vgg` or `mobilenet`; width : share of the published numbers of channels
    stages : after the first; stride : px per cell of the maps, 4 or 8; image_size : height and width of the crops that it is trained on, px
    """

    def __init__(self, joints: int, backbone: str, width: float, stages: int, stride: int, image_size: list[int]) -> None:
        super().__init__()
        described = {"joints": joints, "backbone": backbone, "width": width, "stages": stages, "stride": stride, "image_size": image_size}
        self.config: dict[str, Any] = described
        parts = {"vgg": (_vgg, _WideStage), "mobilenet": (_mobilenet, _ThinStage)}
        if backbone not in parts or stride not in (4, 8):
            raise ValueError(f"expected the backbone vgg or mobilenet and a stride of 4 or 8, got {backbone} and {stride}")
        if len(image_size) != 2 or not all(isinstance(side, int) and 0 < side <= MOST_SIDE for side in image_size):
            raise ValueError(f"expected a height and a width of 1 to {MOST_SIDE} px as image_size, got {image_size}")
        body, stage = parts[backbone]
        outputs = joints + 1, 2 * len(bones(joints))
        self.backbone, features = body(width, stride)
        self.first = stage(features, outputs, width, first=True)
        self.further = nn.ModuleList(stage(features + sum(outputs), outputs, width, first=False) for _ in range(stages))

    def forward(self, image: Tensor) -> list[Guess]:
        """The guesses of each stage, the best last; image : (B, 3, H, W) float32 in [-1, 1], H and W multiples of the stride."""
        features = self.backbone(image)
        guesses = [self.first(features)]
        for stage in self.further:
            guesses.append(stage(torch.cat([features, *guesses[-1]], dim=1)))
        return guesses


def _scaled(channels: int, width: float) -> int:
    return max(8, 8 * round(channels * width / 8))


def _conv(given: int, made: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    layer = nn.Conv2d(given, made, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(made), nn.ReLU(inplace=True))


def _head(given: int, output: int) -> nn.Conv2d:
    """The last layer of a branch; it begins by saying nearly nothing, as OpenPose's does."""
    layer = nn.Conv2d(given, output, 1)
    nn.init.normal_(layer.weight, std=0.01)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


def _separable(given: int, made: int, stride: int = 1) -> nn.Sequential:
    """Depthwise, then pointwise. No kernel is dilated, as some of the light form's are: on a CPU the bfloat16 gradient of a dilated depthwise kernel
    holds what was in memory before (torch 2.13), now and then NaN; what such kernels are for, seeing far, the pyramid does."""
    depthwise = nn.Conv2d(given, given, 3, stride, 1, groups=given, bias=False)
    return nn.Sequential(depthwise, nn.BatchNorm2d(given), nn.ReLU(inplace=True), _conv(given, made, 1))


def _separables(given: int, plan: Sequence[tuple[int, int]]) -> nn.Sequential:
    """One block per (channels, stride)."""
    inputs = (given, *(channels for channels, _ in plan))
    return nn.Sequential(*(_separable(before, made, stride) for before, (made, stride) in zip(inputs, plan, strict=False)))


class _MobileNet(nn.Module):
    """MobileNet (Howard et al. 2017) with full convolutions where maps are large, read out as a pyramid of features (Lin et al. 2017).

    On large maps of few channels depthwise kernels save no time (Tan and Le 2021, EfficientNetV2), and they hardly learn to tell a face from the
    back of a head, on which left and right depend. The coarsest cells see the whole person, so the side reaches hands and feet.
    """

    def __init__(self, width: float, stride: int) -> None:
        super().__init__()
        c32, c64, c128, c256, c512 = (_scaled(channels, width) for channels in (32, 64, 128, 256, 512))
        features = _scaled(HEADS, width)
        at_4 = nn.Sequential(_conv(3, c32), _conv(c32, c64, stride=2), _conv(c64, c64), _conv(c64, c128, stride=2), _conv(c128, c128))
        at_8 = nn.Sequential(_conv(c128, c256, stride=2), _conv(c256, c256))
        at_16 = _separables(c256, [(c512, 2), (c512, 1), (c512, 1), (c512, 1)])
        at_32 = _separables(c512, [(c512, 2), (c512, 1)])
        self.finest = 0 if stride == 4 else 1
        self.down = nn.ModuleList((at_4, at_8, at_16, at_32))
        self.across = nn.ModuleList(nn.Conv2d(channels, features, 1) for channels in (c128, c256, c512, c512)[self.finest :])
        self.up = nn.ModuleList(_conv(features, features) for _ in self.across)

    def forward(self, image: Tensor) -> Tensor:
        levels = [image]
        for block in self.down:
            levels.append(block(levels[-1]))
        *finer, coarsest = (layer(level) for layer, level in zip(self.across, levels[1 + self.finest :], strict=True))
        merge, *merges = reversed(self.up)
        x: Tensor = merge(coarsest)
        for level, block in zip(reversed(finer), merges, strict=True):
            x = block(level + F.interpolate(x, size=level.shape[2:], mode="nearest"))
        return x


def _mobilenet(width: float, stride: int) -> tuple[nn.Module, int]:
    return _MobileNet(width, stride), _scaled(HEADS, width)


def _vgg(width: float, stride: int) -> tuple[nn.Module, int]:
    """The first ten convolutions of VGG-19 (Simonyan and Zisserman 2014) and two that reduce their channels, as in OpenPose."""
    halvings = (True, True, stride == 8)
    given, layers = 3, list[nn.Module]()
    for channels, count, halve in zip((64, 128, 256, 512), (2, 2, 4, 2), (*halvings, False), strict=True):
        for _ in range(count):
            made = _scaled(channels, width)
            layers.append(_conv(given, made))
            given = made
        if halve:
            layers.append(nn.MaxPool2d(2))
    features = _scaled(HEADS, width)
    layers += [_conv(given, _scaled(2 * HEADS, width)), _conv(_scaled(2 * HEADS, width), features)]
    return nn.Sequential(*layers), features


class _WideStage(nn.Module):
    """OpenPose's: a branch of its own for each output, 3x3 convolutions first, 7x7 in the further stages."""

    def __init__(self, given: int, outputs: tuple[int, int], width: float, first: bool) -> None:
        super().__init__()
        made = _scaled(HEADS, width)
        kernels, deep = ((3, 3, 3), _scaled(DEEP, width)) if first else ((7,) * 5, made)
        self.branches = nn.ModuleList(_branch(given, made, kernels, deep, output) for output in outputs)

    def forward(self, features: Tensor) -> Guess:
        return Guess(*(branch(features) for branch in self.branches))


def _branch(given: int, made: int, kernels: Sequence[int], deep: int, output: int) -> nn.Sequential:
    inputs = (given, *[made] * (len(kernels) - 1))
    layers = [_conv(before, made, kernel) for before, kernel in zip(inputs, kernels, strict=True)]
    return nn.Sequential(*layers, _conv(made, deep, 1), _head(deep, output))


class _ThinStage(nn.Module):
    """The light form's: one trunk, and two 1x1 convolutions for each output; its kernels are full ones, as at the start of the backbone.

    The first stage's trunk is a residual block, that of a further stage three hourglasses.
    """

    def __init__(self, given: int, outputs: tuple[int, int], width: float, first: bool) -> None:
        super().__init__()
        made = _scaled(HEADS, width)
        blocks = [_Residual(made)] if first else [_Hourglass(made) for _ in range(3)]
        self.trunk = nn.Sequential(_conv(given, made, 1), *blocks)
        self.heads = nn.ModuleList(nn.Sequential(_conv(made, made, 1), _head(made, output)) for output in outputs)

    def forward(self, features: Tensor) -> Guess:
        x = self.trunk(features)
        return Guess(*(head(x) for head in self.heads))


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(_conv(channels, channels), _conv(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class _Hourglass(nn.Module):
    """Adds what half as many cells each way see with twice the channels (after Newell et al. 2016, arXiv 1603.06937).

    It sees farther than a residual block of two convolutions, for a quarter more work.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        wide = 2 * channels
        self.below = nn.Sequential(_conv(channels, wide, stride=2), _conv(wide, wide), nn.Conv2d(wide, channels, 1))
        self.merge = _conv(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        below = F.interpolate(self.below(x), size=x.shape[2:], mode="nearest")
        merged: Tensor = self.merge(x + below)
        return merged
