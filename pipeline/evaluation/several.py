"""How much more is known from several pictures of a person: the same targets, painted from two sources, from four, from all that the pairs have."""

from typing import Any

import numpy as np

from pipeline.evaluation.painted import paint_pairs
from pipeline.evaluation.pair_scores import PairScores
from pipeline.evaluation.scores.declared import USUAL_SCORES
from pipeline.evaluation.twins import count_twins, judge_twins, order_figures, twin_task
from pipeline.inference.batched import BatchedGenerator, Task

NAMED = ("ssim", "l1", "mask_l1", "sharpness")  # the scores that are worked out


def several_figures(batched: BatchedGenerator, pairs: np.ndarray) -> dict[str, dict[str, Any]]:
    """Number of sources -> image -> scores of the pairs; of twins, which have the sources that show their limb best, image -> `order_accuracy`.

    pairs : (P, 1 + sources) int64, rows of the pack: source, target, further sources. Empty for pairs of one source.
    """
    sources = pairs.shape[1] - 1
    return {str(count): _figures(batched, pairs[:, : 1 + count], count) for count in _counts(sources)}


def _counts(sources: int) -> list[int]:
    """2, 4, 8, as far as there are so many, and all."""
    return sorted({count for count in (2, 4, 8, sources) if 1 < count <= sources})


def _figures(batched: BatchedGenerator, pairs: np.ndarray, sources: int) -> dict[str, Any]:
    task = pair_task(batched, pairs)
    scores = PairScores(batched.scored, [score for score in USUAL_SCORES if score.name in NAMED], len(task))
    for painted in paint_pairs(batched, task):
        scores.add(painted)
    scores.check()
    figures: dict[str, Any] = {name: values for name, values in scores.figures(batched.pack.identity[task.target]).items() if name != "source"}
    twins = twin_task(batched.pack, pairs, sources)
    judged = judge_twins(batched, twins, count_twins(batched.pack, twins))
    for name, order in order_figures(batched, judged)["order_by_image"].items():
        if name in figures:
            figures[name] |= order
    return figures


def pair_task(batched: BatchedGenerator, pairs: np.ndarray) -> Task:
    """The test pairs (P, 1 + sources), each in the pose of its target."""
    return Task(pairs[:, 0], pairs[:, 1], batched.pack.label[pairs[:, 1]], pairs[:, 2:])
