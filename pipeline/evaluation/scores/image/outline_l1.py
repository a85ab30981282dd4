"""Mean colour error just beside the body, where a halo would be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.evaluation.scores.pixels import difference_within
from pipeline.evaluation.scores.score import ImagePairs, Score

if TYPE_CHECKING:
    from torch import Tensor

WIDTH = 3  # px


def outline_l1(pairs: ImagePairs) -> Tensor:
    """Mean absolute difference within `WIDTH` px of the body's mask (along rows and columns), in [0, 1]; NaN where there is no such place."""
    return difference_within(pairs.prediction, pairs.truth, _widened(pairs.body) & ~pairs.body)


def _widened(mask: Tensor) -> Tensor:
    """The mask (..., H, W) bool grown by `WIDTH` px to all four sides."""
    for _ in range(WIDTH):
        wider = mask.clone()
        wider[..., 1:, :] |= mask[..., :-1, :]
        wider[..., :-1, :] |= mask[..., 1:, :]
        wider[..., :, 1:] |= mask[..., :, :-1]
        wider[..., :, :-1] |= mask[..., :, 1:]
        mask = wider
    return mask


SCORE = Score(
    "outline_l1",
    outline_l1,
    "Mean colour error within 3 px beside the body, where a halo would be",
    better="lower",
    ideal=0,
    title="outline L1",
    place=86,
)
