"""The pose estimator's networks: shapes, what the two backbones share, and files that rebuild them."""

from pathlib import Path

import pytest
import torch

from pipeline.networks.checkpoint import load_network, save_network
from pipeline.networks.openpose import PoseNet, bones
from pipeline.networks.unet import G2
from pipeline.pose.skeleton import COCO_18, H36M_17
from pipeline.utils.errors import UserError


def make(backbone: str, stride: int = 4, joints: int = 17, stages: int = 1) -> PoseNet:
    torch.manual_seed(0)
    return PoseNet(joints, backbone, 0.1, stages, stride, [64, 32]).eval()


def test_bones_are_a_tree_of_all_joints() -> None:
    for skeleton in (H36M_17, COCO_18):
        found = bones(len(skeleton))
        assert len(found) == len(skeleton) - 1
        assert sorted({joint for bone in found for joint in bone}) == list(range(len(skeleton)))


@pytest.mark.parametrize("size", [[0, 0], [64], [64.5, 32], [64, 1_000_000], "x", []])
def test_a_size_that_no_crop_has_is_refused(size: list[int]) -> None:
    with pytest.raises(ValueError, match="expected a height and a width"):
        PoseNet(17, "mobilenet", 0.1, 1, 4, size)


@pytest.mark.parametrize("backbone", ["vgg", "mobilenet"])
@pytest.mark.parametrize(("stride", "joints", "stages"), [(4, 17, 1), (8, 18, 2)])
def test_each_stage_gives_a_map_per_joint_and_two_per_bone(backbone: str, stride: int, joints: int, stages: int) -> None:
    guesses = make(backbone, stride, joints, stages)(torch.zeros(2, 3, 64, 32))
    assert len(guesses) == 1 + stages
    for guess in guesses:
        assert guess.heat.shape == (2, joints + 1, 64 // stride, 32 // stride)
        assert guess.paf.shape == (2, 2 * (joints - 1), 64 // stride, 32 // stride)


@pytest.mark.parametrize("backbone", ["vgg", "mobilenet"])
@pytest.mark.parametrize("size", [(40, 24), (4, 4)])
def test_any_multiple_of_the_stride_will_do(backbone: str, size: tuple[int, int]) -> None:
    for guess in make(backbone)(torch.zeros(1, 3, *size)):
        assert guess.heat.shape[2:] == (size[0] // 4, size[1] // 4)


@pytest.mark.parametrize("backbone", ["vgg", "mobilenet"])
def test_every_weight_learns_from_the_maps_of_all_stages(backbone: str) -> None:
    network = make(backbone).train()
    sum(guess.heat.square().sum() + guess.paf.square().sum() for guess in network(torch.randn(2, 3, 64, 32))).backward()
    assert all(value.grad is not None and value.grad.abs().sum() > 0 for value in network.parameters())


@pytest.mark.parametrize("backbone", ["vgg", "mobilenet"])
def test_the_gradient_in_bfloat16_is_the_same_each_time(backbone: str) -> None:
    """That of a dilated depthwise kernel is not: it holds what was in memory before."""
    network, image = make(backbone).train().to(memory_format=torch.channels_last), torch.randn(8, 3, 64, 64)
    image, gradients = image.contiguous(memory_format=torch.channels_last), []
    for _ in range(3):
        used = torch.full((2_000_000,), float("nan"))
        del used
        with torch.autocast("cpu", torch.bfloat16):
            guesses = network(image)
        network.zero_grad()
        sum(guess.heat.float().square().sum() + guess.paf.float().square().sum() for guess in guesses).backward()
        gradients.append([value.grad.clone() for value in network.parameters()])
    for first, *others in zip(*gradients, strict=True):
        assert torch.isfinite(first).all()
        assert all(torch.equal(first, other) for other in others)


def test_mobilenet_is_the_smaller_one() -> None:
    sizes = {backbone: sum(value.numel() for value in make(backbone).parameters()) for backbone in ("vgg", "mobilenet")}
    assert sizes["mobilenet"] < sizes["vgg"] / 2


def test_the_file_rebuilds_the_network(tmp_path: Path) -> None:
    network = make("mobilenet")
    save_network(tmp_path / "pose.safetensors", network)
    again = load_network(tmp_path / "pose.safetensors", PoseNet)
    assert again.config == network.config
    image = torch.randn(1, 3, 64, 32)
    torch.testing.assert_close(again(image)[-1].heat, network(image)[-1].heat)
    with pytest.raises(UserError, match="expected the weights of G2, found those of PoseNet"):
        load_network(tmp_path / "pose.safetensors", G2)


@pytest.mark.parametrize(("backbone", "stride"), [("resnet", 4), ("vgg", 5)])
def test_other_networks_are_refused(backbone: str, stride: int) -> None:
    with pytest.raises(ValueError, match="expected the backbone vgg or mobilenet and a stride of 4 or 8"):
        make(backbone, stride)
