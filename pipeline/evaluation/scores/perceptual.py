"""How far two images are apart to networks that were trained on photos, by files that the user brings: LPIPS and DISTS.

| score | the network, a file of torchvision | what weighs its layers |
| --- | --- | --- |
| LPIPS 0.1 by AlexNet (Zhang et al. 2018) | `alexnet-owt-7be5be79.pth` | `lpips/weights/v0.1/alex.pth`, github.com/richzhang/PerceptualSimilarity |
| DISTS by VGG-16 (Ding et al. 2020) | `vgg16-397923af.pth` | `DISTS_pytorch/weights.pt`, github.com/dingkeyan93/DISTS |

torchvision's files lie at <https://download.pytorch.org/models/>; their names end in the start of their SHA-256, which is looked at. No file is run
as a program. Images are compared at the size that they have, not enlarged to 256 px as the authors of DISTS do with photos.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from pipeline.utils.torch_files import read_torch_file, tensor_of

ALEXNET = {
    0: (64, 3, 11),
    3: (192, 64, 5),
    6: (384, 192, 3),
    8: (256, 384, 3),
    10: (256, 256, 3),
}  # place in torchvision's `features`: outputs, inputs, side
STRIDES, PADDINGS = (4, 1, 1, 1, 1), (2, 2, 1, 1, 1)  # of AlexNet's convolutions
POOLED = (1, 2)  # AlexNet's convolutions that a pooling comes before
VGG16 = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # outputs and number of convolutions of each block
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # of images in [-1, 1], as LPIPS has them
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of images in [0, 1], as torchvision's networks expect them
EVEN = 1e-6  # DISTS' constants, for layers that show nothing

Convolution = tuple[Tensor, Tensor]  # weights and biases


class Perceptual(Protocol):
    """A distance of images by what the layers of a network say of each."""

    key: ClassVar[str]  # in metrics/test.json, and the parameter of section `evaluate` that names its files
    variant: ClassVar[str]  # what it is called in full
    least: ClassVar[int]  # px, of the shorter side of an image

    def __init__(self, files: Sequence[Path], device: torch.device) -> None:
        """Read the two files; raise UserError where one is missing, damaged, or another one."""

    def layers(self, images: Tensor) -> list[Tensor]:
        """What the network says of images (N, 3, H, W) uint8 RGB."""

    def distance(self, first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
        """(N,) from what it says of N images and of N others; 0 of equal ones."""


class LPIPS:
    """See above."""

    key: ClassVar[str] = "lpips"
    variant: ClassVar[str] = "LPIPS 0.1 by AlexNet"
    least: ClassVar[int] = 31

    def __init__(self, files: Sequence[Path], device: torch.device) -> None:
        network, linear = files
        state = read_torch_file(network, f"evaluate.{self.key}", "alexnet-owt-7be5be79.pth")
        self.convolutions = [convolution(state, network, place, shape, device) for place, shape in ALEXNET.items()]
        weights = read_torch_file(linear, f"evaluate.{self.key}", "alex.pth")
        shapes = [(1, outputs, 1, 1) for outputs, _, _ in ALEXNET.values()]
        self.weights = [tensor_of(weights, linear, f"lin{number}.model.1.weight", shape).to(device) for number, shape in enumerate(shapes)]

    def layers(self, images: Tensor) -> list[Tensor]:
        """Each pixel of each layer as a vector of length 1."""
        x = standardised(images.float() / 127.5 - 1, SHIFT, SCALE)
        found = []
        for number, (weight, bias) in enumerate(self.convolutions):
            x = F.max_pool2d(x, 3, 2) if number in POOLED else x
            x = F.relu(F.conv2d(x, weight, bias, STRIDES[number], PADDINGS[number]))
            found.append(x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10))
        return found

    def distance(self, first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
        """The weighted squared differences, means over each layer's pixels, summed over the layers."""
        parts = [((one - other).square() * weight).sum(1).mean((1, 2)) for one, other, weight in zip(first, second, self.weights, strict=True)]
        return torch.stack(parts).sum(0)


class DISTS:
    """See above."""

    key: ClassVar[str] = "dists"
    variant: ClassVar[str] = "DISTS by VGG-16"
    least: ClassVar[int] = 1

    def __init__(self, files: Sequence[Path], device: torch.device) -> None:
        network, weights = files
        state = read_torch_file(network, f"evaluate.{self.key}", "vgg16-397923af.pth")
        self.blocks: list[list[Convolution]] = []
        inputs, place = 3, 0
        for outputs, count in VGG16:
            block = []
            for _ in range(count):
                block.append(convolution(state, network, place, (outputs, inputs, 3), device))
                inputs, place = outputs, place + 2  # a rectifier follows each
            self.blocks.append(block)
            place += 1  # and a pooling each block
        channels = [3, *(outputs for outputs, _ in VGG16)]
        found = read_torch_file(weights, f"evaluate.{self.key}", "weights.pt")
        alpha, beta = (tensor_of(found, weights, name, (1, sum(channels), 1, 1)).to(device)[0, :, 0, 0] for name in ("alpha", "beta"))
        total = alpha.sum() + beta.sum()
        self.alpha, self.beta = ([part / total for part in weight.split(channels)] for weight in (alpha, beta))

    def layers(self, images: Tensor) -> list[Tensor]:
        """The image itself in [0, 1], then the last layer of each block."""
        image = images.float() / 255
        x = standardised(image, MEAN, DEVIATION)
        found = [image]
        for number, block in enumerate(self.blocks):
            x = pooled(x) if number else x
            for weight, bias in block:
                x = F.relu(F.conv2d(x, weight, bias, padding=1))
            found.append(x)
        return found

    def distance(self, first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
        """1 - the weighted similarities of the means (texture) and of the covariances (structure) of each channel."""
        similar = first[0].new_zeros(len(first[0]))
        for one, other, alpha, beta in zip(first, second, self.alpha, self.beta, strict=True):
            mean, other_mean = one.mean((2, 3)), other.mean((2, 3))
            variance, other_variance = one.var((2, 3), correction=0), other.var((2, 3), correction=0)
            covariance = (one * other).mean((2, 3)) - mean * other_mean
            texture = (2 * mean * other_mean + EVEN) / (mean.square() + other_mean.square() + EVEN)
            structure = (2 * covariance + EVEN) / (variance + other_variance + EVEN)
            similar = similar + texture @ alpha + structure @ beta
        return 1 - similar


def standardised(images: Tensor, shift: Sequence[float], scale: Sequence[float]) -> Tensor:
    """Images (N, 3, H, W) whose colours are shifted and scaled as a network expects them."""
    return (images - images.new_tensor(shift)[:, None, None]) / images.new_tensor(scale)[:, None, None]


def pooled(x: Tensor) -> Tensor:
    """DISTS' pooling: every second place of the root of the squares, blurred by a Hann window of 3 x 3."""
    bell = x.new_tensor(np.hanning(5)[1:-1])
    window = (bell[:, None] * bell / bell.sum() ** 2).expand(x.shape[1], 1, 3, 3)
    return (F.conv2d(x.square(), window, stride=2, padding=1, groups=x.shape[1]) + 1e-12).sqrt()


def convolution(state: Mapping[str, Tensor], path: Path, place: int, shape: tuple[int, int, int], device: torch.device) -> Convolution:
    """The weights of the convolution at a place of torchvision's `features`; shape : outputs, inputs, side."""
    outputs, inputs, side = shape
    weight = tensor_of(state, path, f"features.{place}.weight", (outputs, inputs, side, side)).to(device)
    return weight, tensor_of(state, path, f"features.{place}.bias", (outputs,)).to(device)
