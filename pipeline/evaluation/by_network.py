"""Scores of the test pairs that take a network of the user's: does a pose estimator find the pose, and how do features of other networks differ?"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from pipeline.config.evaluate import EvaluateConfig
from pipeline.evaluation.painted import Painted
from pipeline.evaluation.scores.declared import FID, FID_TRAIN, INCEPTION_SCORE, KID, KID_TRAIN, PCK, PCK_LEFT, PCK_RIGHT
from pipeline.evaluation.scores.inception import VARIANT, Inception, frechet_distance, inception_score, kernel_distance
from pipeline.evaluation.scores.perceptual import DISTS, LPIPS, Perceptual
from pipeline.evaluation.scores.score import Score
from pipeline.evaluation.scores.summary import summary
from pipeline.inference.batched import BatchedGenerator
from pipeline.networks.checkpoint import load_network
from pipeline.networks.openpose import PoseNet
from pipeline.packs.pack import Pack
from pipeline.pose.skeleton import skeleton_of
from pipeline.pose_estimation.estimate import locate_joints
from pipeline.pose_estimation.scores import pckh_hits
from pipeline.utils.errors import UserError
from pipeline.utils.files import file_hash
from pipeline.utils.numbers import rounded, spread
from pipeline.utils.progress import track
from pipeline.utils.tensors import as_rows

AT_ONCE = 16  # images
REFERENCE = 10_000  # images that were trained on, at most
SIDES = {PCK: "", PCK_LEFT: "left_", PCK_RIGHT: "right_"}  # how the names of the joints that count begin
Figures = dict[str, dict[str, Any]]  # image -> score -> figure


class NetworkScore(Protocol):
    """What a network says of all pairs that were added."""

    key: str  # in metrics/test.json, of what is said of the network

    def add(self, painted: Painted) -> None:
        """Look at a batch."""

    def by_pair(self) -> dict[str, np.ndarray]:
        """Name of a score -> (images, P), in the order of `BatchedGenerator.scored`; nothing where the score is one of all images together."""

    def figures(self) -> tuple[Figures, dict[str, Any]]:
        """The figures of each image, and what is said of the network: its file, and the figure of the true images."""


def network_scores(batched: BatchedGenerator, config: EvaluateConfig, trained_on: Callable[[], Pack] | None) -> list[NetworkScore]:
    """Those that section `evaluate` names a network for; raise UserError where a file is none that serves.

    trained_on : reads the pack of those who were trained on; None: nothing is compared with them
    """
    pose = [] if config.pose_net is None else [PoseScore(batched, Path(config.pose_net))]
    inception = [] if config.inception is None else [InceptionScores(batched, Path(config.inception), trained_on)]
    asked: tuple[tuple[type[Perceptual], tuple[str, str] | None], ...] = ((LPIPS, config.lpips), (DISTS, config.dists))
    distances = [PerceptualScore(batched, kind, [Path(file) for file in files]) for kind, files in asked if files is not None]
    return [*pose, *distances, *inception]


class PoseScore:
    """Whether painted people take the target's pose: PCKh@0.5 of the joints that a pose estimator finds, of all and of either side."""

    key = "pose_net"

    def __init__(self, batched: BatchedGenerator, path: Path) -> None:
        """Raise UserError where `path` holds no pose estimator, or one of other joints than the pack's."""
        self.path, self.batched, self.network = path, batched, load_network(path, PoseNet)
        joints = batched.pack.pose_2d.shape[1]
        if self.network.config["joints"] != joints:
            found = self.network.config["joints"]
            raise UserError(f"{path}: expected a pose estimator of {joints} joints, as the packs have, found one of {found}")
        self.network.to(batched.device)
        self.joints = {score.name: [name.startswith(side) for name in skeleton_of(joints).names] for score, side in SIDES.items()}
        self.found: dict[str, list[np.ndarray]] = {name: [] for name in ("truth", *batched.scored)}
        self.identity: list[np.ndarray] = []

    def add(self, painted: Painted) -> None:
        """Find the joints in a batch."""
        self.identity.append(self.batched.pack.identity[painted.task.target])
        for found, image in zip(self.found.values(), (painted.truth, *painted.images), strict=True):
            found.append(pckh_hits(self._locate(image), self.batched.pack.pose_2d[painted.task.target]))

    def by_pair(self) -> dict[str, np.ndarray]:
        """As `NetworkScore` says."""
        shares = [self._shares(np.concatenate(self.found[image])) for image in self.batched.scored]
        return {name: np.stack([one[name] for one in shares]) for name in self.joints}

    def figures(self) -> tuple[Figures, dict[str, Any]]:
        """As `NetworkScore` says."""
        identity = np.concatenate(self.identity)
        figures: Figures = {name: dict(summary(self._shares(np.concatenate(parts)), identity)) for name, parts in self.found.items()}
        truth = figures.pop("truth")
        return figures, {"file": self.path.name, "sha256": file_hash(self.path), **{f"truth_{score.name}": truth[score.name] for score in SIDES}}

    def _locate(self, images: Tensor) -> np.ndarray:
        """The joints in images (N, 3, H, W) uint8, brought to the height that the network was trained with: (N, J, 2) px of the images."""
        height, width = images.shape[-2:]
        wanted = self.network.config["image_size"][0]
        if height == wanted:
            return locate_joints(self.network, as_rows(images), self.batched.batch_size)
        size = wanted, max(round(width * wanted / height), 1)
        resized = F.interpolate(images.float(), size, mode="bilinear", antialias=True).round().to(torch.uint8)
        found = locate_joints(self.network, as_rows(resized), self.batched.batch_size)
        return (found + 0.5) * np.array([width / size[1], height / size[0]], np.float32) - 0.5

    def _shares(self, hits: np.ndarray) -> dict[str, np.ndarray]:
        """Score -> (P,) share of the joints that are hit, NaN where none has a truth; hits : (P, J) as `pckh_hits` gives them."""
        known = ~np.isnan(hits)
        shares = {}
        for name, joints in self.joints.items():
            count = known[:, joints].sum(axis=1)
            shares[name] = np.where(count > 0, np.nan_to_num(hits)[:, joints].sum(axis=1) / np.maximum(count, 1), np.nan)
        return shares


class PerceptualScore:
    """How far painted images are from the truth to the layers of a network."""

    def __init__(self, batched: BatchedGenerator, kind: type[Perceptual], files: Sequence[Path]) -> None:
        """Raise UserError where a file is not what `kind` expects, or where the images are too small for its network."""
        self.key, self.files, self.batched = kind.key, files, batched
        if min(batched.size) < kind.least:
            raise UserError(
                f"evaluate.{kind.key}: expected images of at least {kind.least} x {kind.least} px, found {list(batched.size)}; set it to null"
            )
        self.network = kind(files, batched.device)
        self.found: dict[str, list[np.ndarray]] = {name: [] for name in batched.scored}
        self.identity: list[np.ndarray] = []

    @torch.inference_mode()
    def add(self, painted: Painted) -> None:
        """Compare a batch with its truth, a few images at a time: the layers of many do not fit the caches."""
        self.identity.append(self.batched.pack.identity[painted.task.target])
        for first in range(0, len(painted.number), AT_ONCE):
            rows = slice(first, first + AT_ONCE)
            true = self.network.layers(painted.truth[rows].to(self.batched.device))
            for found, image in zip(self.found.values(), painted.images, strict=True):
                layers = self.network.layers(image[rows].to(self.batched.device))
                found.append(self.network.distance(layers, true).double().cpu().numpy())

    def by_pair(self) -> dict[str, np.ndarray]:
        """As `NetworkScore` says."""
        return {self.key: np.stack([np.concatenate(parts) for parts in self.found.values()])}

    def figures(self) -> tuple[Figures, dict[str, Any]]:
        """As `NetworkScore` says."""
        identity = np.concatenate(self.identity)
        figures: Figures = {name: dict(summary({self.key: np.concatenate(parts)}, identity)) for name, parts in self.found.items()}
        return figures, {"variant": self.network.variant, "files": {path.name: file_hash(path) for path in self.files}}


class InceptionScores:
    """Inception score; Frechet and kernel distances to the true images of the same pairs, and to images that were trained on."""

    key = "inception"

    def __init__(self, batched: BatchedGenerator, path: Path, trained_on: Callable[[], Pack] | None) -> None:
        """Raise UserError where `path` is no TorchScript file, or one that nobody vouches for."""
        self.network, self.batch_size = Inception(path), batched.batch_size
        self.reference = None if trained_on is None else self._reference(trained_on())
        self.found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {name: [] for name in ("truth", *batched.scored)}

    def add(self, painted: Painted) -> None:
        """Look at a batch."""
        for found, image in zip(self.found.values(), (painted.truth, *painted.images), strict=True):
            found.append((self.network.features(image.cpu()), self.network.probabilities(image.cpu())))

    def by_pair(self) -> dict[str, np.ndarray]:
        """Nothing."""
        return {}

    def figures(self) -> tuple[Figures, dict[str, Any]]:
        """As `NetworkScore` says."""
        parts = {name: [np.concatenate(part) for part in zip(*found, strict=True)] for name, found in self.found.items()}
        figures: Figures = {}
        for name, (features, probabilities) in parts.items():
            score, deviation = inception_score(probabilities)
            figures[name] = {INCEPTION_SCORE.name: rounded(score), f"{INCEPTION_SCORE.name}_std": rounded(deviation)}
            figures[name] |= _distances(features, parts["truth"][0], FID, KID) if name != "truth" else {}
            figures[name] |= _distances(features, self.reference, FID_TRAIN, KID_TRAIN) if self.reference is not None else {}
        truth = figures.pop("truth")
        said = {"file": self.network.path.name, "sha256": self.network.sha256, "variant": VARIANT, "test_images": len(parts["truth"][0])}
        if self.reference is not None:
            said |= {"training_images": len(self.reference)} | {f"truth_{score.name}": truth[score.name] for score in (FID_TRAIN, KID_TRAIN)}
        return figures, said | {"truth_score": truth[INCEPTION_SCORE.name]}

    def _reference(self, pack: Pack) -> np.ndarray:
        """Features of at most `REFERENCE` images of those who were trained on, evenly spread: (N, F)."""
        rows = spread(np.arange(len(pack)), REFERENCE)
        batches = np.array_split(rows, -(-len(rows) // self.batch_size))
        images = (torch.from_numpy(pack.image[batch]).permute(0, 3, 1, 2) for batch in track(batches, "training images", len(batches)))
        return np.concatenate([self.network.features(image) for image in images])


def _distances(features: np.ndarray, reference: np.ndarray, frechet: Score, kernel: Score) -> dict[str, float | None]:
    """Both distances of features (N, F) to those of a reference (M, F), by the names of the scores."""
    distance, deviation = kernel_distance(features, reference)
    found = {frechet.name: frechet_distance(features, reference), kernel.name: distance, f"{kernel.name}_std": deviation}
    return {name: rounded(value) for name, value in found.items()}
