"""How well the pose estimator finds the joints of people whom it was not trained on."""

import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipeline.config.pose_net import EvaluatePoseConfig
from pipeline.networks.openpose import PoseNet, bones
from pipeline.packs.pack import Pack
from pipeline.pose.skeleton import skeleton_of
from pipeline.pose_estimation.batches import read_crops, side_by_side
from pipeline.pose_estimation.estimate import locate_joints, look, people_in
from pipeline.pose_estimation.scores import average_precision, pckh, pckh_hits
from pipeline.pose_estimation.targets import draw_targets, pose_loss
from pipeline.utils.errors import UserError
from pipeline.utils.numbers import mean, rounded, spread
from pipeline.utils.tensors import as_rows, to_uint8

BOTH = 0.5  # share of the joints of either person, by PCKh, from which on a person counts as found
TIMED = 11  # images
USUAL = (368, 368)  # px, of the images that OpenPose is usually given


def choose_rows(pack: Pack, count: int) -> np.ndarray:
    """At most `count` rows, evenly spread; raise UserError where there is none."""
    if not len(pack):
        raise UserError("no images to score; add to data.test_subjects")
    return spread(np.arange(len(pack)), count)


def check_joints(path: Path, network: PoseNet, pack: Pack) -> None:
    """Raise UserError unless the network with the weights `path` finds the joints that the pack has."""
    expected, found = pack.pose_2d.shape[1], network.config["joints"]
    if found != expected:
        raise UserError(f"{path}: expected a pose estimator of the {expected} joints of the packs, found one of {found}; train it on these packs")


def score_net(network: PoseNet, pack: Pack, sigma: float, config: EvaluatePoseConfig) -> dict[str, Any]:
    """The figures of one network: losses of the last stage per image, PCKh@0.5, OKS-AP, and two people side by side."""
    rows = choose_rows(pack, config.images)
    images, truth = pack.image[rows], pack.pose_2d[rows]
    hits = pckh_hits(locate_joints(network, images, config.batch_size), truth)
    names = skeleton_of(truth.shape[1]).names
    heat, paf = losses(network, pack, rows, sigma, config.batch_size)
    return {
        "heat_loss": rounded(heat),
        "paf_loss": rounded(paf),
        "pckh": mean(hits),
        "oks_ap": rounded(average_precision([people_in(network, image) for image in images], [[pose] for pose in truth])),
        "two_people": rounded(share_of_both(network, pack, config.pairs)),
        "pckh_by_joint": {name: mean(hits[:, joint]) for joint, name in enumerate(names)},
        "parameters": sum(value.numel() for value in network.parameters()),
    }


def losses(network: PoseNet, pack: Pack, rows: np.ndarray, sigma: float, batch_size: int) -> tuple[float, float]:
    """Losses of the last stage, of heat and of paf, mean over images."""
    size, stride, total = pack.image.shape[1:3], network.config["stride"], np.zeros(2)
    for start in range(0, len(rows), batch_size):
        part = rows[start : start + batch_size]
        pose_2d = torch.from_numpy(pack.pose_2d[part])[:, None]
        targets = draw_targets(pose_2d, bones(pose_2d.shape[2]), (size[0], size[1]), stride, sigma)
        values = pose_loss([look(network, pack.image[part])], targets)
        total += len(part) * np.array([value.item() for value in values])
    return float(total[0] / len(rows)), float(total[1] / len(rows))


def share_of_both(network: PoseNet, pack: Pack, count: int) -> float:
    """Share of images of two people side by side, of different identities, in which just these two are found. NaN where all are one person."""
    rows = spread(np.arange(len(pack)), count)
    other = np.roll(rows, len(rows) // 2)
    apart = pack.identity[rows] != pack.identity[other]
    rows, other = rows[apart], other[apart]
    right = []
    for pair in zip(rows.tolist(), other.tolist(), strict=True):
        crops = side_by_side(read_crops(pack, np.array(pair), np.zeros(2, bool), torch.device("cpu")))
        image = as_rows(to_uint8(crops.image))[0]
        found = people_in(network, image)
        right.append(len(found) == 2 and all(_is_among(pose, [person.pose_2d for person in found]) for pose in crops.pose_2d[0].numpy()))
    return float(np.mean(right)) if right else float("nan")


def _is_among(pose: np.ndarray, found: list[np.ndarray]) -> bool:
    return max(float(pckh(one[None], pose[None])[0]) for one in found) >= BOTH


def time_per_image(network: PoseNet, size: tuple[int, int]) -> float:
    """Seconds that the network takes for one image of this height and width, by itself, the median of some."""
    image = np.random.default_rng(0).integers(0, 256, (1, *size, 3), dtype=np.uint8)
    times = []
    for _ in range(TIMED):
        since = time.perf_counter()
        look(network, image)
        times.append(time.perf_counter() - since)
    return statistics.median(times)


def table(figures: dict[str, dict[str, Any]]) -> str:
    """The figures in the form of the thesis' Table 3.1, but for the times, which no tracked file holds."""
    titles = {"heat_loss": "heatmap loss", "paf_loss": "PAF loss", "pckh": "PCKh@0.5", "oks_ap": "OKS-AP", "two_people": "two people found"}
    rows = [f"| backbone | {' | '.join(titles.values())} | parameters |", f"| --- |{' --- |' * (len(titles) + 1)}"]
    for backbone, values in figures.items():
        cells = ["–" if values[name] is None else f"{values[name]:.4g}" for name in titles]
        rows.append(f"| {backbone} | {' | '.join(cells)} | {values['parameters']:,} |")
    return "\n".join(rows) + "\n"
