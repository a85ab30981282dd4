"""The test pairs, painted once: whoever scores or shows them looks at each batch as it comes, and none stays in memory."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipeline.evaluation.ceiling import paint_pair_ceilings
from pipeline.evaluation.scores.score import Heads, ImagePairs
from pipeline.inference.batched import BatchedGenerator, Task
from pipeline.networks.squares import cut_square
from pipeline.pose.conditioning import close_up_side


@dataclass(frozen=True)
class Painted:
    """A batch of test pairs.

    number : (N,) int64, of each pair among all; task : their rows and labels; images : (images, N, 3, H, W) uint8 in the order of
    `BatchedGenerator.scored`; truth : (N, 3, H, W) uint8; body, overlap : (N, 1, H, W) bool, as `BatchedGenerator.masks` gives them;
    head : (N, 3) float32, as `BatchedGenerator.heads` gives it
    """

    number: np.ndarray
    task: Task
    images: Tensor
    truth: Tensor
    body: Tensor
    overlap: Tensor
    head: Tensor

    @property
    def pairs(self) -> ImagePairs:
        """What the scores of image pairs see: each image against the one truth."""
        return ImagePairs(self.images, self.truth, self.body, self.overlap, cut_heads(self.images, self.truth, self.head))


def cut_heads(images: Tensor, truth: Tensor, square: Tensor) -> Heads:
    """The squares around heads at about twice their size, by bilinear interpolation, as the pass over the head sees them.

    images : (images, N, 3, H, W) uint8; truth : (N, 3, H, W) uint8; square : (N, 3) float32, as `Conditioning.heads` gives it
    """
    known, side = square.isfinite().all(dim=1), close_up_side(truth.shape[2])
    place = torch.where(known[:, None], square, square.new_tensor([0.0, 0.0, 1.0]))
    cut = [cut_square(pictures.float(), place, side).round().to(torch.uint8) for pictures in (*images, truth)]
    return Heads(torch.stack(cut[:-1]), cut[-1], known)


def paint_pairs(batched: BatchedGenerator, task: Task) -> Iterator[Painted]:
    """Paint the pairs of the task, batch by batch; each is painted once, and its target measured once."""
    numbers = np.arange(len(task))
    for rows, batch in batched.batches(task, "test pairs"):
        measured = batched.measure(batch)
        images = batched.paint_all(measured)
        if "ceiling" in batched.scored:
            images = torch.cat([images, paint_pair_ceilings(batched, measured)[None]])
        yield Painted(numbers[rows], batch, images, batched.images(batch.target), *batched.masks(measured), batched.heads(measured))
