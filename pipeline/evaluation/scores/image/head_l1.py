"""Mean colour error in the square around the head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.evaluation.scores.heads import of_heads
from pipeline.evaluation.scores.image.l1 import l1
from pipeline.evaluation.scores.score import ImagePairs, Score

if TYPE_CHECKING:
    from torch import Tensor


def head_l1(pairs: ImagePairs) -> Tensor:
    """`l1` of the square around the head, as `of_heads` cuts it out; NaN where nobody knows the head."""
    return of_heads(l1, pairs)


SCORE = Score(
    "head_l1",
    head_l1,
    "Mean colour error in the square around the head",
    better="lower",
    ideal=0,
    title="head L1",
    place=104,
)
