"""The memory that is estimated is a lower bound of what the networks take, and not far below it."""

from pathlib import Path

import pytest
import torch
from model_section import model_config
from ruamel.yaml import YAML
from torch import Tensor, nn

from pipeline.config.estimate import GIB, Need, Network, beyond, discriminator, lifter_need, memory_for_training, unet, vunet
from pipeline.config.parallel import ParallelConfig
from pipeline.config.train import TrainLifterConfig
from pipeline.networks.discriminator import D
from pipeline.networks.lifter import Residual
from pipeline.networks.unet import UNet
from pipeline.networks.vunet import VUNet

ROOT = Path(__file__).resolve().parents[2]
SIZE = (64, 32)


def measured(network: nn.Module, *channels: int, **options: bool) -> Network:
    """Weights of a network, and the numbers that each image leaves behind for the gradient; channels : of its inputs."""
    one, two = (_kept(network, *(torch.zeros(count, each, *SIZE) for each in channels), **options) for count in (1, 2))
    return Network(sum(weight.numel() for weight in network.parameters()), two - one)


def _kept(network: nn.Module, *inputs: Tensor, **options: bool) -> int:
    kept: dict[int, int] = {}

    def keep(value: Tensor) -> Tensor:
        kept[value.data_ptr()] = max(kept.get(value.data_ptr(), 0), value.numel())
        return value

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
        alive = network(*inputs, **options)
        assert alive is not None
        return sum(kept.values())


@pytest.mark.parametrize("bottleneck", ["conv", "fc"])
@pytest.mark.parametrize(("shrink", "decoder"), [(1, "joined"), (1, "light"), (2, "joined"), (2, "light")])
@pytest.mark.parametrize(("filters", "blocks"), [(16, 3), (16, 4), (32, 5)])
def test_of_a_u_net(filters: int, blocks: int, shrink: int, decoder: str, bottleneck: str) -> None:
    true = measured(UNet(6, 3, SIZE, filters, blocks, bottleneck, "nearest", shrink, decoder), 6)
    found = unet(SIZE, filters, blocks, bottleneck, shrink, decoder)
    assert 0.8 * true.weights < found.weights <= true.weights
    assert 0.3 * true.kept < found.kept <= true.kept


@pytest.mark.parametrize(("filters", "most"), [(8, 16), (16, 64)])
def test_of_a_variational_u_net(filters: int, most: int) -> None:
    network = VUNet(9, "image", (3, *SIZE), SIZE, filters, most, 4, 0.0, "none")
    true = measured(network, 3, 9, learn=True)
    found = vunet(SIZE, filters, most, 4)
    assert 0.2 * true.weights < found.weights <= true.weights
    assert 0.1 * true.kept < found.kept <= true.kept


@pytest.mark.parametrize("border", [0, 4])
def test_of_a_discriminator(border: int) -> None:
    network = D(SIZE, "triplet", border)
    true = measured(network, 3, 3)
    found = discriminator(SIZE, border)
    assert 0.9 * true.weights < found.weights <= true.weights
    assert 0.1 * true.kept < found.kept <= true.kept


def test_of_the_lifter() -> None:
    values = YAML(typ="safe").load(ROOT / "params.yaml")["train_lifter"]
    config = TrainLifterConfig.model_validate(values | {"views": 1, "batch_size": 1, "width": 512, "blocks": 3})
    weights = sum(weight.numel() for weight in Residual(51, config.width, config.blocks, 17).parameters())
    assert 0.5 * 2 * 16 * weights < lifter_need(config).bytes <= 2 * 16 * weights + 10**6


def test_what_is_far_beyond_the_memory_is_refused_with_the_figure() -> None:
    needs = [Need("some.width", 5 * GIB), Need("other.width", 4 * GIB)]
    assert list(beyond(needs, 2 * GIB)) == ["some.width: need at least 5.0 GiB of memory, this machine has 2.0 GiB; lower them"]


def test_a_gpu_may_hold_more_than_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    parallel = ParallelConfig(workers=1, scheduler=None, accelerator="auto", devices=2, nodes=1, strategy="auto")
    monkeypatch.setattr("pipeline.config.estimate.GPUS", ("/dev/null",))
    assert memory_for_training(parallel, GIB) == 640 * GIB
    assert memory_for_training(parallel.model_copy(update={"accelerator": "cpu"}), GIB) == GIB
    monkeypatch.setattr("pipeline.config.estimate.GPUS", ("/dev/none-such",))
    assert memory_for_training(parallel, GIB) == GIB


def test_the_discriminator_needs_what_the_section_model_asks_for() -> None:
    """The rule of `ModelConfig.check_size` is that of the network."""
    for border in range(12, 15):
        model = model_config(border=border)
        if 32 - 2 * border >= 8:
            model.check_size(SIZE)
            D(SIZE, model.discriminator, model.border)
            continue
        with pytest.raises(Exception, match="border") as ours:
            model.check_size(SIZE)
        with pytest.raises(Exception, match="border") as networks:
            D(SIZE, model.discriminator, model.border)
        assert "found" in str(ours.value)
        assert "found" in str(networks.value)
