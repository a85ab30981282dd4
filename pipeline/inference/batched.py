"""A trained model at work on rows of a pack: where it paints, what, and how many images at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.inference.generator import Generator
from pipeline.inference.images import IMAGES, WITHOUT_LIMBS
from pipeline.packs.batches import to_image, to_uint8
from pipeline.packs.pack import Pack
from pipeline.pose.bodies.maps import measure
from pipeline.pose.bodies.warp import paint_by_part
from pipeline.pose.conditioning import Condition, encode_poses
from pipeline.utils.progress import track

CHUNK = 256  # rows looked at at a time


@dataclass(frozen=True)
class Task:
    """What to paint, row by row: the person of row `source` (N,) in the pose of row `target` (N,), labelled `label` (N, 8)."""

    source: np.ndarray
    target: np.ndarray
    label: np.ndarray

    def __len__(self) -> int:
        return len(self.source)

    def part(self, chosen: Any) -> "Task":
        """The chosen rows of the task."""
        return Task(self.source[chosen], self.target[chosen], self.label[chosen])


@dataclass(frozen=True)
class BatchedGenerator:
    """A trained model, the pack that it paints from, how many images it paints at a time, and where."""

    generator: Generator
    pack: Pack
    batch_size: int
    device: torch.device

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images, px."""
        height, width = self.pack.image.shape[1:3]
        return height, width

    def images(self, rows: np.ndarray) -> Tensor:
        """(N, 3, H, W) uint8 RGB, in main memory."""
        return torch.from_numpy(self.pack.image[rows]).permute(0, 3, 1, 2)

    def pose(self, rows: np.ndarray) -> Tensor:
        """(N, J, 2) float32, px, in main memory."""
        return torch.from_numpy(self.pack.pose_2d[rows])

    def masks(self, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """Where errors count twice, and where limbs overlap something: (N, 1, H, W) bool each, in main memory."""
        conditioning = self.generator.conditioning
        measured = conditioning.measure(self.pose(rows), self.size)
        return conditioning.mask(measured).bool(), conditioning.overlap(measured).bool()

    def encode(self, task: Task) -> tuple[Tensor, Condition]:
        """The source images (N, 3, H, W) of a task of one batch, and what the networks see."""
        labels = [torch.from_numpy(label).to(self.device) for label in (self.pack.label[task.source], task.label)]
        poses = [self.pose(rows).to(self.device) for rows in (task.source, task.target)]
        source, target = (to_image(self.pack.image[rows], self.device) for rows in (task.source, task.target))
        return source, encode_poses(self.generator.conditioning, source, poses[0], labels[0], poses[1], labels[1], self.size, target)

    def paint(self, task: Task) -> tuple[Tensor, Tensor]:
        """Coarse and refined images of a task of one batch, (N, 3, H, W) uint8 each, in main memory."""
        coarse, refined = self.generator.paint(*self.encode(task))
        return to_uint8(coarse).cpu(), to_uint8(refined).cpu()

    def paint_by_part(self, task: Task) -> Tensor:
        """The baseline without a network for a task of one batch, (N, 3, H, W) uint8; it sees the labels even where the networks do not."""
        bodies = [measure(self.pose(rows), self.size) for rows in (task.source, task.target)]
        labels = [torch.from_numpy(label) for label in (self.pack.label[task.source], task.label)]
        return to_uint8(paint_by_part(to_image(self.pack.image[task.source]), bodies[0], labels[0], bodies[1], labels[1]))

    @property
    def scored(self) -> tuple[str, ...]:
        """What is scored, of `IMAGES`: bodies alone can be painted by part."""
        return IMAGES if self.pack.has_limbs else WITHOUT_LIMBS

    def paint_all(self, task: Task) -> Tensor:
        """All that is scored, in the order of `scored`, for a task of one batch: (images, N, 3, H, W) uint8."""
        by_part = [self.paint_by_part(task)] if self.pack.has_limbs else []
        return torch.stack([self.images(task.source), *by_part, *self.paint(task)])

    def batches(self, task: Task, name: str) -> Iterator[tuple[slice, Task]]:
        """The task in batches, whose progress is called `name`."""
        starts = range(0, len(task), self.batch_size)
        for start in track(starts, name, len(starts)):
            rows = slice(start, start + self.batch_size)
            yield rows, task.part(rows)


def paint_both(studio: BatchedGenerator, twins: Task) -> np.ndarray:
    """All images with the originals' labels and with the twins': (4, M, 2, H, W, 3) uint8."""
    originals = Task(twins.source, twins.target, studio.pack.label[twins.target])
    both = torch.stack([studio.paint_all(task) for task in (originals, twins)], dim=2)  # (4, M, 2, 3, H, W)
    return both.movedim(3, -1).contiguous().numpy()


def pose_distance(pack: Pack, task: Task) -> np.ndarray:
    """(N,) mean distance of the joints of source and target, px; joints that are missing (NaN) do not count."""
    return np.nanmean(np.linalg.norm(pack.pose_2d[task.source] - pack.pose_2d[task.target], axis=-1), axis=-1)


def as_rows(images: Tensor) -> np.ndarray:
    """(N, 3, H, W) to (N, H, W, 3)."""
    return images.permute(0, 2, 3, 1).contiguous().numpy()
