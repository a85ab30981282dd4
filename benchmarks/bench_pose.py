"""How long the pose estimator's backbones take for an image, as a ratio to VGG's: the thesis' Table 3.1 (4 to 5 s against 0.5 to 0.8 s)."""

import time
from pathlib import Path

import numpy as np
import torch

from pipeline.config.pose_net import PoseNetConfig, TrainPoseConfig
from pipeline.config.section import load_config
from pipeline.networks.openpose import PoseNet, bones
from pipeline.pose_estimation.evaluation import USUAL, time_per_image
from pipeline.pose_estimation.targets import draw_targets, pose_loss

PARAMS = Path(__file__).resolve().parents[1] / "recipes" / "pose" / "params.yaml"
SIZES = ((128, 64), USUAL)
JOINTS, STEPS = 17, 6


def train(network: PoseNet, batch_size: int, stride: int, sigma: float) -> float:
    """Seconds per image of a training step."""
    image = torch.randn(batch_size, 3, *SIZES[0]).contiguous(memory_format=torch.channels_last)
    pose_2d = torch.rand(batch_size, 1, JOINTS, 2) * torch.tensor([SIZES[0][1], SIZES[0][0]])
    optimiser = torch.optim.Adam(network.train().parameters(), 1e-3, fused=True)
    times = []
    for _ in range(STEPS):
        since = time.perf_counter()
        heat, paf = pose_loss(network(image), draw_targets(pose_2d, bones(JOINTS), SIZES[0], stride, sigma))
        optimiser.zero_grad()
        (heat + paf).backward()
        optimiser.step()
        times.append(time.perf_counter() - since)
    return float(np.median(times)) / batch_size


def main() -> None:
    """Measure both, at the recipe's width and at the published one."""
    shape, config = load_config(PoseNetConfig, PARAMS, "pose_net"), load_config(TrainPoseConfig, PARAMS, "train_pose")
    torch.set_num_threads(config.threads)
    for width in sorted({shape.width, 1.0}):
        nets = {backbone: PoseNet(JOINTS, backbone, width, shape.stages, shape.stride, list(SIZES[0])) for backbone in ("vgg", "mobilenet")}
        for net in nets.values():
            net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for size in SIZES:
            times = {backbone: time_per_image(net.eval(), size) for backbone, net in nets.items()}
            for backbone, seconds in times.items():
                print(f"image {size[0]}x{size[1]}, width {width:g}  {backbone:9} {1000 * seconds:8.1f} ms, {seconds / times['vgg']:.2f} times vgg's")
        times = {backbone: train(net, config.batch_size, shape.stride, shape.sigma) for backbone, net in nets.items()}
        for backbone, seconds in times.items():
            speed = f"{1 / seconds:6.1f} images/s, {seconds / times['vgg']:.2f} times vgg's time"
            print(f"training {SIZES[0][0]}x{SIZES[0][1]}, width {width:g}  {backbone:9} {speed}")


if __name__ == "__main__":
    main()
