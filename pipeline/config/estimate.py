"""How much memory the parameters ask for, from the numbers alone: what is far beyond the machine is refused before any work.

Each figure is a lower bound: the weights of the widest layers and, of a training, what each image leaves behind for the gradient. Nothing that could
run is refused; what comes close may still fail.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from pipeline.config.evaluate import EvaluateConfig
from pipeline.config.model import GeneratorName, ModelConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.config.pose_net import PoseNetConfig, TrainPoseConfig
from pipeline.config.train import LoopConfig, TrainG1Config, TrainG2Config, TrainLifterConfig

GIB = 2**30
FAR = 2  # times the memory of the machine are too much: less may fit a disk's swap
LARGEST_GPU = 320 * GIB  # bytes; how much a GPU has cannot be asked without loading torch
GPUS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg", "/dev/dri/renderD128")  # where there is one, one of these is
TRAINED = 4 * 5  # bytes per weight: itself, its gradient, two averages of the optimiser, the moving average
KEPT = 2  # bytes per number that is kept for the gradient, with bfloat16
PROCESS = 48 * 2**20  # bytes of a worker that has loaded NumPy and OpenCV
VIEW = 156 * 4 + 2 * 17 * 3 * 4  # bytes per pose of the lifter's training: features, joints, depths
LARGEST_SHARE = 4  # the largest layers of a generator hold at least its filters at full size, that many times


class Network(NamedTuple):
    """Weights, and numbers that one image leaves behind for the gradient."""

    weights: int
    kept: int


class Coarse(NamedTuple):
    """A coarse generator: the keys that its size depends on, in words, and its filters at full size."""

    network: Network
    keys: str
    filters: int


class Need(NamedTuple):
    """Bytes that some parameters ask for, in words."""

    keys: str
    bytes: int


def unet(image_size: tuple[int, int], filters: int, blocks: int, bottleneck: str = "conv", shrink: int = 1, decoder: str = "joined") -> Network:
    """Of a U-Net of PG2 (`networks/unet.py`), without the first and the last layer."""
    widths = [filters * (i + 1) for i in range(blocks)]
    pixels = [image_size[0] * image_size[1] // (shrink**2 * 4**i) for i in range(blocks)]
    weights = sum(18 * width**2 for width in widths) + sum(9 * a * b for a, b in pairwise(widths))
    kept = sum(2 * width * count for width, count in zip(widths, pixels, strict=True))
    if bottleneck == "conv":
        weights, channels = weights + 18 * widths[-1] ** 2, widths[-1]
    else:
        weights, channels = weights + 64 * (widths[-1] + filters) * pixels[-1], filters
    for i in reversed(range(blocks)):
        channels += widths[i]
        if decoder == "light":
            weights, kept, channels = weights + channels * widths[i], kept + widths[i] * pixels[i], widths[i]
        weights += 18 * channels**2
        kept += 2 * channels * pixels[i]
        if i:
            weights += channels * widths[i - 1]
            channels = widths[i - 1]
    return Network(weights, kept)


def vunet(image_size: tuple[int, int], filters: int, max_filters: int, levels: int) -> Network:
    """Of the variational U-Net (`networks/vunet.py`), without what sees the look at a person, and without its priors."""
    widths = [min(filters * 2**level, max_filters) for level in range(levels)]
    weights = sum(18 * width**2 + 36 * width**2 for width in widths) + sum((9 + 36) * a * b for a, b in pairwise(widths))
    kept = sum(4 * width * (image_size[0] * image_size[1] // 4**level) for level, width in enumerate(widths))
    return Network(weights, kept)


def _pg2(image_size: tuple[int, int], model: ModelConfig) -> Coarse:
    network = unet(image_size, model.filters, model.blocks, model.bottleneck, model.shrink, model.decoder)
    return Coarse(network, "model.filters, model.blocks", max(1, model.filters // model.shrink**2))


def _vunet(image_size: tuple[int, int], model: ModelConfig) -> Coarse:
    own, keys = model.vunet, "model.vunet.filters, model.vunet.max_filters, model.vunet.levels"
    return Coarse(vunet(image_size, own.filters, own.max_filters, own.levels), keys, own.filters)


_COARSE: dict[GeneratorName, Callable[[tuple[int, int], ModelConfig], Coarse]] = {"pg2": _pg2, "vunet": _vunet}


def coarse(image_size: tuple[int, int], model: ModelConfig) -> Coarse:
    """Of the coarse generator that `model.generator` chooses."""
    return _COARSE[model.generator](image_size, model)


def discriminator(image_size: tuple[int, int], border: int, smallest: int = 4, filters: int = 32) -> Network:
    """Of D (`networks/discriminator.py`): filters double while the shorter side is halved."""
    height, width = (side - 2 * border for side in image_size)
    weights = kept = 0
    before, made = 3, filters
    while min(height, width) > smallest:
        height, width = -(-height // 2), -(-width // 2)
        weights += 25 * before * made
        kept += made * height * width
        before, made = made, 2 * made
    return Network(weights, kept)


def painting_needs(
    image_size: tuple[int, int],
    model: ModelConfig,
    train_g1: TrainG1Config,
    train_g2: TrainG2Config,
    evaluate: EvaluateConfig,
    parallel: ParallelConfig,
) -> Iterator[Need]:
    """Of the two trainings and of the scores."""
    g1, keys, filters = coarse(image_size, model)
    g2 = unet(image_size, model.filters, model.blocks - 2, shrink=model.shrink, decoder=model.decoder)
    d = discriminator(image_size, model.border)
    yield _training("train_g1", keys, g1, train_g1, parallel)
    refining = Network(g2.weights + d.weights + g1.weights // 5, g2.kept + 3 * d.kept)  # of G1 the weights alone
    yield _training("train_g2", "model.filters, model.blocks", refining, train_g2, parallel)
    pixels = image_size[0] * image_size[1]
    widest = LARGEST_SHARE * filters
    yield Need("evaluate.batch_size, data.image_size", 4 * (g1.weights + g2.weights) + evaluate.batch_size * pixels * (9 + widest) * 2)


def _training(section: str, keys: str, network: Network, loop: LoopConfig, parallel: ParallelConfig) -> Need:
    """Of one machine's processes."""
    images = loop.batch_size / parallel.nodes
    return Need(f"{section}.batch_size, {keys}, data.image_size", int(TRAINED * network.weights * parallel.devices + KEPT * network.kept * images))


def lifter_need(config: TrainLifterConfig) -> Need:
    """Of the lifter's training: poses, weights of its two networks and their optimisers, and what a batch leaves behind."""
    weights = 2 * 2 * config.blocks * config.width**2
    kept = 4 * config.batch_size * config.width * 2 * config.blocks
    keys = "train_lifter.views, train_lifter.width, train_lifter.blocks, train_lifter.batch_size"
    return Need(keys, config.views * VIEW + 16 * weights + kept)


def pose_needs(net: PoseNetConfig, config: TrainPoseConfig, parallel: ParallelConfig) -> Iterator[Need]:
    """Of the training of the pose estimator: its stages, and what close-ups leave behind."""
    heads = 128 * net.width
    for backbone in net.backbones:
        stage = (195 if backbone == "mobilenet" else 392) * heads**2
        weights = (1 + net.stages) * stage / 4
        cells = (config.close_ups.side / net.stride) ** 2 if config.close_ups.steps else 4
        images = config.batch_size * (config.close_ups.images if config.close_ups.steps else 1) / parallel.nodes
        kept = cells * heads * (4 + 8 * net.stages)
        keys = "train_pose.batch_size, train_pose.close_ups, pose_net.width, pose_net.stages"
        yield Need(keys, int(TRAINED * weights * parallel.devices + KEPT * kept * images))


def worker_need(parallel: ParallelConfig) -> Need:
    """Of the processes of the data stages, where this machine runs them."""
    return Need("parallel.workers", PROCESS * max(parallel.workers, 1) if parallel.scheduler is None else 0)


def memory_here() -> int:
    """Bytes of memory of this machine; as good as endless where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 2**62


def memory_for_training(parallel: ParallelConfig, memory: int) -> int:
    """Bytes that a training may fill: `memory`, or that of the GPUs where there may be some."""
    if parallel.accelerator == "cpu" or not any(Path(device).exists() for device in GPUS):
        return memory
    return max(memory, LARGEST_GPU * parallel.devices)


def beyond(needs: Iterable[Need], memory: int) -> Iterator[str]:
    """A line per need that is far beyond `memory` bytes."""
    for need in needs:
        if need.bytes > FAR * memory:
            yield f"{need.keys}: need at least {_gib(need.bytes)} of memory, this machine has {_gib(memory)}; lower them"


def _gib(count: int) -> str:
    return f"{count / GIB:,.1f} GiB"
