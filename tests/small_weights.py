"""The weights of a whole small model, which changes its input at random: where a test needs one that need not be good."""

from pathlib import Path

import torch
from standing import RULE

from pipeline.config.pose import MapConfig
from pipeline.networks.checkpoint import save_network
from pipeline.networks.lifter import Lifter
from pipeline.networks.unet import G1, G2
from pipeline.pose.bodies.conditioning import BodyConditioning
from pipeline.pose.conditioning import WARP_LAYERS

SIZE = (64, 32)


def write_model(folder: Path) -> Path:
    """Write g1, g2 and lifter to a folder, which is made if need be."""
    torch.manual_seed(0)
    pose = MapConfig(depth=True, maps=("limbs",), appearance=True, lift=True, source=True, background="none", head=False, heatmap_radius=3)
    lifter = Lifter(16, 1, RULE)
    g1 = G1(BodyConditioning(pose, lifter).channels, WARP_LAYERS, SIZE, 4, 3, "conv", "nearest", lifter.config)
    folder.mkdir(parents=True, exist_ok=True)
    for name, network in {"g1": g1, "g2": G2(SIZE, 4, 1, "nearest"), "lifter": lifter}.items():
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
        save_network(folder / f"{name}.safetensors", network, None if network is lifter else pose)
    return folder
