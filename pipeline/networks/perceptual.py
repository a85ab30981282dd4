"""The perceptual loss of the thesis (equations 3.3 and 3.4; Chen and Koltun 2017): sum over k of lambda_k * |Phi_k(x) - Phi_k(G)|.

The thesis writes the whole objective as "-KL + perceptual loss"; the sign is a slip, since both terms are made small. As in the published code
of the variational U-Net, |.| is the mean absolute difference, every lambda_k is 5, and the Phi_k are the image and the layers conv1_2 to conv5_2
of VGG-19 (Simonyan and Zisserman 2015), rectified.

The weights of VGG-19 are not ours to ship: `model.perceptual_weights` takes torchvision's file
<https://download.pytorch.org/models/vgg19-dcbb9e9d.pth> (575 MB), trained on ImageNet. Without it the Phi_k are the image and its reductions to
half, a quarter ... of its size, each pixel the mean of those that it replaces: the same formula without what a trained network knows.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.utils.torch_files import read_torch_file, tensor_of

WEIGHT = 5.0  # lambda_k
BLOCKS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 2))  # channels and convolutions; of the last block those that are used
TAP = 2  # the convolution of a block whose output counts
LEVELS = 6  # of the pyramid: as many terms as with VGG-19
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, as torchvision's weights expect them


class Pyramid(nn.Module):
    """The image and its reductions. (B, 3, H, W) -> `LEVELS` images, or as many as have a pixel."""

    loss = "image pyramid"

    def forward(self, image: Tensor) -> list[Tensor]:
        """Each half as large as the one before it."""
        images = [image]
        while len(images) < LEVELS and min(images[-1].shape[2:]) > 1:
            images.append(F.avg_pool2d(images[-1], 2))
        return images


class VGG19(nn.Module):
    """The image and five layers of VGG-19, with the weights of the file `path`. (B, 3, H, W) in [-1, 1] -> 6 tensors.

    Raises UserError where the file is missing, damaged, another network's, or not what its name says.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        state, self.loss = read_torch_file(path, "model.perceptual_weights", "vgg19-dcbb9e9d.pth"), f"VGG-19, {path.name}"
        self.blocks = nn.ModuleList()
        channels, index = 3, 0
        for width, count in BLOCKS:
            block = nn.ModuleList()
            for _ in range(count):
                convolution = nn.Conv2d(channels, width, 3, padding=1)
                _fill(convolution, state, f"features.{index}", path)
                block.append(convolution)
                channels, index = width, index + 2  # a rectifier follows each
            self.blocks.append(block)
            index += 1  # and a pooling each block
        self.requires_grad_(False)

    def forward(self, image: Tensor) -> list[Tensor]:
        """The image itself, then the layers."""
        x = ((image + 1) / 2 - image.new_tensor(MEAN)[:, None, None]) / image.new_tensor(DEVIATION)[:, None, None]
        outputs = [image]
        for number, block in enumerate(self.blocks):
            x = F.max_pool2d(x, 2) if number else x
            for place, convolution in enumerate(block.children(), 1):
                x = F.relu(convolution(x))
                if place == TAP:
                    outputs.append(x)
        return outputs


def make_features(weights: str | None) -> Pyramid | VGG19:
    """VGG-19 with the user's weights, or without them the pyramid."""
    return Pyramid() if weights is None else VGG19(Path(weights))


def perceptual_loss(features: nn.Module, prediction: Tensor, truth: Tensor) -> Tensor:
    """The sum above; images (B, 3, H, W) in [-1, 1]."""
    with torch.no_grad():
        wanted = features(truth)
    pairs = zip(features(prediction), wanted, strict=True)
    return WEIGHT * torch.stack([(found.float() - true.float()).abs().mean() for found, true in pairs]).sum()


def _fill(convolution: nn.Conv2d, state: Mapping[str, Tensor], name: str, path: Path) -> None:
    wanted = convolution.state_dict().items()
    convolution.load_state_dict({kind: tensor_of(state, path, f"{name}.{kind}", tuple(own.shape)) for kind, own in wanted})
