"""Twins: each is painted once with its original's labels and once with its own, and judged by which of the two truths the image is closer to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.evaluation.ceiling import paint_twin_ceilings
from pipeline.evaluation.scores.depth import clear_pixels, judge_order, order_accuracy
from pipeline.evaluation.scores.limbs import KEYS, judge_limb, limb_figures
from pipeline.inference.batched import CHUNK, BatchedGenerator, Measured, Task, paint_both
from pipeline.packs.clear import MIN_PIXELS
from pipeline.packs.pack import Pack
from pipeline.pose.bodies.body import measure
from pipeline.pose.bodies.parts import FIRST_LIMB_PART, front_parts
from pipeline.pose.bodies.pose_space import labels_differ
from pipeline.pose.skeleton import CHAIN_LIMBS, LIMB_NAMES

SHOWN = 1 / 400  # of an image's pixels: so many of a limb the source has to show for its colours to be known


@dataclass(frozen=True)
class JudgedTwins:
    """Twins, and how their images were judged.

    task : a row per twin; images : names, as `BatchedGenerator.scored` has them; right : (images, M, 2) float64 as `judge_order` gives it;
    counted : (M,) bool; refined : of the twins that are shown, by their number: both refined images, (2, H, W, 3) uint8
    limb : of each mirrored limb of the twins that count, in either order: its number and how its refined image was judged (`judge_limb`)
    """

    task: Task
    images: tuple[str, ...]
    right: np.ndarray
    counted: np.ndarray
    refined: dict[int, np.ndarray] = field(default_factory=dict)
    limb: list[tuple[int, np.ndarray]] = field(default_factory=list)

    def of(self, image: str) -> np.ndarray:
        """(M, 2) how one image of each was judged."""
        return self.right[self.images.index(image)]


def twin_task(pack: Pack, pairs: np.ndarray, sources: int = 1) -> Task:
    """One row per twin, with the twin's labels: each is painted from the source of a stored pair.

    Whether a model paints the limb that was mirrored before or behind is seen only where it knows what that limb looks like. So, of the
    pairs of the same identity whose source is not the twin's own original, it is the one whose source shows most of it: most pixels of
    that limb of the chain of which it shows fewer, else the first pair. `source` is -1 where there is no such pair. Of several `sources` the further
    ones are those that show the next most, and that same source again where there are no more.
    """
    source = np.unique(pairs[:, 0])
    shown = _limbs_shown(pack, source)
    chosen = np.full((len(pack.twins.row), sources), -1)
    for number, (row, chain) in enumerate(zip(pack.twins.row, pack.twins.chain, strict=True)):
        fits = (pack.subject[source] == pack.subject[row]) & (pack.identity[source] == pack.identity[row]) & (source != row)
        if fits.any():
            pixels = shown[:, list(CHAIN_LIMBS[chain])].min(axis=1)
            best = np.argsort(np.where(fits, -pixels, 1), kind="stable")[: min(sources, fits.sum())]
            chosen[number] = np.concatenate([source[best], np.repeat(source[best[:1]], sources - len(best))])
    return Task(chosen[:, 0], pack.twins.row, pack.twins.label, chosen[:, 1:] if sources > 1 else None)


def count_twins(pack: Pack, twins: Task) -> np.ndarray:
    """Which twins count, (M,) bool: those that have a source, and whose labels and image differ from the original's.

    The images differ where at least `MIN_PIXELS` pixels do so clearly.
    """
    counted = (twins.source >= 0) & labels_differ(pack.label[twins.target], twins.label, pack.twins.chain)
    candidates = np.flatnonzero(counted)
    for part in np.array_split(candidates, -(-len(candidates) // CHUNK) or 1):
        pixels = clear_pixels(pack.image[twins.target[part]], pack.twins.image[part]).sum((-2, -1))
        counted[part] = pixels >= MIN_PIXELS
    return counted


def judge_twins(batched: BatchedGenerator, twins: Task, counted: np.ndarray, shown: Sequence[int] | np.ndarray = ()) -> JudgedTwins:
    """Paint the pose of each twin that counts with the original's labels and with its own, and judge what comes out.

    shown : numbers of the twins that count whose images are kept
    """
    pack = batched.pack
    judged = JudgedTwins(twins, batched.scored, np.zeros((len(batched.scored), len(twins), 2)), counted)
    numbers, refined = np.flatnonzero(counted), batched.scored.index("refined")
    for rows, batch in batched.batches(twins.part(numbers), "twins"):
        chosen = numbers[rows]
        truths = np.stack([pack.image[batch.target], pack.twins.image[chosen]], axis=1)
        twin = batched.measure(batch)
        painted = _paint_twins(batched, twin, truths, pack.twins.pose_3d[chosen]).movedim(3, -1).numpy()  # (images, M, 2, H, W, 3)
        judged.right[:, chosen] = [judge_order(image, truths) for image in painted]
        judged.refined.update({number: painted[refined, i].copy() for i, number in enumerate(chosen.tolist()) if number in shown})
        parts = [front_parts(twin.target, torch.from_numpy(label)).cpu().numpy() for label in (pack.label[batch.target], batch.label)]
        judged.limb.extend(_judge_limbs(painted[refined], truths, np.stack(parts, axis=1), pack.twins.chain[chosen]))
    return judged


def _judge_limbs(painted: np.ndarray, truths: np.ndarray, parts: np.ndarray, chain: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """How the limbs of the mirrored chains were painted where the two truths differ clearly, as `JudgedTwins.limb` has it.

    painted, truths : (M, 2, H, W, 3) uint8; parts : (M, 2, H, W) part maps; chain : (M,) int
    """
    changed = clear_pixels(truths[:, 0], truths[:, 1])
    return [
        (limb, judge_limb(painted[i, j], truths[i, j], parts[i, j], FIRST_LIMB_PART + limb, changed[i]))
        for i in range(len(painted))
        for j in range(2)
        for limb in CHAIN_LIMBS[chain[i]]
    ]


def _paint_twins(batched: BatchedGenerator, twin: Measured, truths: np.ndarray, pose_3d: np.ndarray) -> Tensor:
    """All that is scored of twins in either order, (images, M, 2, 3, H, W) uint8; arguments as `paint_twin_ceilings` has them."""
    painted = paint_both(batched, twin)
    return torch.cat([painted, paint_twin_ceilings(batched, twin, pose_3d, truths)[None]]) if "ceiling" in batched.scored else painted


def order_figures(batched: BatchedGenerator, judged: JudgedTwins) -> dict[str, Any]:
    """The order accuracy of the refined image, whole and by limb chain, that of every image with its interval, and whether its limbs are whole."""
    pack = batched.pack
    people = pack.identity[judged.task.target]
    orders = {image: order_accuracy(judged.of(image), pack.twins.chain, judged.counted, people) for image in judged.images}
    by_image = {image: _interval(order) for image, order in orders.items()}
    limbs, rows = np.array([limb for limb, _ in judged.limb], int), np.array([row for _, row in judged.limb]).reshape(-1, len(KEYS))
    return orders["refined"] | {"order_by_image": by_image, "order_by_source": _by_source(batched, judged)} | limb_figures(rows, limbs)


def _by_source(batched: BatchedGenerator, judged: JudgedTwins) -> dict[str, Any]:
    """The order accuracy of the refined image where the source shows each limb of the mirrored chain, and where it shows less: no code can know
    the colours of what is hidden."""
    pack, numbers = batched.pack, np.flatnonzero(judged.counted)
    source, back = np.unique(judged.task.source[numbers], return_inverse=True)
    limbs = np.array(CHAIN_LIMBS)[pack.twins.chain[numbers]]  # (n, 2)
    pixels = np.take_along_axis(_limbs_shown(pack, source)[back], limbs, axis=1).min(axis=1)
    known = pixels >= SHOWN * batched.size[0] * batched.size[1]
    right, people = judged.of("refined"), pack.identity[judged.task.target]
    found = {}
    for name, chosen in (("shown", known), ("hidden", ~known)):
        counted = np.zeros(len(judged.counted), bool)
        counted[numbers[chosen]] = True
        order = order_accuracy(right, pack.twins.chain, counted, people)
        found[name] = _interval(order) | {"order_cases": order["order_cases"]}
    return found


def _limbs_shown(pack: Pack, rows: np.ndarray) -> np.ndarray:
    """How many pixels of each limb are seen in these rows, as far as 2D joints and labels tell: (N, 8)."""
    counts: list[Tensor] = []
    for part in np.array_split(rows, -(-len(rows) // CHUNK) or 1):
        height, width = pack.image.shape[1:3]
        seen = front_parts(measure(torch.from_numpy(pack.pose_2d[part]), (height, width)), torch.from_numpy(pack.label[part]))
        counts.append(torch.stack([(seen == FIRST_LIMB_PART + limb).sum((1, 2)) for limb in range(len(LIMB_NAMES))], dim=1))
    return torch.cat(counts).numpy()


def _interval(order: dict[str, Any]) -> dict[str, Any]:
    return {name: order[name] for name in ("order_accuracy", "order_low", "order_high")}
