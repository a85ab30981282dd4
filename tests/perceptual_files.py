"""Files of weights of the form that LPIPS and DISTS take, with numbers of no meaning."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from pipeline.evaluation.scores.perceptual import ALEXNET, VGG16
from pipeline.utils.files import file_hash


def random(*shape: int) -> Tensor:
    """Numbers from 0 to 1, the same for the same shape."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(sum(shape)))


def saved(state: Mapping[str, Tensor], folder: Path, name: str) -> Path:
    """A file as torchvision names it where `name` ends in `-`, after its content."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.pth"
    torch.save(state, path)
    return path.rename(folder / f"{name}{file_hash(path)[:8]}.pth") if name.endswith("-") else path


def alexnet() -> dict[str, Tensor]:
    state = {}
    for place, (outputs, inputs, side) in ALEXNET.items():
        state[f"features.{place}.weight"] = random(outputs, inputs, side, side) - 0.45
        state[f"features.{place}.bias"] = random(outputs) - 0.5
    return state | {"classifier.1.weight": random(2, 2)}


def lpips_layers() -> dict[str, Tensor]:
    return {f"lin{number}.model.1.weight": random(1, outputs, 1, 1) for number, (outputs, _, _) in enumerate(ALEXNET.values())}


def vgg16() -> dict[str, Tensor]:
    state, inputs, place = {}, 3, 0
    for outputs, count in VGG16:
        for _ in range(count):
            state[f"features.{place}.weight"] = (random(outputs, inputs, 3, 3) - 0.49) / inputs**0.5
            state[f"features.{place}.bias"] = random(outputs) - 0.5
            inputs, place = outputs, place + 2
        place += 1
    return state


def dists_weights() -> dict[str, Tensor]:
    channels = 3 + sum(outputs for outputs, _ in VGG16)
    return {"alpha": random(1, channels, 1, 1), "beta": random(1, channels, 1, 1).flip(1)}
