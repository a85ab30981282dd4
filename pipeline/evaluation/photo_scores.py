"""The scores of a model on a small folder of photos with twins, painted as `pose25d transfer` paints them.

Each person is painted from each of their photos in the pose of each of their others, and compared with the latter. Each twin of such a photo is
painted from the same source, with the labels of the photo and with its own, and judged as those of a data set.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipeline.datasets.photos.annotations import FILE_NAME, identity, read_annotations
from pipeline.datasets.photos.hand_labels import FILE_NAME as LABELS
from pipeline.datasets.photos.hand_labels import read_label_file
from pipeline.datasets.photos.joints import to_h36m_17
from pipeline.datasets.photos.twins import read_twin_labels, twin_name, twin_path
from pipeline.evaluation.scores.depth import clear_pixels, judge_order, order_accuracy
from pipeline.evaluation.scores.image.l1 import l1
from pipeline.evaluation.scores.image.ssim import ssim
from pipeline.evaluation.scores.score import ImagePairs
from pipeline.inference.generator import Generator
from pipeline.inference.transfer import cut_out, transfer
from pipeline.packs.clear import MIN_PIXELS
from pipeline.pose.labels import Labels, known_labels
from pipeline.pose.pose_file import LabelledPose
from pipeline.pose.skeleton import CHAINS
from pipeline.utils.errors import UserError
from pipeline.utils.numbers import mean
from pipeline.utils.pictures import read_picture


@dataclass(frozen=True)
class Photo:
    """A photo: image (h, w, 3) uint8 RGB, and the pose in it; twins : images and labels of its twins, by the number of the mirrored limb chain."""

    name: str
    image: np.ndarray
    pose: LabelledPose
    twins: dict[int, tuple[np.ndarray, Labels]]

    def labelled(self, labels: Labels) -> LabelledPose:
        """Its pose, labelled otherwise."""
        return LabelledPose(self.pose.pose_2d, known_labels(labels, self.pose.pose_2d))


@dataclass(frozen=True)
class JudgedTwin:
    """right : (2,) as `judge_order` gives it; chain : the number of the limb chain that was mirrored; person : who is painted."""

    right: np.ndarray
    chain: int
    person: str


def score_photos(generator: Generator, root: Path, margin: float | None) -> dict[str, Any]:
    """The scores of the refined images: `pairs` of photos, their mean `ssim` and `l1`, and the order accuracy over their twins.

    margin : as for `transfer`. Raises UserError where a file is missing or damaged, or where nobody is in two photos.
    """
    photos = read_photos(root)
    pairs = [(a, b) for a in photos for b in photos if a.name != b.name and identity(a.name) == identity(b.name)]
    if not pairs:
        raise UserError(f"{root}: expected two photos of somebody, with the same name up to the first `_`, found none")
    painted = [transfer(generator, source.image, source.pose, target.pose, margin) for source, target in pairs]
    truths = [cut_out(target.image, target.pose, generator.image_size, margin) for _, target in pairs]
    everywhere = torch.ones(len(pairs), 1, *generator.image_size, dtype=torch.bool)
    images = ImagePairs(_as_tensor(painted), _as_tensor(truths), everywhere, everywhere)
    twins = [twin for pair, image in zip(pairs, painted, strict=True) for twin in judge_twins(generator, *pair, image, margin)]
    order = order_accuracy(
        np.array([twin.right for twin in twins]).reshape(-1, 2),
        np.array([twin.chain for twin in twins], int),
        np.ones(len(twins), bool),
        np.array([twin.person for twin in twins], str),
    )
    kept = {name: order[name] for name in ("order_accuracy", "order_low", "order_high", "order_cases")}
    return {"pairs": len(pairs), "ssim": mean(ssim(images).numpy()), "l1": mean(l1(images).numpy()), **kept}


def judge_twins(generator: Generator, source: Photo, target: Photo, painted: np.ndarray, margin: float | None) -> Iterator[JudgedTwin]:
    """The twins of the target that differ clearly from it; painted : (H, W, 3) uint8, the source's person in the target's pose."""
    size = generator.image_size
    truth = cut_out(target.image, target.pose, size, margin)
    for chain, (image, labels) in target.twins.items():
        truths = np.stack([truth, cut_out(image, target.pose, size, margin)])
        if clear_pixels(*truths).sum() >= MIN_PIXELS:
            twin = transfer(generator, source.image, source.pose, target.labelled(labels), margin)
            yield JudgedTwin(judge_order(np.stack([painted, twin])[None], truths[None])[0], chain, identity(target.name))


def read_photos(root: Path) -> list[Photo]:
    """The photos in `root` that have keypoints, and their twins, sorted by name; raise UserError where a file is missing or damaged."""
    points, labels, twins = read_annotations(root / FILE_NAME).points, read_label_file(root / LABELS), read_twin_labels(root)
    photos = []
    for name in sorted(points):
        pose_2d = to_h36m_17(points[name]).astype(np.float64)
        files = {chain: twin_name(name, chain) for chain in range(len(CHAINS))}
        mirrored = {chain: (read_picture(twin_path(root, file)), twins[file]) for chain, file in files.items() if file in twins}
        if name not in labels:
            raise UserError(f"{root / LABELS}: expected the labels of {name}, found none")
        photos.append(Photo(name, read_picture(root / name), LabelledPose(pose_2d, known_labels(labels[name], pose_2d)), mirrored))
    return photos


def _as_tensor(images: list[np.ndarray]) -> torch.Tensor:
    """(N, 3, H, W) uint8 of N images (H, W, 3) uint8."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
