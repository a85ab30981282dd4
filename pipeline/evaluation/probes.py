"""Questions to a model beyond the test pairs: what does a label change in an image, and what does another source?"""

import numpy as np
import torch
from torch import Tensor

from pipeline.evaluation.kept_images import KeptImages
from pipeline.evaluation.scores.pixels import difference_within
from pipeline.inference.batched import BatchedGenerator, Measured, Task
from pipeline.networks.vunet import VUNet
from pipeline.pose.bodies.masks import overlap_mask
from pipeline.pose.bodies.parts import FIRST_LIMB_PART, front_parts
from pipeline.pose.skeleton import LIMB_NAMES
from pipeline.utils.numbers import mean, spread

PROBED_PAIRS = 256
OVERLAPPING = 0.1  # share of a limb's area from which on it overlaps something


def probed(task: Task) -> np.ndarray:
    """Numbers of the pairs that are asked: at most `PROBED_PAIRS`, evenly spread."""
    return spread(np.arange(len(task)), PROBED_PAIRS)


def response(batched: BatchedGenerator, task: Task) -> dict[str, float | None]:
    """How much a limb's pixels change, mean absolute difference in [0, 1], when its label goes from +1 to -1.

    Each of the probed pairs is asked for one limb in turn. The limb's pixels are those of its whole area but for those that it shares with its
    neighbours around a common joint. `response` is over the limbs that overlap the torso or another limb with at least a tenth of these
    pixels, `response_alone` over those that overlap nothing.
    """
    task = task.part(probed(task))
    limb = np.arange(len(task)) % len(LIMB_NAMES)
    change, share = np.empty(len(task)), np.empty(len(task))
    for rows, batch in batched.batches(task, "response to labels"):
        measured = batched.measure(batch)
        overlap, bare = _limb_pixels(measured, limb[rows])
        front, behind = (batched.paint(measured.with_label(_with_limb(batch.label, limb[rows], value)))[1] for value in (1, -1))
        change[rows] = difference_within(front, behind, overlap | bare).numpy()
        share[rows] = (overlap.sum((1, 2, 3)) / (overlap | bare).sum((1, 2, 3))).numpy()
    return {"response": mean(change[share >= OVERLAPPING]), "response_alone": mean(change[share == 0])}


@torch.inference_mode()
def latent_figures(batched: BatchedGenerator, task: Task, kept: KeptImages) -> dict[str, float | None]:
    """How much the variational U-Net knows of a person by its latents; None for generators without.

    `kl` : divergence of posterior and prior, nats per source image; `swap` : how much the pixels of the target's body change in the coarse
    image, mean absolute difference in [0, 1], when the source is that of another pair. Asked of the probed pairs, whose own images are kept.
    """
    network = batched.generator.g1
    if not isinstance(network, VUNet):
        return dict.fromkeys(("kl", "swap"))
    numbers, coarse = probed(task), batched.scored.index("coarse")
    task = task.part(numbers)
    kl, swap = np.empty(len(task)), np.empty(len(task))
    others = Task(np.roll(task.source, len(task) // 2), task.target, task.label)
    for rows, batch in batched.batches(others, "latents"):
        sources = task.source[rows]
        own_pose = batched.encode(batched.measure(Task(sources, sources, batched.pack.label[sources])))
        kl[rows] = network.divergence(own_pose.appearance, own_pose.maps).cpu().numpy()
        own = torch.from_numpy(np.stack([images[coarse] for images in kept.images(numbers[rows])])).permute(0, 3, 1, 2)
        measured = batched.measure(batch)
        swap[rows] = difference_within(batched.paint(measured)[0], own, batched.masks(measured)[0]).numpy()
    return {"kl": mean(kl), "swap": mean(swap)}


def _limb_pixels(measured: Measured, limb: np.ndarray) -> tuple[Tensor, Tensor]:
    """Where limb `limb` (N,) of each target overlaps the torso or another limb, and where nothing else is: (N, 1, H, W) bool each, in main memory."""
    body, part = measured.target, torch.from_numpy(FIRST_LIMB_PART + limb).view(-1, 1, 1)
    others = np.full((len(limb), len(LIMB_NAMES)), -1, dtype=np.int8)
    labels = (measured.with_label(_with_limb(sign * others, limb, sign)).label for sign in (1, -1))
    area, bare = ((front_parts(body, label).cpu() == part).unsqueeze(1) for label in labels)
    return area & overlap_mask(body).cpu().bool(), bare


def _with_limb(label: np.ndarray, limb: np.ndarray, value: int) -> np.ndarray:
    """A copy of the labels (N, 8) with `value` for limb `limb` (N,) of each row."""
    label = label.copy()
    label[np.arange(len(label)), limb] = value
    return label
