"""What the pose estimator learns: confidence maps and part affinity fields, drawn in batches on the device of the poses.

The centre of the cell in column i lies at (i + 0.5) stride - 0.5 px. Poses are (B, P, J, 2) px: P people per image, all of whose joints are NaN where
there are fewer. A joint that a person has not (NaN) may be seen all the same, so nothing is asked of its map, of the maps of its bones, or of
the background's.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.networks.openpose import Guess


class Targets(NamedTuple):
    """The maps, and which of them count: heat (B, J + 1, h, w), paf (B, 2 E, h, w); their masks (B, J + 1, 1, 1), (B, 2 E, 1, 1), 0 or 1."""

    heat: Tensor
    paf: Tensor
    heat_mask: Tensor
    paf_mask: Tensor


def draw_targets(pose_2d: Tensor, bones: Sequence[tuple[int, int]], size: tuple[int, int], stride: int, sigma: float) -> Targets:
    """Draw the targets of images of `size` (height, width); sigma : of a joint's Gaussian, px; a field is as wide as two cells.

    Of several people's Gaussians the highest counts, as in OpenPose's paper; their fields are averaged where they overlap.
    """
    rows, columns = (centres(side // stride, stride, pose_2d.device) for side in size)
    heat = _heat(pose_2d, rows, columns, sigma)
    background = 1 - heat.amax(dim=1, keepdim=True)
    paf = _paf(pose_2d, bones, rows, columns, stride)
    present = ~pose_2d.isnan().all(dim=(2, 3))  # (B, P)
    lacking = (pose_2d.isnan().any(dim=-1) & present[:, :, None]).any(dim=1)  # (B, J)
    ends = lacking[:, [parent for parent, _ in bones]] | lacking[:, [child for _, child in bones]]  # (B, E)
    heat_mask = 1 - torch.cat([lacking, lacking.any(dim=1, keepdim=True)], dim=1).float()
    paf_mask = 1 - ends.repeat_interleave(2, dim=1).float()
    return Targets(torch.cat([heat, background], dim=1), paf, heat_mask[..., None, None], paf_mask[..., None, None])


def centres(count: int, stride: int, device: torch.device | None = None) -> Tensor:
    """Where the centres of `count` cells lie, px."""
    return (torch.arange(count, device=device) + 0.5) * stride - 0.5


def pose_loss(guesses: Sequence[Guess], targets: Targets) -> tuple[Tensor, Tensor]:
    """Masked squared error of heat and paf, summed over maps and stages, half of its mean over the batch, as in OpenPose's code."""
    heat = torch.stack([((guess.heat.float() - targets.heat).square() * targets.heat_mask).sum() for guess in guesses]).sum()
    paf = torch.stack([((guess.paf.float() - targets.paf).square() * targets.paf_mask).sum() for guess in guesses]).sum()
    return heat / (2 * len(targets.heat)), paf / (2 * len(targets.heat))


def _heat(pose_2d: Tensor, rows: Tensor, columns: Tensor, sigma: float) -> Tensor:
    """(B, J, h, w): exp(-d^2 / (2 sigma^2)), separable."""
    x, y = pose_2d.unbind(-1)  # (B, P, J)
    across = torch.exp(-((columns - x[..., None]) ** 2) / (2 * sigma**2)).nan_to_num(0.0)
    down = torch.exp(-((rows - y[..., None]) ** 2) / (2 * sigma**2)).nan_to_num(0.0)
    return (down[..., :, None] * across[..., None, :]).amax(dim=1)


def _paf(pose_2d: Tensor, bones: Sequence[tuple[int, int]], rows: Tensor, columns: Tensor, stride: int) -> Tensor:
    """(B, 2 E, h, w): the bone's direction in the cells that lie within one cell of it."""
    start, end = (pose_2d[:, :, [bone[side] for bone in bones]] for side in (0, 1))  # (B, P, E, 2)
    axis = end - start
    length = axis.norm(dim=-1, keepdim=True).clamp(min=1e-6)
    direction = axis / length
    offset_x, offset_y = columns - start[..., :1], rows - start[..., 1:]  # (B, P, E, w), (B, P, E, h)
    dx, dy = direction[..., :1, None], direction[..., 1:, None]  # (B, P, E, 1, 1)
    along = offset_x[..., None, :] * dx + offset_y[..., :, None] * dy
    aside = offset_x[..., None, :] * dy - offset_y[..., :, None] * dx
    inside = ((along >= 0) & (along <= length[..., None]) & (aside.abs() <= stride)).float()  # (B, P, E, h, w), 0 where an end is missing
    count = inside.sum(dim=1).clamp(min=1)
    field = (inside[:, :, :, None] * direction.nan_to_num(0.0)[..., None, None]).sum(dim=1)  # (B, E, 2, h, w)
    return (field / count[:, :, None]).flatten(1, 2)
