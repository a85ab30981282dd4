"""A generator whose weights are random, and what it sees at random: as fast as a trained one."""

import torch

from pipeline.config.params import Params
from pipeline.inference.generator import Generator
from pipeline.networks.coarse import conditioning_of, make_coarse, make_g2
from pipeline.networks.lifter import Lifter
from pipeline.pose.conditioning import FINE, CloseUp, Condition, Conditioning, close_up_side


def untrained(params: Params) -> Generator:
    """A generator of the default parameters, as it is loaded."""
    lifter = Lifter(params.train_lifter.width, params.train_lifter.blocks, params.pose.rule) if params.pose.lift else None
    conditioning = conditioning_of(params.model, params.pose.map_config, lifter)
    size = params.data.image_size
    networks = make_coarse(conditioning, size, params.model), make_g2(size, params.model)
    for network in networks:
        network.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    return Generator(*networks, conditioning, size)


def noise(conditioning: Conditioning, count: int, size: tuple[int, int]) -> Condition:
    """What is seen of `count` pairs in images of `size` (height, width), at random; heads are where they are of people who stand upright."""
    appearance, maps = torch.rand(count, *conditioning.appearance_size(size)), torch.rand(count, conditioning.channels, *size)
    if not conditioning.told:
        return Condition(appearance, maps)
    side, place = close_up_side(size[0]), torch.tensor([[size[1] / 2, size[0] / 6, size[0] / 14]]) * FINE
    return Condition(appearance, maps, CloseUp(torch.rand(count, 3, side, side), torch.rand(count, conditioning.told), place.int().repeat(count, 1)))
