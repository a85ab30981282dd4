"""Paint the stored test pairs and the twins, and score what comes out."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.config.evaluate import EvaluateConfig
from pipeline.evaluation.examples.cases import Cases
from pipeline.evaluation.examples.choose import Judged, choose_cases
from pipeline.evaluation.scores.depth import MIN_PIXELS, judge_order, label_accuracy, lift_figures, order_accuracy
from pipeline.evaluation.scores.image import image_scores, mask_l1, ssim_patn
from pipeline.evaluation.scores.inception import Inception, frechet_distance, inception_score
from pipeline.evaluation.scores.summary import DISTANCES, SCORES, by_group, distance_group, summary
from pipeline.inference.batched import CHUNK, BatchedGenerator, Task, paint_both, pose_distance
from pipeline.inference.generator import Generator
from pipeline.networks.checkpoint import load_network
from pipeline.networks.openpose import PoseNet
from pipeline.networks.vunet import VUNet
from pipeline.packs.pack import Pack
from pipeline.pose.bodies.body import measure
from pipeline.pose.bodies.masks import overlap_mask
from pipeline.pose.bodies.parts import FIRST_LIMB_PART, front_parts
from pipeline.pose.bodies.pose_space import labels_differ
from pipeline.pose.skeleton import CHAIN_LIMBS, LIMB_NAMES
from pipeline.pose_estimation.estimate import locate_joints
from pipeline.pose_estimation.scores import pckh
from pipeline.utils.errors import UserError
from pipeline.utils.files import file_hash
from pipeline.utils.numbers import mean, rounded, spread
from pipeline.utils.tensors import as_rows

RESPONSE_PAIRS = 256
ALWAYS = ("ssim", "ssim_pg2", "ssim_gray", "l1", "psnr")  # scores that every image has
OVERLAPPING = 0.1  # share of a limb's area from which on it overlaps something


def evaluate(generator: Generator, pack: Pack, pairs: np.ndarray, config: EvaluateConfig, device: torch.device) -> tuple[dict[str, Any], Cases]:
    """Score every pair and, of bodies, every twin and every label.

    pairs : (P, 2) int64, rows of the pack: source and target; device : where to paint, the networks move there.
    returns : the content of metrics/test.json, and the cases for the report.
    Raises UserError where there is nothing to score, or where the images are too small for SSIM.
    """
    studio = BatchedGenerator(generator, pack, config.batch_size, device)
    generator.g1.to(device)
    generator.g2.to(device)
    _check(studio, pairs)
    task = Task(pairs[:, 0], pairs[:, 1], pack.label[pairs[:, 1]])
    scores = score_pairs(studio, task)
    judged = judge_twins(studio, twin_task(pack, pairs)) if pack.has_limbs else None
    per_image = {image: dict(zip(SCORES, scores[number], strict=True)) for number, image in enumerate(studio.scored)}
    inception = {} if config.inception is None else inception_figures(studio, task, Path(config.inception))
    patn = patn_figures(studio, task) if config.patn else {}
    pck = {} if config.pose_net is None else pck_figures(studio, task, Path(config.pose_net))
    figures: dict[str, Any] = {"pairs": len(pairs)}
    figures |= {image: summary(per_image[image]) | patn.get(image, {}) | pck.get(image, {}) | inception.get(image, {}) for image in studio.scored}
    figures |= generator_figures(generator) | {"latent": latent_figures(studio, task)}
    if judged is not None:
        figures["depth"] = order_figures(studio, judged) | label_figures(pack) | lifting(studio) | response(studio, task)
    figures["by"] = {
        "action": by_group(pack.action[task.target], per_image),
        "view": by_group(np.where(pack.camera[task.source] == pack.camera[task.target], "same", "other"), per_image, ("same", "other")),
        "distance": by_group(distance_group(pose_distance(pack, task), studio.size[0]), per_image, DISTANCES),
    }
    figures |= {name: scores[name] for name, scores in (("inception", inception), ("pose_net", pck)) if scores}
    return figures, choose_cases(studio, task, scores, judged, config.samples)


def score_pairs(studio: BatchedGenerator, task: Task) -> np.ndarray:
    """Scores of all images, (images, scores, N) float64 in the order of `Studio.scored` and `SCORES`; NaN where a pair has none.

    Raises UserError where one is not finite that every image has.
    """
    scores = np.empty((len(studio.scored), len(SCORES), len(task)))
    for rows, batch in studio.batches(task, "test pairs"):
        values = image_scores(studio.paint_all(batch), studio.images(batch.target), *studio.masks(batch.target))
        for number, name in enumerate(SCORES):
            scores[:, number, rows] = values[name].numpy()
    check_scores(scores)
    return scores


def check_scores(scores: np.ndarray) -> None:
    """Raise UserError where one of the scores (images, scores, N) is not finite: but for NaN, where a score is not defined for every image."""
    for number, name in enumerate(SCORES):
        bad = np.isinf(scores[:, number]) | (np.isnan(scores[:, number]) if name in ALWAYS else False)
        if bad.any():
            image, row = np.argwhere(bad)[0]
            raise UserError(
                f"expected finite scores, found {name} = {scores[image, number, row]} of test pair {row}; the weights are damaged: train again"
            )


def twin_task(pack: Pack, pairs: np.ndarray) -> Task:
    """One row per twin, with the twin's labels: each is painted from the source of a stored pair.

    Whether a model paints the limb that was mirrored before or behind is seen only where it knows what that limb looks like. So, of the
    pairs of the same identity whose source is not the twin's own original, it is the one whose source shows most of it: most pixels of
    that limb of the chain of which it shows fewer, else the first pair. `source` is -1 where there is no such pair.
    """
    source = np.unique(pairs[:, 0])
    shown = _limbs_shown(pack, source)
    chosen = np.full(len(pack.twins.row), -1)
    for number, (row, chain) in enumerate(zip(pack.twins.row, pack.twins.chain, strict=True)):
        fits = (pack.subject[source] == pack.subject[row]) & (pack.identity[source] == pack.identity[row]) & (source != row)
        if fits.any():
            pixels = shown[:, list(CHAIN_LIMBS[chain])].min(axis=1)
            chosen[number] = source[np.argmax(np.where(fits, pixels, -1))]
    return Task(chosen, pack.twins.row, pack.twins.label)


def _limbs_shown(pack: Pack, rows: np.ndarray) -> np.ndarray:
    """How many pixels of each limb are seen in these rows, as far as 2D joints and labels tell: (N, 8)."""
    counts = []
    for part in np.array_split(rows, -(-len(rows) // CHUNK) or 1):
        height, width = pack.image.shape[1:3]
        seen = front_parts(measure(torch.from_numpy(pack.pose_2d[part]), (height, width)), torch.from_numpy(pack.label[part]))
        counts.append(torch.stack([(seen == FIRST_LIMB_PART + limb).sum((1, 2)) for limb in range(len(LIMB_NAMES))], dim=1))
    return torch.cat(counts).numpy()


def judge_twins(studio: BatchedGenerator, twins: Task) -> Judged:
    """Paint each twin's pose with the original's labels and with its own, and judge what comes out.

    A twin counts where it has a source, its labels differ from the original's, and its image differs from the original's in at least
    `MIN_PIXELS` clear pixels.
    """
    pack = studio.pack
    right = np.zeros((len(studio.scored), len(twins), 2))
    counted = (twins.source >= 0) & labels_differ(pack.label[twins.target], twins.label, pack.twins.chain)
    candidates = np.flatnonzero(counted)
    for rows, batch in studio.batches(twins.part(candidates), "twins"):
        chosen = candidates[rows]
        truths = np.stack([pack.image[batch.target], pack.twins.image[chosen]], axis=1)
        for number, painted in enumerate(paint_both(studio, batch)):
            right[number, chosen], pixels = judge_order(painted, truths)
        counted[chosen] = pixels >= MIN_PIXELS
    return Judged(twins, right, counted)


def order_figures(studio: BatchedGenerator, judged: Judged) -> dict[str, Any]:
    """The order accuracy of the refined image, whole and by limb chain, and that of every image with its interval."""
    pack = studio.pack
    people = pack.identity[judged.twins.target]
    orders = {image: order_accuracy(judged.right[number], pack.twins.chain, judged.counted, people) for number, image in enumerate(studio.scored)}
    return orders["refined"] | {"order_by_image": {image: _interval(order) for image, order in orders.items()}}


def label_figures(pack: Pack) -> dict[str, float | None]:
    """Agreement of the labels of all the pack's rows with the truth; None where the data has no truth."""
    if pack.label_truth is None or pack.label_clear is None:
        return dict.fromkeys(("label_accuracy", "label_accuracy_all", "label_accuracy_balanced"))
    return label_accuracy(pack.label, pack.label_truth, pack.label_clear)


def lifting(studio: BatchedGenerator) -> dict[str, float | None]:
    """How well the depths of all the pack's rows and twins are inferred; None where the networks do without."""
    pack, lifter = studio.pack, studio.generator.conditioning.lifter
    if lifter is None:
        return dict.fromkeys(("lift_error", "lift_error_flat", "lift_sign"))
    pose_2d = np.concatenate([pack.pose_2d, pack.pose_2d[pack.twins.row]])
    label, pose_3d = np.concatenate([pack.label, pack.twins.label]), np.concatenate([pack.pose_3d, pack.twins.pose_3d])
    with torch.inference_mode():
        depth = lifter(torch.from_numpy(pose_2d).to(studio.device), torch.from_numpy(label).to(studio.device)).cpu().numpy()
    return lift_figures(depth, pose_2d, pose_3d, label)


def response(studio: BatchedGenerator, task: Task) -> dict[str, float | None]:
    """How much a limb's pixels change, mean absolute difference in [0, 1], when its label goes from +1 to -1.

    At most `RESPONSE_PAIRS` pairs, evenly spread, each asked for one limb in turn. The limb's pixels are those of its whole area but for
    those that it shares with its neighbours around a common joint. `response` is over the limbs that overlap the torso or another limb
    with at least a tenth of these pixels, `response_alone` over those that overlap nothing.
    """
    task = task.part(spread(np.arange(len(task)), RESPONSE_PAIRS))
    limb = np.arange(len(task)) % len(LIMB_NAMES)
    change, share = np.empty(len(task)), np.empty(len(task))
    for rows, batch in studio.batches(task, "response to labels"):
        overlap, bare = _limb_pixels(studio, batch.target, limb[rows])
        front, behind = (studio.paint(Task(batch.source, batch.target, _with_label(batch.label, limb[rows], value)))[1] for value in (1, -1))
        change[rows] = mask_l1(front, behind, overlap | bare).numpy()
        share[rows] = (overlap.sum((1, 2, 3)) / (overlap | bare).sum((1, 2, 3))).numpy()
    return {"response": mean(change[share >= OVERLAPPING]), "response_alone": mean(change[share == 0])}


def generator_figures(generator: Generator) -> dict[str, Any]:
    """Which coarse generator painted, what number formats G1 and G2 were trained with, and for which loss the variational U-Net was."""
    g1, precision = generator.g1, dict(zip(("g1", "g2"), generator.precision, strict=True))
    named = {"generator": "vunet", "loss": g1.config["loss"]} if isinstance(g1, VUNet) else {"generator": "pg2"}
    return named | {"precision": precision}


@torch.inference_mode()
def latent_figures(studio: BatchedGenerator, task: Task) -> dict[str, float | None]:
    """How much the variational U-Net knows of a person by its latents; None for generators without.

    At most `RESPONSE_PAIRS` pairs, evenly spread. `kl` : divergence of posterior and prior, nats per source image; `swap` : how much the
    pixels of the target's body change in the coarse image, mean absolute difference in [0, 1], when the source is that of another pair.
    """
    network = studio.generator.g1
    if not isinstance(network, VUNet):
        return dict.fromkeys(("kl", "swap"))
    task = task.part(spread(np.arange(len(task)), RESPONSE_PAIRS))
    kl, swap = np.empty(len(task)), np.empty(len(task))
    others = Task(np.roll(task.source, len(task) // 2), task.target, task.label)
    for rows, batch in studio.batches(task, "latents"):
        _, (look, maps) = studio.encode(Task(batch.source, batch.source, studio.pack.label[batch.source]))
        kl[rows] = network.divergence(look, maps).cpu().numpy()
        own, swapped = (studio.paint(one)[0] for one in (batch, others.part(rows)))
        swap[rows] = mask_l1(swapped, own, studio.masks(batch.target)[0]).numpy()
    return {"kl": mean(kl), "swap": mean(swap)}


def patn_figures(studio: BatchedGenerator, task: Task) -> dict[str, dict[str, float | None]]:
    """`ssim_patn` of each image, mean and standard deviation."""
    scores = np.empty((len(studio.scored), len(task)))
    for rows, batch in studio.batches(task, "SSIM with margins"):
        scores[:, rows] = ssim_patn(studio.paint_all(batch), studio.images(batch.target)).numpy()
    return {image: summary({"ssim_patn": values}) for image, values in zip(studio.scored, scores, strict=True)}


def pck_figures(studio: BatchedGenerator, task: Task, path: Path) -> dict[str, dict[str, Any]]:
    """Whether painted people take the target's pose: PCKh@0.5 of the joints that a pose estimator finds, per image, and that of the true images.

    Raises UserError where `path` holds no pose estimator, or one of other joints than the pack's.
    """
    network = load_network(path, PoseNet)
    joints = studio.pack.pose_2d.shape[1]
    if network.config["joints"] != joints:
        raise UserError(f"{path}: expected a pose estimator of {joints} joints, as the packs have, found one of {network.config['joints']}")
    network.to(studio.device)
    hits: dict[str, list[np.ndarray]] = {name: [] for name in ("truth", *studio.scored)}
    for _, batch in studio.batches(task, "pose of the painted"):
        for found, image in zip(hits.values(), (studio.images(batch.target), *studio.paint_all(batch)), strict=True):
            estimate = locate_joints(network, as_rows(image), studio.batch_size)
            found.append(pckh(estimate, studio.pack.pose_2d[batch.target]))
    figures = {name: summary({"pck": np.concatenate(parts)}) for name, parts in hits.items()}
    truth = figures.pop("truth")
    return figures | {"pose_net": {"file": path.name, "sha256": file_hash(path), "truth_pck": truth["pck"]}}


def inception_figures(studio: BatchedGenerator, task: Task, path: Path) -> dict[str, dict[str, Any]]:
    """Inception score and Frechet distance to the truths, per image, and under `inception` which network said so.

    The truths are the targets of the same pairs. Raises UserError where `path` is no TorchScript file.
    """
    network = Inception(path)
    seen: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {name: [] for name in ("truth", *studio.scored)}
    for _, batch in studio.batches(task, "inception"):
        images = studio.images(batch.target), *studio.paint_all(batch)
        for looks, image in zip(seen.values(), images, strict=True):
            looks.append(network.look(image))
    parts = {name: [np.concatenate(part) for part in zip(*looks, strict=True)] for name, looks in seen.items()}
    figures: dict[str, dict[str, Any]] = {}
    for name, (features, probabilities) in parts.items():
        score, deviation = inception_score(probabilities)
        figures[name] = {"inception_score": rounded(score), "inception_score_std": rounded(deviation)}
        figures[name]["fid"] = rounded(frechet_distance(features, parts["truth"][0]))
    truth = figures.pop("truth")
    return figures | {"inception": {"file": path.name, "sha256": network.sha256, "truth_score": truth["inception_score"]}}


def _check(studio: BatchedGenerator, pairs: np.ndarray) -> None:
    if not len(pairs):
        raise UserError("no test pairs to evaluate; raise pairs.test, lower pairs.min_distance or add to data.test_subjects")
    if min(studio.size) < 11:
        raise UserError(f"data.image_size = {list(studio.size)}: the scores need images of at least 11 x 11 px")


def _limb_pixels(studio: BatchedGenerator, rows: np.ndarray, limb: np.ndarray) -> tuple[Tensor, Tensor]:
    """Where limb `limb` (N,) of each row overlaps the torso or another limb, and where nothing else is: (N, 1, H, W) bool each."""
    body, part = measure(studio.pose(rows), studio.size), torch.from_numpy(FIRST_LIMB_PART + limb).view(-1, 1, 1)
    others = np.full((len(rows), len(LIMB_NAMES)), -1, dtype=np.int8)
    area, bare = ((front_parts(body, torch.from_numpy(_with_label(sign * others, limb, sign))) == part).unsqueeze(1) for sign in (1, -1))
    return area & overlap_mask(body).bool(), bare


def _with_label(label: np.ndarray, limb: np.ndarray, value: int) -> np.ndarray:
    """A copy of the labels (N, 8) with `value` for limb `limb` (N,) of each row."""
    label = label.copy()
    label[np.arange(len(label)), limb] = value
    return label


def _interval(order: dict[str, Any]) -> dict[str, Any]:
    return {name: order[name] for name in ("order_accuracy", "order_low", "order_high")}
