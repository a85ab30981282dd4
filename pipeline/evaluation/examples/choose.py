"""What the report shows of a model: which cases, chosen before anything was painted but for the best and the worst, and all that is drawn of them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from pipeline.evaluation.examples.cases import Appearances, Cases, Demonstrations, Examples, Labels, Pairs, Steps, TwinExamples
from pipeline.evaluation.examples.demonstrations import KINDS, LEGS, OTHER_SIDE, choose, fits, front_in_twin
from pipeline.evaluation.scores.depth import clear_pixels, label_confusion
from pipeline.evaluation.scores.summary import SCORES
from pipeline.inference.batched import CHUNK, BatchedGenerator, Task, as_rows, paint_both, pose_distance
from pipeline.networks.vunet import VUNet
from pipeline.packs.batches import to_uint8
from pipeline.packs.pack import Pack
from pipeline.pose.bodies.maps import FIRST_LIMB_PART, TORSO_PART, channels, measure, seen_parts
from pipeline.pose.conditioning import WARP_CHANNELS, WARP_LAYERS
from pipeline.pose.skeleton import CHAIN_LIMBS, CHAIN_NAMES, LIMB_NAMES
from pipeline.utils.numbers import spread

Group = TypeVar("Group", TwinExamples, Demonstrations, Steps)

APPEARANCES = 4  # rows of appearances that are shown
SAMPLED = 4  # appearances per row that are drawn from the prior
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of another person's appearance


@dataclass(frozen=True)
class Judged:
    """Twins, and how their images were judged.

    twins : a row per twin; right : (images, M, 2) float64 as `judge_order` gives it, in the order of `Studio.scored`; counted : (M,) bool
    """

    twins: Task
    right: np.ndarray
    counted: np.ndarray


def choose_cases(studio: BatchedGenerator, task: Task, scores: np.ndarray, judged: Judged | None, samples: int) -> Cases:
    """Samples spread over all pairs, the best and the worst of them by the refined image's mask L1, twins of each chain, and demonstrations.

    judged : None for a joint set without limbs
    """
    pack, error = studio.pack, scores[studio.scored.index("refined"), SCORES.index("mask_l1")]
    few = -(-samples // 2)
    ranked = np.argsort(error, kind="stable")[: np.isfinite(error).sum()]
    confusion = np.zeros((len(LIMB_NAMES), 3, 3), dtype=np.int64)
    if pack.label_truth is not None and pack.label_clear is not None:
        confusion = label_confusion(pack.label, pack.label_truth, pack.label_clear)
    return Cases(
        pairs=Pairs(
            source=_names(pack, task.source),
            target=_names(pack, task.target),
            distance=pose_distance(pack, task).astype(np.float32),
            scores=scores.astype(np.float32),
        ),
        samples=_show(studio, task, error, spread(np.arange(len(task)), samples)),
        best=_show(studio, task, error, ranked[:few]),
        worst=_show(studio, task, error, ranked[::-1][:few]),
        **_show_depth(studio, judged, samples),
        appearances=_show_appearances(studio, task),
        labels=Labels(confusion),
    )


def _show_depth(studio: BatchedGenerator, judged: Judged | None, samples: int) -> dict[str, Any]:
    """What shows the order of limbs; nothing of a joint set without limbs."""
    if judged is None:
        return {"twins": _nothing(TwinExamples), "demonstrations": _nothing(Demonstrations), "steps": _nothing(Steps)}
    twins, right = judged.twins, judged.right[studio.scored.index("refined")]
    demonstrated, kind = _choose_demonstrations(studio.pack, twins, judged.counted)
    return {
        "twins": _show_twins(studio, twins, right, _spread_twins(studio.pack, judged.counted, samples)),
        "demonstrations": _show_demonstrations(studio, twins, right, demonstrated, kind),
        "steps": _show_steps(studio, twins, demonstrated[np.unique(kind, return_index=True)[1]]),
    }


def _nothing(kind: type[Group]) -> Group:
    """A group of cases without any row."""
    return kind(**{field.name: np.zeros((0, 1, 1, 1), np.uint8) for field in fields(kind)})


def _names(pack: Pack, rows: np.ndarray) -> np.ndarray:
    """(N,) str, subject/sequence/camera/frame."""
    columns = pack.subject[rows], pack.sequence[rows], pack.camera[rows], pack.frame[rows]
    return np.array(["/".join(map(str, row)) for row in zip(*columns, strict=True)], dtype=np.str_)


def _show(studio: BatchedGenerator, task: Task, error: np.ndarray, chosen: np.ndarray) -> Examples:
    """The chosen pairs with all that the report draws of them."""
    pack, part = studio.pack, task.part(chosen)
    painted = [studio.paint_all(batch) for _, batch in studio.batches(part, "images for the report")]
    by_part, coarse, refined = (
        np.concatenate([as_rows(batch[studio.scored.index(name)]) for batch in painted if name in studio.scored] or [pack.image[:0]])
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
        mask_l1=error[chosen].astype(np.float32),
        caption=_names(pack, part.target),
    )


def _spread_twins(pack: Pack, counted: np.ndarray, samples: int) -> np.ndarray:
    """Positions of judged twins, spread over each chain."""
    each = -(-samples // len(CHAIN_NAMES))
    groups = [np.flatnonzero(counted & (pack.twins.chain == chain)) for chain in range(len(CHAIN_NAMES))]
    return np.concatenate([spread(group, each) for group in groups])


def _show_twins(studio: BatchedGenerator, twins: Task, right: np.ndarray, chosen: np.ndarray) -> TwinExamples:
    """The chosen twins (n,) int with all that the report draws of them."""
    pack = studio.pack
    part = twins.part(chosen)
    painted = np.concatenate([paint_both(studio, batch)[-1] for _, batch in studio.batches(part, "twins for the report")] or [_no_twins(pack)])
    chain = [CHAIN_NAMES[number].replace("_", " ") for number in pack.twins.chain[chosen]]
    return TwinExamples(
        source=pack.image[part.source],
        truth=pack.image[part.target],
        twin=pack.twins.image[chosen],
        painted=painted[:, 0],
        painted_twin=painted[:, 1],
        pose=pack.pose_2d[part.target],
        label=pack.label[part.target],
        twin_label=part.label,
        right=right[chosen],
        caption=np.array([f"{name} of {where}" for name, where in zip(chain, _names(pack, part.target), strict=True)], dtype=np.str_),
    )


def _choose_demonstrations(pack: Pack, twins: Task, counted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The judged twins that fit the thesis' demonstrations best and show them most clearly, whatever was painted of them, and of which kind."""
    fit = fits(pack.label[twins.target], twins.label, pack.twins.chain) * counted
    candidates = np.flatnonzero(fit.any(0))
    pixels = np.zeros(len(twins), dtype=np.int64)
    pixels[candidates] = _traded_pixels(pack, twins, candidates)
    return choose(fit, pixels, pack.identity[twins.target])


def _show_demonstrations(studio: BatchedGenerator, twins: Task, right: np.ndarray, chosen: np.ndarray, kind: np.ndarray) -> Demonstrations:
    """The chosen twins, the farther order behind."""
    turned = front_in_twin(studio.pack.label[twins.target], twins.label, studio.pack.twins.chain)
    shown = _front_first(_show_twins(studio, twins, right, chosen), turned[chosen])
    return Demonstrations(**vars(shown), kind=np.array(KINDS, dtype=np.str_)[kind])


def _show_steps(studio: BatchedGenerator, twins: Task, chosen: np.ndarray) -> Steps:
    """What the networks see of the chosen twins and their originals, one after the other, and what they paint."""
    pack, config = studio.pack, studio.generator.conditioning.config
    assert config.kind == "bodies"
    part = twins.part(np.repeat(chosen if config.lift and config.appearance else chosen[:0], 2))
    original = np.arange(len(part)) % 2 == 0
    task = replace(part, label=np.where(original[:, None], pack.label[part.target], part.label))
    steps = [[pack.image[:0]] for _ in range(4)]
    for _, batch in studio.batches(task, "steps for the report"):
        maps = studio.encode(batch)[1].maps.cpu()
        near = maps[:, WARP_CHANNELS + channels(config.maps)]
        pictures = _draw_relief(near), *(_draw_placed(layer) for layer in maps[:, :WARP_CHANNELS].chunk(WARP_LAYERS, dim=1)), studio.paint(batch)[1]
        for images, picture in zip(steps, pictures, strict=True):
            images.append(as_rows(picture))
    relief, placed, beneath, refined = (np.concatenate(images) for images in steps)
    truths = np.where(original[:, None, None, None], pack.image[part.target], pack.twins.image[np.repeat(chosen, 2)[: len(part)]])
    return Steps(
        source=pack.image[part.source],
        pose=pack.pose_2d[part.target],
        label=task.label,
        relief=relief,
        placed=placed,
        beneath=beneath,
        refined=refined,
        truth=truths,
        caption=np.array([f"{name}{'' if first else ', twin'}" for name, first in zip(_names(pack, part.target), original, strict=True)], np.str_),
    )


@torch.inference_mode()
def _show_appearances(studio: BatchedGenerator, task: Task) -> Appearances:
    """Coarse images of pairs, spread over all, with appearances that change into another person's, and with appearances from the prior."""
    pack, network = studio.pack, studio.generator.g1
    chosen = spread(np.arange(len(task)), APPEARANCES if isinstance(network, VUNet) else 0)
    others = np.array([_another_person(pack, task, number) for number in chosen], dtype=np.int64)
    between, sampled = [np.empty((0, len(SHARES), *pack.image.shape[1:]), np.uint8)], [np.empty((0, SAMPLED, *pack.image.shape[1:]), np.uint8)]
    if isinstance(network, VUNet):
        for number, other in zip(chosen, others, strict=True):
            one = task.part([number])
            _, (look, maps) = studio.encode(one)
            first, second = network.encode(look), network.encode(studio.encode(Task(task.source[[other]], one.target, one.label))[1].look)
            mixed = [[(1 - share) * a + share * b for a, b in zip(first, second, strict=True)] for share in SHARES]
            between.append(_as_row([network.paint(maps, latents) for latents in mixed]))
            generator = torch.Generator().manual_seed(int(number))
            sampled.append(_as_row([network.sample(maps, generator) for _ in range(SAMPLED)]))
    return Appearances(
        source=pack.image[task.source[chosen]],
        other=pack.image[task.source[others]],
        pose=pack.pose_2d[task.target[chosen]],
        label=task.label[chosen],
        between=np.concatenate(between),
        sampled=np.concatenate(sampled),
        caption=_names(pack, task.target[chosen]),
    )


def _another_person(pack: Pack, task: Task, number: int) -> int:
    """The first pair from half-way on, counted from pair `number`, whose source is another person; the pair itself where there is none."""
    people = np.char.add(np.char.add(pack.subject[task.source], "/"), pack.identity[task.source])
    order = np.roll(np.arange(len(task)), -(number + len(task) // 2))
    differing = order[people[order] != people[number]]
    return int(differing[0]) if len(differing) else int(number)


def _as_row(images: Sequence[Tensor]) -> np.ndarray:
    """Images (1, 3, H, W) in [-1, 1] as one row, (1, n, H, W, 3) uint8."""
    return as_rows(to_uint8(torch.cat(list(images)).clamp(-1, 1)).cpu())[None]


def _draw_relief(near: Tensor) -> Tensor:
    """A relief map (N, H, W) as pictures (N, 3, H, W) uint8: black where nothing is, else brighter where it is nearer."""
    grey = (150 + 150 * near).clamp(40, 255) * (near != 0)
    return grey.byte()[:, None].expand(-1, 3, -1, -1)


def _draw_placed(layer: Tensor) -> Tensor:
    """Placed colours (N, 4, H, W) as pictures (N, 3, H, W) uint8, white where nothing is known."""
    return torch.where(layer[:, 3:] > 0, to_uint8(layer[:, :3]), 255).byte()


def _traded_pixels(pack: Pack, twins: Task, chosen: np.ndarray) -> np.ndarray:
    """In how many pixels a twin differs clearly from its original where the mirrored limbs trade places, (n,) int64.

    These are the pixels where the ordered part map shows the mirrored leg with the one set of labels and the other leg with the other; of an
    arm: the forearm and the torso.
    """
    counts = [np.zeros(0, dtype=np.int64)]
    for part in np.array_split(chosen, -(-len(chosen) // CHUNK) or 1):
        rows = twins.target[part]
        body = measure(torch.from_numpy(pack.pose_2d[rows]), (pack.image.shape[1], pack.image.shape[2]))
        seen = [seen_parts(body, torch.from_numpy(label)).numpy()[..., None] for label in (pack.label[rows], twins.label[part])]
        (first, second), (others_first, others_second) = (
            [(image == parts[:, None, None]).any(-1) for image in seen] for parts in _trading_parts(pack.twins.chain[part])
        )
        traded = (first & others_second) | (others_first & second)
        counts.append((traded & clear_pixels(pack.image[rows], pack.twins.image[part])).sum((1, 2)))
    return np.concatenate(counts)


def _trading_parts(chain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the parts whose order a demonstration shows, of each chain and of what it crosses: (n, 2) int64 each; chain : (n,) int."""
    limbs, others = (np.asarray(CHAIN_LIMBS)[which] + FIRST_LIMB_PART for which in (chain, np.asarray(OTHER_SIDE)[chain]))
    is_leg = np.isin(chain, LEGS)[:, None]
    return np.where(is_leg, limbs, limbs[:, 1:]), np.where(is_leg, others, TORSO_PART)


def _front_first(shown: TwinExamples, turned: np.ndarray) -> TwinExamples:
    """The same with the two orders exchanged where `turned` (n,) bool says so."""
    fields = {"right": np.where(turned[:, None], shown.right[:, ::-1], shown.right)}
    for names in (("truth", "twin"), ("painted", "painted_twin"), ("label", "twin_label")):
        first, second = (getattr(shown, name) for name in names)
        there = turned.reshape(-1, *[1] * (first.ndim - 1))
        fields |= {names[0]: np.where(there, second, first), names[1]: np.where(there, first, second)}
    return replace(shown, **fields)


def _no_twins(pack: Pack) -> np.ndarray:
    return np.zeros((0, 2, *pack.image.shape[1:]), dtype=np.uint8)
