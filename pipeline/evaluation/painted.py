"""The test pairs, painted once: whoever scores or shows them looks at each batch as it comes, and none stays in memory."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipeline.evaluation.ceiling import paint_pair_ceilings
from pipeline.evaluation.scores.score import ImagePairs
from pipeline.inference.batched import BatchedGenerator, Task


@dataclass(frozen=True)
class Painted:
    """A batch of test pairs.

    number : (N,) int64, of each pair among all; task : their rows and labels; images : (images, N, 3, H, W) uint8 in the order of
    `BatchedGenerator.scored`; truth : (N, 3, H, W) uint8; body, overlap : (N, 1, H, W) bool, as `BatchedGenerator.masks` gives them
    """

    number: np.ndarray
    task: Task
    images: Tensor
    truth: Tensor
    body: Tensor
    overlap: Tensor

    @property
    def pairs(self) -> ImagePairs:
        """What the scores of image pairs see: each image against the one truth."""
        return ImagePairs(self.images, self.truth, self.body, self.overlap)


def paint_pairs(batched: BatchedGenerator, task: Task) -> Iterator[Painted]:
    """Paint the pairs of the task, batch by batch; each is painted once, and its target measured once."""
    numbers = np.arange(len(task))
    for rows, batch in batched.batches(task, "test pairs"):
        measured = batched.measure(batch)
        images = batched.paint_all(measured)
        if "ceiling" in batched.scored:
            images = torch.cat([images, paint_pair_ceilings(batched, measured)[None]])
        yield Painted(numbers[rows], batch, images, batched.images(batch.target), *batched.masks(measured))
