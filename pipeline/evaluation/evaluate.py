"""Paint the stored test pairs and the twins, each once, and score what comes out."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from pipeline.config.evaluate import EvaluateConfig
from pipeline.evaluation.by_network import Figures, network_scores
from pipeline.evaluation.examples.cases import Cases
from pipeline.evaluation.examples.collect import DepthExamples, collect_cases, depth_examples
from pipeline.evaluation.examples.twins import choose_twins
from pipeline.evaluation.kept_images import KeptImages
from pipeline.evaluation.painted import paint_pairs
from pipeline.evaluation.pair_scores import PairScores
from pipeline.evaluation.probes import latent_figures, probed, response
from pipeline.evaluation.scores.declared import IMAGE_SCORES
from pipeline.evaluation.scores.depth import label_accuracy, lift_figures
from pipeline.evaluation.scores.summary import DISTANCES, by_group, distance_group
from pipeline.evaluation.several import several_figures
from pipeline.evaluation.twins import count_twins, judge_twins, order_figures, twin_task
from pipeline.inference.batched import BatchedGenerator, Task, pose_distance
from pipeline.inference.generator import Generator
from pipeline.networks.coarse import generator_name
from pipeline.networks.vunet import VUNet
from pipeline.packs.pack import Pack
from pipeline.utils.errors import UserError
from pipeline.utils.numbers import spread
from pipeline.utils.progress import working

LIFTED = 2**14  # rows whose depths are inferred at a time


def evaluate(
    generator: Generator,
    pack: Pack,
    pairs: np.ndarray,
    config: EvaluateConfig,
    device: torch.device,
    trained_on: Callable[[], Pack] | None = None,
) -> tuple[dict[str, Any], Cases]:
    """Score every pair and, of bodies, every twin and every label.

    pairs : (P, 1 + sources) int64, rows of the pack: source, target, further sources, with which the targets are painted once
        more, where the networks see them
    device : where to paint, the networks move there; trained_on : see `network_scores`
    returns : the content of metrics/test.json, and the cases for the report.
    Raises UserError where there is nothing to score, or where the images are too small for SSIM.
    """
    batched = BatchedGenerator(generator, pack, config.batch_size, device)
    generator.g1.to(device)
    generator.g2.to(device)
    _check(batched, pairs)
    several, pairs = pairs, pairs[:, :2]
    task = Task(pairs[:, 0], pairs[:, 1], pack.label[pairs[:, 1]])
    samples = spread(np.arange(len(task)), config.samples)
    scores, kept, by_network = score_pairs(batched, task, config, samples, trained_on)
    figures: dict[str, Any] = {"pairs": len(pairs)} | scores.figures(pack.identity[task.target])
    for by_image, _ in by_network.values():
        for image, values in by_image.items():
            figures[image] |= values
    figures |= generator_figures(generator) | {"latent": latent_figures(batched, task, kept)}
    shown = DepthExamples.none()
    if pack.has_limbs:
        depth, shown = judge_depth(batched, pairs, config.samples)
        with working("labels and depths"):
            known = label_figures(pack) | lifting(batched)
        figures["depth"] = depth | known | response(batched, task)
    if several.shape[1] > 2 and generator.sees_several:
        figures["sources"] = several_figures(batched, several)
    figures["by"] = group_figures(batched, task, scores)
    figures |= {key: network for key, (_, network) in sorted(by_network.items())}
    return figures, collect_cases(batched, task, scores, kept, samples, shown)


def score_pairs(
    batched: BatchedGenerator, task: Task, config: EvaluateConfig, samples: np.ndarray, trained_on: Callable[[], Pack] | None
) -> tuple[PairScores, KeptImages, dict[str, tuple[Figures, dict[str, Any]]]]:
    """Paint each pair once: its scores, the images that a report may show, and what the networks of section `evaluate` say, by their key.

    samples : numbers of pairs that are shown whatever their scores. Raises UserError where a score is not finite that every image has.
    """
    scores = PairScores(batched.scored, [score for score in IMAGE_SCORES if score.flag is None or getattr(config, score.flag)], len(task))
    named = np.union1d(samples, probed(task)) if isinstance(batched.generator.g1, VUNet) else samples
    kept = KeptImages(named, few=-(-config.samples // 2))
    networks = network_scores(batched, config, trained_on)
    for painted in paint_pairs(batched, task):
        scores.add(painted)
        kept.add(painted, scores.of("refined", "mask_l1")[painted.number])
        for network in networks:
            network.add(painted)
    scores.check()
    for network in networks:
        scores.by_network |= network.by_pair()
    return scores, kept, {network.key: network.figures() for network in networks}


def judge_depth(batched: BatchedGenerator, pairs: np.ndarray, samples: int) -> tuple[dict[str, Any], DepthExamples]:
    """Do images show the order of limbs that they were told? The figures, and what the report shows of it."""
    with working("which twins count"):
        twins = twin_task(batched.pack, pairs)
        counted = count_twins(batched.pack, twins)
    shown = choose_twins(batched.pack, twins, counted, samples)
    judged = judge_twins(batched, twins, counted, shown.numbers)
    return order_figures(batched, judged), depth_examples(batched, judged, shown)


def group_figures(batched: BatchedGenerator, task: Task, scores: PairScores) -> dict[str, Any]:
    """The scores by action, by camera, and by how far the joints have to move."""
    pack, values = batched.pack, scores.by_image()
    return {
        "action": by_group(pack.action[task.target], values),
        "view": by_group(np.where(pack.camera[task.source] == pack.camera[task.target], "same", "other"), values, ("same", "other")),
        "distance": by_group(distance_group(pose_distance(pack, task), batched.size[0]), values, DISTANCES),
    }


def label_figures(pack: Pack) -> dict[str, float | None]:
    """Agreement of the labels of all the pack's rows with the truth; None where the data has no truth."""
    if pack.label_truth is None or pack.label_clear is None:
        return dict.fromkeys(("label_accuracy", "label_accuracy_all", "label_accuracy_balanced"))
    return label_accuracy(pack.label, pack.label_truth, pack.label_clear)


def lifting(batched: BatchedGenerator) -> dict[str, float | None]:
    """How well the depths of all the pack's rows and twins are inferred; None where the networks do without."""
    pack, lifter = batched.pack, batched.generator.conditioning.lifter
    if lifter is None:
        return dict.fromkeys(("lift_error", "lift_error_flat", "lift_sign"))
    pose_2d = np.concatenate([pack.pose_2d, pack.pose_2d[pack.twins.row]])
    label, pose_3d = np.concatenate([pack.label, pack.twins.label]), np.concatenate([pack.pose_3d, pack.twins.pose_3d])
    parts = zip(*(torch.from_numpy(values).to(batched.device).split(LIFTED) for values in (pose_2d, label)), strict=True)
    with torch.inference_mode():
        depth = torch.cat([lifter(*part) for part in parts]).cpu().numpy()
    return lift_figures(depth, pose_2d, pose_3d, label)


def generator_figures(generator: Generator) -> dict[str, Any]:
    """Which coarse generator painted, what number formats G1 and G2 were trained with, and for which loss, where G1's file says so."""
    g1, precision = generator.g1, dict(zip(("g1", "g2"), generator.precision, strict=True))
    loss = {"loss": g1.config["loss"]} if "loss" in g1.config else {}
    return {"generator": generator_name(g1), **loss, "precision": precision}


def _check(batched: BatchedGenerator, pairs: np.ndarray) -> None:
    if not len(pairs):
        raise UserError("no test pairs to evaluate; raise pairs.test, lower pairs.min_distance or add to data.test_subjects")
    if min(batched.size) < 11:
        raise UserError(f"data.image_size = {list(batched.size)}: the scores need images of at least 11 x 11 px")
