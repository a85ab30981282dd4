"""A generator whose weights are random: as fast as a trained one."""

import torch

from pipeline.config.params import Params
from pipeline.inference.generator import Generator
from pipeline.networks.coarse import conditioning_of, make_coarse, make_g2
from pipeline.networks.lifter import Lifter


def untrained(params: Params) -> Generator:
    """A generator of the default parameters, as it is loaded."""
    lifter = Lifter(params.train_lifter.width, params.train_lifter.blocks, params.pose.rule) if params.pose.lift else None
    conditioning = conditioning_of(params.model, params.pose.map_config, lifter)
    size = params.data.image_size
    networks = make_coarse(conditioning, size, params.model), make_g2(size, params.model)
    for network in networks:
        network.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    return Generator(*networks, conditioning, size)
