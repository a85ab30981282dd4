"""Test pairs that the report shows: samples spread over all, the best and the worst."""

import numpy as np

from pipeline.evaluation.examples.captions import captions
from pipeline.evaluation.examples.cases import Examples, Pairs
from pipeline.evaluation.kept_images import KeptImages
from pipeline.inference.batched import BatchedGenerator, Task, pose_distance
from pipeline.packs.pack import Pack


def all_pairs(pack: Pack, task: Task, scores: np.ndarray) -> Pairs:
    """Every pair with its scores (images, scores, P)."""
    return Pairs(
        source=captions(pack, task.source),
        target=captions(pack, task.target),
        identity=pack.identity[task.target],
        distance=pose_distance(pack, task).astype(np.float32),
        scores=scores.astype(np.float32),
    )


def pair_examples(batched: BatchedGenerator, task: Task, error: np.ndarray, kept: KeptImages, numbers: np.ndarray) -> Examples:
    """The pairs of these numbers (n,) with all that the report draws of them; error : (P,) of all pairs."""
    pack, part = batched.pack, task.part(numbers)
    images = kept.images(numbers)
    by_part, coarse, refined = (
        np.stack([image[batched.scored.index(name)] for image in images]) if images and name in batched.scored else pack.image[:0]
        for name in ("by_part", "coarse", "refined")
    )
    return Examples(
        source=pack.image[part.source],
        truth=pack.image[part.target],
        by_part=by_part,
        coarse=coarse,
        refined=refined,
        source_pose=pack.pose_2d[part.source],
        source_label=pack.label[part.source],
        target_pose=pack.pose_2d[part.target],
        target_label=part.label,
        mask_l1=error[numbers].astype(np.float32),
        caption=captions(pack, part.target),
    )
