"""Squares of images, cut out at another size and pasted back with a soft edge: products of matrices, which every device computes deterministically.

A square is given by the column and row of its centre and half its side, (B, 3) float32, px of the image; pixel centres are at whole numbers.
"""

import torch
from torch import Tensor

SOFT = 0.2  # of the square's half side: how broad its edge is


def cut_square(image: Tensor, place: Tensor, side: int) -> Tensor:
    """What an image (B, C, H, W) shows in the square, at `side` x `side` px, (B, C, side, side); beyond the image its border goes on."""
    height, width = image.shape[2:]
    column, row, half = (value[:, None] for value in place.unbind(1))
    steps = (torch.arange(side, device=image.device) + 0.5) / side * 2 - 1  # -1 to 1 across the square
    rows, columns = (_hats(centre + half * steps, size) for centre, size in ((row, height), (column, width)))
    return _both(rows, image, columns)


def paste_square(values: Tensor, place: Tensor, size: tuple[int, int]) -> Tensor:
    """An image (B, C, H, W) of `size` (height, width) with the values (B, C, S, S) in the square, 0 around it; they fade towards its edge."""
    side = values.shape[-1]
    column, row, half = (value[:, None] for value in place.unbind(1))
    both = []
    for centre, count in ((row, size[0]), (column, size[1])):
        across = (torch.arange(count, device=values.device) - centre) / half  # -1 to 1 across the square
        narrow = (side / (2 * half)).clamp(min=1)  # px of the square in one of the image, whose mean counts
        fade = ((1 - across.abs()) / SOFT).clamp(0, 1)
        both.append(_hats(((across + 1) * side - 1) / 2, side, narrow) * fade[..., None])
    return _both(both[0], values, both[1])


def _hats(at: Tensor, count: int, reach: Tensor | float = 1.0) -> Tensor:
    """Weights (B, N, count) of the pixels 0 to `count` - 1 for values at `at` (B, N), with a sum of 1: hats of half width `reach` (B, 1), px."""
    at = at.clamp(0, count - 1)
    away = (at[..., None] - torch.arange(count, device=at.device)).abs()
    hats = (1 - away / (reach[..., None] if isinstance(reach, Tensor) else reach)).clamp(min=0)
    return hats / hats.sum(dim=-1, keepdim=True)


def _both(rows: Tensor, image: Tensor, columns: Tensor) -> Tensor:
    """Weights (B, h, H) and (B, w, W) on an image (B, C, H, W): (B, C, h, w)."""
    return rows[:, None] @ image @ columns.transpose(1, 2)[:, None]
