"""Batches: which pairs come when, and the tensors made of them.

Images are read from their packs as uint8; a batch is converted, mirrored and drawn on the device that it is for. That takes a few milliseconds, so
it happens in the training process, in turn with the training step: a worker process or thread would only take the cores from it.
"""

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.packs.pack import Pack, Twins
from pipeline.pose.background import Scene, place_of
from pipeline.pose.conditioning import CloseUp, Condition, Conditioning, Further
from pipeline.pose.skeleton import mirror_pose
from pipeline.utils.errors import UserError
from pipeline.utils.images import mirror_image
from pipeline.utils.tensors import to_image, to_layer


@dataclass(frozen=True)
class Batch:
    """One batch; images are float32 RGB in [-1, 1].

    source, target : (B, 3, H, W)
    appearance : (B, *Conditioning.appearance_size), what the networks see of the source's person
    maps : (B, Conditioning.channels, H, W)
    head : the heads, larger, where `Conditioning.told` is not 0
    mask : (B, 1, H, W) float32, 1 on the target's body, else 0
    negative : (B, 3, H, W), what the same joints show with other labels, where that is known, else the target
    index : (B, 2) int64, rows of the pack: source and target
    """

    source: Tensor
    target: Tensor
    appearance: Tensor
    maps: Tensor
    mask: Tensor
    negative: Tensor
    index: Tensor
    head: CloseUp | None = None

    @property
    def seen(self) -> tuple[Any, ...]:
        """What a coarse generator takes."""
        return Condition(self.appearance, self.maps, self.head).seen

    def part(self, rows: slice) -> "Batch":
        """Some rows of the batch."""
        tensors = {field.name: getattr(self, field.name)[rows] for field in fields(self) if field.name != "head"}
        return Batch(**tensors, head=None if self.head is None else self.head.part(rows))


def batch_indices(
    seed: int, step: int, pairs: np.ndarray, batch_size: int, flip: bool, rank: int = 0, world_size: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """The pairs of step `step` (from 0), and which of them are mirrored; they depend on the seed and the step alone.

    All pairs come once, in random order, before any comes again; a batch may span two such epochs.

    pairs : (P, 2) int64
    batch_size : pairs per step over all `world_size` processes; process `rank` gets its equal share
    flip : mirror half of the pairs, at random
    returns : (batch_size / world_size, 2) int64 and (batch_size / world_size,) bool
    Raises UserError without any pair, or where the batch cannot be shared equally.
    """
    if not len(pairs):
        raise UserError("no training pairs; raise pairs.train, lower pairs.min_distance or add to data.subjects")
    if batch_size % world_size:
        raise UserError(f"batch_size = {batch_size}: expected a multiple of the {world_size} processes that share the batch")
    share = batch_size // world_size
    position = step * batch_size + rank * share + np.arange(share)
    order = np.empty(share, np.int64)
    mirrored = np.empty(share, bool)
    for epoch in np.unique(position // len(pairs)):
        here = position // len(pairs) == epoch
        all_order, all_mirrored = _epoch(seed, int(epoch), len(pairs))
        order[here], mirrored[here] = (column[position[here] % len(pairs)] for column in (all_order, all_mirrored))
    return pairs[order], mirrored & flip


@lru_cache(maxsize=2)
def _epoch(seed: int, epoch: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Order of `count` pairs in one epoch, and which are mirrored."""
    rng = np.random.default_rng([seed, epoch])
    return rng.permutation(count), rng.random(count) < 0.5


def choose_twins(seed: int, step: int, twins: Twins, target: np.ndarray, batch_size: int, rank: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A twin of each target that has any, and whether it is painted instead of the target; they depend on the seed and the step alone.

    target : (B,) int64, rows of the pack, this process' share of the `batch_size` pairs of the step
    returns : (B,) int64, index of the twin or -1, and (B,) bool, true for half of those with a twin
    """
    which, instead = np.random.default_rng([seed, step, 1]).random((2, batch_size))[:, rank * len(target) : (rank + 1) * len(target)]
    first, last = np.searchsorted(twins.row, target, "left"), np.searchsorted(twins.row, target, "right")
    return np.where(last > first, first + (which * (last - first)).astype(np.int64), -1), (last > first) & (instead < 0.5)


def choose_sources(seed: int, step: int, pairs: np.ndarray, batch_size: int, rank: int = 0) -> np.ndarray:
    """Pairs with all their sources (B, 1 + sources) of which each goes on with one source or more, up to all, as often one number as another.

    They depend on the seed and the step alone. In place of a source that is left out stands the first one. Arguments are those of `choose_twins`.
    """
    further = pairs.shape[1] - 2
    drawn = np.random.default_rng([seed, step, 2]).integers(further + 1, size=batch_size)[rank * len(pairs) : (rank + 1) * len(pairs)]
    left_out = np.arange(further) >= drawn[:, None]
    return np.column_stack([pairs[:, :2], np.where(left_out, pairs[:, :1], pairs[:, 2:])])


def make_batch(
    pack: Pack,
    pairs: np.ndarray,
    flip: np.ndarray | None,
    conditioning: Conditioning,
    device: torch.device | str = "cpu",
    twins: tuple[np.ndarray, np.ndarray] | None = None,
    self_reconstruction: bool = False,
) -> Batch:
    """Convert, mirror and draw one batch.

    pairs : (B, 1 + sources) int64, rows of the pack: source, target, further sources; flip : (B,) bool, which pairs are mirrored, or None
    twins : as `choose_twins` gives them, or None: without twins; self_reconstruction : the target is its own source, and there is no other
    """
    pairs, rows_further = (pairs[:, [1, 1]], []) if self_reconstruction else (pairs[:, :2], list(pairs.T[2:]))
    mirrored = np.zeros(len(pairs), bool) if flip is None else flip
    image, label = [pack.image[rows] for rows in pairs.T], [pack.label[rows] for rows in pairs.T]
    negative = image[1].copy()
    if twins is not None:
        twin, instead = twins
        there, swapped = np.flatnonzero(twin >= 0), np.flatnonzero(instead)
        negative[there] = pack.twins.image[twin[there]]
        image[1][swapped], negative[swapped], label[1][swapped] = negative[swapped], image[1][swapped], pack.twins.label[twin[swapped]]
    if self_reconstruction:
        image[0], label[0] = image[1], label[1]
    source, target, other = (to_image(mirror_image(picture, mirrored), device) for picture in (*image, negative))
    first, measured_target = (_body(pack, rows, one, mirrored, conditioning, device) for rows, one in zip(pairs.T, label, strict=True))
    scene = scene_of(pack, pairs, mirrored, device)
    further = [
        Further(
            to_image(mirror_image(pack.image[rows], mirrored), device),
            *_body(pack, rows, pack.label[rows], mirrored, conditioning, device),
            scene_of(pack, np.column_stack([rows, pairs[:, 1]]), mirrored, device),
        )
        for rows in rows_further
    ]
    condition = conditioning.encode(source, *first, *measured_target, target, scene, further)
    mask, index = conditioning.mask(measured_target[0]), torch.from_numpy(np.ascontiguousarray(pairs))
    return Batch(source, target, condition.appearance, condition.maps, mask, other, index, condition.head)


def _body(
    pack: Pack, rows: np.ndarray, label: np.ndarray, mirrored: np.ndarray, conditioning: Conditioning, device: torch.device | str
) -> tuple[Any, Tensor]:
    """The bodies of some rows (B,), labelled `label` (B, L), as `Conditioning.measure` gives them, and their labels."""
    height, width = pack.image.shape[1:3]
    pose_2d, flipped = mirror_pose(pack.pose_2d[rows], label, width, mirrored)
    return conditioning.measure(torch.from_numpy(pose_2d).to(device), (height, width)), torch.from_numpy(flipped).to(device)


def scene_of(pack: Pack, pairs: np.ndarray, mirrored: np.ndarray, device: torch.device | str = "cpu") -> Scene | None:
    """What a pack knows of the background of the targets of `pairs` (B, 2); None where its cameras may have moved."""
    if pack.box is None:
        return None
    source, target = pairs.T
    place = place_of(pack.box[source], pack.box[target], pack.image.shape[2], mirrored)
    place[(pack.subject[source] != pack.subject[target]) | (pack.camera[source] != pack.camera[target])] = np.nan
    plate = None if pack.background is None else to_layer(mirror_image(pack.background[target], mirrored), device)
    return Scene(torch.from_numpy(place).to(device), plate)
