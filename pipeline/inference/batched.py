"""A trained model at work on rows of a pack: where it paints, what, and how many images at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.inference.generator import Generator
from pipeline.inference.images import IMAGES, WITHOUT_DEPTH, WITHOUT_LIMBS
from pipeline.packs.batches import scene_of
from pipeline.packs.pack import Pack
from pipeline.pose.background import Scene
from pipeline.pose.bodies.parts import front_parts
from pipeline.pose.bodies.warp import Source, paint_by_part
from pipeline.pose.conditioning import Condition, Further
from pipeline.utils.progress import track
from pipeline.utils.tensors import to_image, to_uint8

CHUNK = 256  # rows looked at at a time


@dataclass(frozen=True)
class Task:
    """What to paint, row by row: the person of row `source` (N,) in the pose of row `target` (N,), labelled `label` (N, 8).

    further : (N, F) more rows that show the person, or None
    """

    source: np.ndarray
    target: np.ndarray
    label: np.ndarray
    further: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.source)

    @property
    def pictures(self) -> list[np.ndarray]:
        """The rows (N,) of each picture of the persons in turn."""
        return [self.source, *([] if self.further is None else self.further.T)]

    def part(self, chosen: Any) -> "Task":
        """The chosen rows of the task."""
        return Task(self.source[chosen], self.target[chosen], self.label[chosen], None if self.further is None else self.further[chosen])


@dataclass(frozen=True)
class Measured:
    """A task of one batch on the device that paints it: all that the networks and the masks are told, measured once.

    image, truth : (N, 3, H, W) float32 in [-1, 1], of source and target; source, target : as `Conditioning.measure` gives them;
    source_label, label : (N, L), of the source, and as the target shall be painted; scene : what the pack knows of the background, if anything;
    further : the other sources
    """

    task: Task
    image: Tensor
    truth: Tensor
    source: Any
    source_label: Tensor
    target: Any
    label: Tensor
    scene: Scene | None
    further: Sequence[Further] = ()

    def with_label(self, label: np.ndarray) -> "Measured":
        """The same, the target labelled otherwise."""
        return replace(self, task=replace(self.task, label=label), label=torch.from_numpy(label).to(self.label.device))


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

    def measure(self, task: Task) -> Measured:
        """The bodies (or faces) of a task of one batch, each measured once."""
        first, *further = (self._picture(rows, task.target) for rows in task.pictures)
        target, label = self._body(task.target), torch.from_numpy(task.label).to(self.device)
        truth = to_image(self.pack.image[task.target], self.device)
        return Measured(task, first.image, truth, first.measured, first.label, target, label, first.scene, further)

    def _picture(self, rows: np.ndarray, targets: np.ndarray) -> Further:
        """Rows (N,) of the pack that show the people of the targets (N,)."""
        label = torch.from_numpy(self.pack.label[rows]).to(self.device)
        scene = scene_of(self.pack, np.column_stack([rows, targets]), np.zeros(len(rows), bool), self.device)
        return Further(to_image(self.pack.image[rows], self.device), self._body(rows), label, scene)

    def _body(self, rows: np.ndarray) -> Any:
        return self.generator.conditioning.measure(torch.from_numpy(self.pack.pose_2d[rows]).to(self.device), self.size)

    def masks(self, measured: Measured) -> tuple[Tensor, Tensor]:
        """Where errors count twice, and where limbs overlap something: (N, 1, H, W) bool each, in main memory."""
        conditioning = self.generator.conditioning
        return conditioning.mask(measured.target).bool().cpu(), conditioning.overlap(measured.target).bool().cpu()

    def heads(self, measured: Measured) -> Tensor:
        """The squares around the targets' heads, (N, 3) float32, in main memory: as `Conditioning.heads` gives them."""
        return self.generator.conditioning.heads(measured.target).cpu()

    def encode(self, measured: Measured) -> Condition:
        """What the networks see."""
        source = measured.image, measured.source, measured.source_label
        return self.generator.conditioning.encode(*source, measured.target, measured.label, measured.truth, measured.scene, measured.further)

    def paint(self, measured: Measured) -> tuple[Tensor, Tensor]:
        """Coarse and refined images, (N, 3, H, W) uint8 each, in main memory."""
        coarse, refined = self.generator.paint(measured.image, self.encode(measured))
        return to_uint8(coarse).cpu(), to_uint8(refined).cpu()

    def paint_by_part(self, measured: Measured) -> Tensor:
        """The baseline without a network, (N, 3, H, W) uint8, in main memory; it sees the labels even where the networks do not."""
        pictures = [(measured.image, measured.source, measured.source_label), *(one[:3] for one in measured.further)]
        sources = [Source(image, body, front_parts(body, label)) for image, body, label in pictures]
        return to_uint8(paint_by_part(sources, measured.target, measured.label)).cpu()

    @property
    def scored(self) -> tuple[str, ...]:
        """What is scored, of `IMAGES`: bodies alone can be painted by part, and have a ceiling where their true depth is known."""
        if not self.pack.has_limbs:
            return WITHOUT_LIMBS
        return IMAGES if self.pack.pose_3d.shape[1] else WITHOUT_DEPTH

    def paint_all(self, measured: Measured) -> Tensor:
        """All that is scored but for the ceiling, which is told the truth, in the order of `scored`: (images, N, 3, H, W) uint8."""
        by_part = [self.paint_by_part(measured)] if self.pack.has_limbs else []
        return torch.stack([self.images(measured.task.source), *by_part, *self.paint(measured)])

    def batches(self, task: Task, name: str) -> Iterator[tuple[slice, Task]]:
        """The task in batches, whose progress is called `name`."""
        starts = range(0, len(task), self.batch_size)
        for start in track(starts, name, len(starts)):
            rows = slice(start, start + self.batch_size)
            yield rows, task.part(rows)


def paint_both(batched: BatchedGenerator, twin: Measured) -> Tensor:
    """What `paint_all` paints with the originals' labels and with the twins', which `twin` has: (images, M, 2, 3, H, W) uint8."""
    original = twin.with_label(batched.pack.label[twin.task.target])
    return torch.stack([batched.paint_all(measured) for measured in (original, twin)], dim=2)


def pose_distance(pack: Pack, task: Task) -> np.ndarray:
    """(N,) mean distance of the joints of source and target, px; joints that are missing (NaN) do not count."""
    return np.nanmean(np.linalg.norm(pack.pose_2d[task.source] - pack.pose_2d[task.target], axis=-1), axis=-1)
