"""What lies between labels and image: what the networks see of a few twins and their originals, and what they paint."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from pipeline.evaluation.examples.captions import captions
from pipeline.evaluation.examples.cases import Steps
from pipeline.evaluation.twins import JudgedTwins
from pipeline.inference.batched import BatchedGenerator
from pipeline.pose.background import LAYER_CHANNELS
from pipeline.pose.bodies.maps import channels
from pipeline.pose.conditioning import WARP_CHANNELS, WARP_LAYERS
from pipeline.utils.tensors import as_rows, to_uint8


def steps(batched: BatchedGenerator, judged: JudgedTwins, numbers: np.ndarray) -> Steps:
    """The original and the twin of these numbers (n,), one after the other; nothing of a model without `pose.lift` and `pose.appearance`."""
    pack, conditioning = batched.pack, batched.generator.conditioning
    config = conditioning.config
    assert config.kind == "bodies"
    numbers = numbers if config.lift and config.appearance else numbers[:0]
    part = judged.task.part(np.repeat(numbers, 2))
    original = np.arange(len(part)) % 2 == 0
    task = replace(part, label=np.where(original[:, None], pack.label[part.target], part.label))
    pictures = [[pack.image[:0]] for _ in range(3)]
    for _, batch in batched.batches(task, "steps for the report"):
        maps = batched.encode(batched.measure(batch)).maps.cpu()
        near = maps[:, LAYER_CHANNELS * len(conditioning.layers) + channels(config.maps)]
        drawn = _draw_depth_layer(near), *(_draw_warped(layer) for layer in maps[:, :WARP_CHANNELS].chunk(len(WARP_LAYERS), dim=1))
        for images, picture in zip(pictures, drawn, strict=True):
            images.append(as_rows(picture))
    depth_layer, warped_front, warped_second = (np.concatenate(images) for images in pictures)
    painted = [judged.refined[number] for number in numbers.tolist()]  # (2, H, W, 3) each
    return Steps(
        source=pack.image[part.source],
        pose=pack.pose_2d[part.target],
        label=task.label,
        depth_layer=depth_layer,
        warped_front=warped_front,
        warped_second=warped_second,
        refined=np.concatenate([pack.image[:0], *painted]),
        truth=np.where(original[:, None, None, None], pack.image[part.target], pack.twins.image[np.repeat(numbers, 2)]),
        caption=np.array([f"{name}{'' if first else ', twin'}" for name, first in zip(captions(pack, part.target), original, strict=True)], np.str_),
    )


def _draw_depth_layer(near: Tensor) -> Tensor:
    """The depth layer of the front parts (N, H, W) as pictures (N, 3, H, W) uint8: black where nothing is, else brighter where it is nearer."""
    grey = (150 + 150 * near).clamp(40, 255) * (near != 0)
    return grey.byte()[:, None].expand(-1, 3, -1, -1)


def _draw_warped(layer: Tensor) -> Tensor:
    """A layer of the warped source (N, 4, H, W) as pictures (N, 3, H, W) uint8, white where nothing is known."""
    return torch.where(layer[:, 3:] > 0, to_uint8(layer[:, :3]), 255).byte()
