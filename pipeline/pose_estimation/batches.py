"""Batches for the pose estimator: crops of people, mirrored, turned, zoomed, shifted, in other light, now and then two side by side.

At first they are close-ups. Whether somebody is seen from the front or from behind, and so which hand is the left one, shows in the face, which is a
few pixels of a crop: in whole crops a network takes very long to find that out, in close-ups some hundred steps, and what it has found it keeps.

What happens to the images of a step follows from the seed and the step alone.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from pipeline.config.pose_net import TrainPoseConfig
from pipeline.packs.pack import Pack
from pipeline.pose.skeleton import mirror_pose, skeleton_of
from pipeline.utils.images import mirror_image
from pipeline.utils.tensors import to_image

CENTRE = "nose"  # of a close-up, about
BELOW, ABOUT = 0.125, 0.2  # how far below it the middle of a close-up lies, and how far from there at most, shares of its side


class Crops(NamedTuple):
    """Images (B, 3, H, W) float32 in [-1, 1], and the poses in them, (B, P, J, 2) float32 px."""

    image: Tensor
    pose_2d: Tensor


def draw_batch(pack: Pack, config: TrainPoseConfig, step: int, device: torch.device, rank: int = 0, world: int = 1) -> Crops:
    """This process' share of the batch of step `step` (from 0)."""
    rng = np.random.default_rng([config.seed, step])
    close = step < config.close_ups.steps
    count = config.batch_size * (config.close_ups.images if close else 1)
    share = count // world
    part = slice(rank * share, (rank + 1) * share)
    rows, flip = rng.integers(0, len(pack), count)[part], (rng.random(count) < 0.5)[part] & config.flip
    angle = np.radians(rng.uniform(-config.turn, config.turn, count))[part]
    zoom = config.zoom ** rng.uniform(-1, 1, count)[part]
    shift = rng.uniform(-config.shift, config.shift, (count, 2))[part]
    light = rng.uniform(-config.light, config.light, (count, 2))[part]
    beside = rng.uniform(-ABOUT, ABOUT, (count, 2))[part]
    together = rng.random() < config.two_people and share % 2 == 0
    crops = read_crops(pack, rows, flip, device)
    crops = move(crops, *(torch.from_numpy(values.astype(np.float32)).to(device) for values in (angle, zoom, shift)))
    gain, offset = torch.from_numpy(light.astype(np.float32)).to(device)[:, :, None, None, None].unbind(1)
    crops = crops._replace(image=(crops.image * (1 + gain) + offset).clamp(-1, 1))
    if close:
        return close_up(crops, config.close_ups.side, torch.from_numpy(beside.astype(np.float32)).to(device))
    return side_by_side(crops) if together else crops


def read_crops(pack: Pack, rows: np.ndarray, flip: np.ndarray, device: torch.device) -> Crops:
    """The images and poses of some rows, those of `flip` (B,) bool mirrored."""
    pose_2d, _ = mirror_pose(pack.pose_2d[rows], np.zeros((len(rows), 0), np.int8), pack.image.shape[2], flip)
    return Crops(to_image(mirror_image(pack.image[rows], flip), device), torch.from_numpy(pose_2d)[:, None].to(device))


def move(crops: Crops, angle: Tensor, zoom: Tensor, shift: Tensor) -> Crops:
    """Turn about the middle by `angle` (B,) radians, enlarge by `zoom` (B,), shift by shares `shift` (B, 2) of width and height.

    Beyond its edges an image repeats its outermost pixels.
    """
    height, width = crops.image.shape[2:]
    size = crops.image.new_tensor([width, height])
    middle = (size - 1) / 2
    moved_by = shift * size
    c, s = angle.cos(), angle.sin()
    turn = torch.stack([torch.stack([c, -s], dim=-1), torch.stack([s, c], dim=-1)], dim=-2)  # (B, 2, 2)
    pose_2d = zoom[:, None, None, None] * ((crops.pose_2d - middle) @ turn.transpose(1, 2)[:, None]) + middle + moved_by[:, None, None]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    place = torch.stack([x, y], dim=-1).to(crops.image) - middle - moved_by[:, None, None]  # (B, H, W, 2)
    origin = (place / zoom[:, None, None, None]) @ turn[:, None] + middle  # the turn's inverse is its transpose
    grid = (2 * origin + 1) / size - 1
    return Crops(F.grid_sample(crops.image, grid, padding_mode="border", align_corners=False), pose_2d)


def close_up(crops: Crops, side: int, beside: Tensor) -> Crops:
    """Windows of `side` x `side` px around heads and shoulders, in whole px.

    beside : (B, 2), shares of `side` by which their middles lie beside the usual place. Where the nose is missing the window lies about the middle of
    the crop. Beyond its edges an image repeats its outermost pixels.
    """
    height, width = crops.image.shape[2:]
    nose = crops.pose_2d[:, 0, skeleton_of(crops.pose_2d.shape[2]).index(CENTRE)]
    nose = torch.where(nose.isnan(), nose.new_tensor([width, height]) / 2, nose)
    corner = (nose + side * (beside + beside.new_tensor([0, BELOW]) - 0.5)).round()
    span = torch.arange(side, device=corner.device)
    columns, rows = (corner[:, axis, None].long() + span for axis in (0, 1))  # (B, side)
    columns, rows = columns.clamp(0, width - 1), rows.clamp(0, height - 1)
    one = torch.arange(len(corner), device=corner.device)[:, None, None]
    image = crops.image.permute(0, 2, 3, 1)[one, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    return Crops(image, crops.pose_2d - corner[:, None, None])


def side_by_side(crops: Crops) -> Crops:
    """Half as many images twice as wide: the second half of the batch to the right of the first."""
    first, second = (Crops(*parts) for parts in zip(*(value.chunk(2) for value in crops), strict=True))
    right = second.pose_2d + second.pose_2d.new_tensor([crops.image.shape[3], 0])
    return Crops(torch.cat([first.image, second.image], dim=3), torch.cat([first.pose_2d, right], dim=1))
