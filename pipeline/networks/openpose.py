"""The pose estimator: OpenPose's two branches on a VGG-like backbone, or thinner on a MobileNet, for any joint set.

One branch says where each joint is (confidence maps, and one more for the background), the other which way each bone runs (part affinity fields,
x and y per bone). A first stage guesses both from the backbone's features, each further stage from features and the guesses before it, and
every stage is supervised (Cao et al. 2017, arXiv 1611.08050). The light form, depthwise separable convolutions and a trunk that both branches
share, is that of Osokin 2018 (arXiv 1811.12004). Both are normalised (batch normalisation), so that they train from random weights.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.skeleton import skeleton_of

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


def _separable(given: int, made: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    """Depthwise, then pointwise. Where the light form is dilated by 2 the kernel is 5 here, as wide: on a CPU the bfloat16 gradient of a dilated
    depthwise kernel holds what was in memory before (torch 2.13), now and then NaN."""
    depthwise = nn.Conv2d(given, given, kernel, stride, kernel // 2, groups=given, bias=False)
    return nn.Sequential(depthwise, nn.BatchNorm2d(given), nn.ReLU(inplace=True), _conv(given, made, 1))


def _separables(given: int, plan: Sequence[tuple[int, int]], width: float) -> tuple[list[nn.Module], int]:
    """One block per (channels, stride), and the channels that the last one makes."""
    layers: list[nn.Module] = []
    for channels, stride in plan:
        made = _scaled(channels, width)
        layers.append(_separable(given, made, stride))
        given = made
    return layers, given


class _MobileNet(nn.Module):
    """MobileNet v1 (Howard et al. 2017) up to conv5_5, then a separable reduction.

    The deep half works at twice the stride of the maps: it sees more of a person and takes a quarter of the time. What it says is enlarged and
    joined with the shallow half.
    """

    def __init__(self, width: float, stride: int) -> None:
        super().__init__()
        shallow = [(64, 1), (128, 2), (128, 1)] + ([(256, 2), (256, 1)] if stride == 8 else [])
        deep = ([(256, 2), (256, 1), (512, 1)] if stride == 4 else [(512, 2)]) + [(512, 1)] * 5
        first, features = _scaled(32, width), _scaled(HEADS, width)
        blocks, middle = _separables(first, shallow, width)
        self.shallow = nn.Sequential(_conv(3, first, stride=2), *blocks)
        blocks, last = _separables(middle, deep, width)
        self.deep = nn.Sequential(*blocks, _conv(last, features, 1))
        self.join = nn.Sequential(_conv(features + middle, features, 1), _separable(features, features), _separable(features, features))

    def forward(self, image: Tensor) -> Tensor:
        fine = self.shallow(image)
        wide = F.interpolate(self.deep(fine), size=fine.shape[2:], mode="nearest")
        return self.join(torch.cat([wide, fine], dim=1))


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
    """The light form: one trunk, and two 1x1 convolutions for each output."""

    def __init__(self, given: int, outputs: tuple[int, int], width: float, first: bool) -> None:
        super().__init__()
        made = _scaled(HEADS, width)
        deep = _scaled(DEEP, width) if first else made
        self.trunk = _conv(given, made, 1)
        self.blocks = nn.ModuleList(
            nn.Sequential(_separable(made, made), _separable(made, made, kernel=3 if first else 5)) for _ in range(2 if first else 4)
        )
        self.heads = nn.ModuleList(nn.Sequential(_conv(made, deep, 1), _head(deep, output)) for output in outputs)

    def forward(self, features: Tensor) -> Guess:
        x = self.trunk(features)
        for block in self.blocks:
            x = x + block(x)
        return Guess(*(head(x) for head in self.heads))
