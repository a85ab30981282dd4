"""The perceptual loss: known values, and the user's file of VGG-19 weights."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from pipeline.networks.perceptual import DEVIATION, LEVELS, MEAN, WEIGHT, Pyramid, make_features, perceptual_loss
from pipeline.utils.errors import UserError
from pipeline.utils.files import file_hash

# Of torchvision's VGG-19 (configuration E): position of each convolution among `features` and its channels.
CONVOLUTIONS = {
    0: 64,
    2: 64,
    5: 128,
    7: 128,
    10: 256,
    12: 256,
    14: 256,
    16: 256,
    19: 512,
    21: 512,
    23: 512,
    25: 512,
    28: 512,
    30: 512,
    32: 512,
    34: 512,
}


def vgg_layers() -> nn.Sequential:
    """The layers as torchvision stacks them, with weights of the right shape."""
    torch.manual_seed(0)
    layers, channels = [], 3
    for index in range(36):
        if index in CONVOLUTIONS:
            layers.append(nn.Conv2d(channels, CONVOLUTIONS[index], 3, padding=1))
            nn.init.kaiming_normal_(layers[-1].weight)
            channels = CONVOLUTIONS[index]
        else:
            layers.append(nn.ReLU() if index - 1 in CONVOLUTIONS else nn.MaxPool2d(2))
    return nn.Sequential(*layers)


def write_weights(folder: Path, state: object) -> Path:
    """A file named as torchvision names it: with the start of its own hash."""
    torch.save(state, folder / "weights")
    path = folder / f"vgg19-{file_hash(folder / 'weights')[:8]}.pth"
    (folder / "weights").rename(path)
    return path


@pytest.fixture(scope="module")
def layers() -> nn.Sequential:
    return vgg_layers()


@pytest.fixture(scope="module")
def weights(layers: nn.Sequential, tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = {f"features.{name}": value for name, value in layers.state_dict().items()}
    return write_weights(tmp_path_factory.mktemp("vgg"), {**state, "classifier.0.weight": torch.zeros(1)})


def images() -> tuple[torch.Tensor, torch.Tensor]:
    first, second = torch.rand(2, 2, 3, 32, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return first, second


def test_the_pyramid_halves_the_image_and_adds_up_what_differs() -> None:
    first, second = images()
    levels = Pyramid()(first)
    assert [tuple(level.shape[2:]) for level in levels] == [(32, 16), (16, 8), (8, 4), (4, 2), (2, 1)]
    assert len(Pyramid()(torch.zeros(1, 3, 128, 64))) == LEVELS
    expected = sum((F.avg_pool2d(first, 2**n) - F.avg_pool2d(second, 2**n)).abs().mean() for n in range(5))
    torch.testing.assert_close(perceptual_loss(Pyramid(), first, second), WEIGHT * expected)
    assert perceptual_loss(Pyramid(), first, first) == 0


def test_a_constant_difference_counts_once_per_level() -> None:
    first, _ = images()
    torch.testing.assert_close(perceptual_loss(Pyramid(), first + 0.1, first), torch.tensor(WEIGHT * 5 * 0.1))


def test_vgg_gives_the_image_and_the_second_convolution_of_each_block(layers: nn.Sequential, weights: Path) -> None:
    first, second = images()
    features = make_features(str(weights))
    assert features.loss == f"VGG-19, {weights.name}"
    x, expected = ((first + 1) / 2 - torch.tensor(MEAN)[:, None, None]) / torch.tensor(DEVIATION)[:, None, None], [first]
    with torch.no_grad():
        for index, layer in enumerate(layers):
            x = layer(x)
            if index in (3, 8, 13, 22, 31):  # the rectifiers after conv1_2, conv2_2, conv3_2, conv4_2, conv5_2
                expected.append(x)
    found = features(first)
    assert len(found) == LEVELS
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)
    prediction = second.clone().requires_grad_()
    perceptual_loss(features, prediction, first).backward()
    assert prediction.grad is not None
    assert prediction.grad.abs().sum() > 0
    assert not any(weight.requires_grad for weight in features.parameters())


def test_a_file_that_is_not_what_its_name_says_is_one_line(weights: Path, tmp_path: Path) -> None:
    damaged = tmp_path / weights.name
    damaged.write_bytes(weights.read_bytes()[:-1] + b"x")
    unnamed = tmp_path / "vgg.pth"
    unnamed.write_bytes(b"")
    for path, words in (
        (tmp_path / "nothing.pth", "model.perceptual_weights expects vgg19-dcbb9e9d.pth, found no such file"),
        (unnamed, "expected the name that torchvision gives the file"),
        (damaged, f"expected a SHA-256 that begins with {weights.stem[-8:]}, found "),
    ):
        with pytest.raises(UserError, match=words):
            make_features(str(path))


def test_weights_of_another_network_are_one_line(layers: nn.Sequential, tmp_path: Path) -> None:
    state = {f"features.{name}": value for name, value in layers.state_dict().items()}
    lacking = {name: value for name, value in state.items() if name != "features.7.bias"}
    broken = {**state, "features.0.bias": torch.full((64,), torch.nan)}
    wide = {**state, "features.2.weight": torch.zeros(64, 3, 3, 3)}
    for number, (content, words) in enumerate(
        (
            (lacking, r"expected features.7.bias of shape \[128\], all finite, found nothing; give another file"),
            (wide, r"expected features.2.weight of shape \[64, 64, 3, 3\], all finite, found \[64, 3, 3, 3\]"),
            (broken, r"expected features.0.bias of shape \[64\], all finite, found \[64\]"),
            ([1, 2], "expected weights by name, found list"),
        )
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        with pytest.raises(UserError, match=words):
            make_features(str(write_weights(folder, content)))


def test_a_file_that_runs_code_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected weights as torch saves them"):
        make_features(str(write_weights(tmp_path, {"features.0.weight": Path})))
