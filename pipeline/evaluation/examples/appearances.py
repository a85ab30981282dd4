"""What the variational U-Net paints of one pose with several appearances."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pipeline.evaluation.examples.captions import captions
from pipeline.evaluation.examples.cases import Appearances
from pipeline.inference.batched import BatchedGenerator, Task
from pipeline.networks.vunet import VUNet
from pipeline.packs.pack import Pack
from pipeline.utils.numbers import spread
from pipeline.utils.tensors import as_rows, to_uint8

ROWS = 4  # of appearances that are shown
SAMPLED = 4  # appearances per row that are drawn from the prior
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of another person's appearance


@torch.inference_mode()
def appearances(batched: BatchedGenerator, task: Task) -> Appearances:
    """Coarse images of pairs, spread over all, with appearances that change into another person's, and with appearances from the prior."""
    pack, network = batched.pack, batched.generator.g1
    chosen = spread(np.arange(len(task)), ROWS if isinstance(network, VUNet) else 0)
    others = np.array([_another_person(pack, task, number) for number in chosen], dtype=np.int64)
    between, sampled = [np.empty((0, len(SHARES), *pack.image.shape[1:]), np.uint8)], [np.empty((0, SAMPLED, *pack.image.shape[1:]), np.uint8)]
    if isinstance(network, VUNet):
        for number, other in zip(chosen, others, strict=True):
            one = task.part([number])
            seen = batched.encode(batched.measure(one))
            of_other = batched.encode(batched.measure(Task(task.source[[other]], one.target, one.label))).appearance
            first, second = network.encode(seen.appearance), network.encode(of_other)
            mixed = [[(1 - share) * a + share * b for a, b in zip(first, second, strict=True)] for share in SHARES]
            between.append(_side_by_side([network.paint(seen.maps, latents) for latents in mixed]))
            generator = torch.Generator().manual_seed(int(number))
            sampled.append(_side_by_side([network.sample(seen.maps, generator) for _ in range(SAMPLED)]))
    return Appearances(
        source=pack.image[task.source[chosen]],
        other=pack.image[task.source[others]],
        pose=pack.pose_2d[task.target[chosen]],
        label=task.label[chosen],
        between=np.concatenate(between),
        sampled=np.concatenate(sampled),
        caption=captions(pack, task.target[chosen]),
    )


def _another_person(pack: Pack, task: Task, number: int) -> int:
    """The first pair from half-way on, counted from pair `number`, whose source is another person; the pair itself where there is none."""
    people = np.char.add(np.char.add(pack.subject[task.source], "/"), pack.identity[task.source])
    order = np.roll(np.arange(len(task)), -(number + len(task) // 2))
    differing = order[people[order] != people[number]]
    return int(differing[0]) if len(differing) else int(number)


def _side_by_side(images: Sequence[Tensor]) -> np.ndarray:
    """Images (1, 3, H, W) in [-1, 1] as those of one example, (1, n, H, W, 3) uint8."""
    return as_rows(to_uint8(torch.cat(list(images)).clamp(-1, 1)).cpu())[None]
