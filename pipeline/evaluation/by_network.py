"""Scores of the test pairs that take a network of the user's: does a pose estimator find the pose, and how do features of other networks differ?"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from pipeline.config.evaluate import EvaluateConfig
from pipeline.evaluation.painted import Painted
from pipeline.evaluation.scores.declared import FID, INCEPTION_SCORE, PCK
from pipeline.evaluation.scores.inception import Inception, frechet_distance, inception_score
from pipeline.evaluation.scores.perceptual import DISTS, LPIPS, Perceptual
from pipeline.evaluation.scores.summary import summary
from pipeline.inference.batched import BatchedGenerator
from pipeline.networks.checkpoint import load_network
from pipeline.networks.openpose import PoseNet
from pipeline.pose_estimation.estimate import locate_joints
from pipeline.pose_estimation.scores import pckh
from pipeline.utils.errors import UserError
from pipeline.utils.files import file_hash
from pipeline.utils.numbers import rounded
from pipeline.utils.tensors import as_rows

AT_ONCE = 16  # images
Figures = dict[str, dict[str, Any]]  # image -> score -> figure


class NetworkScore(Protocol):
    """What a network says of all pairs that were added."""

    key: str  # in metrics/test.json, of what is said of the network

    def add(self, painted: Painted) -> None:
        """Look at a batch."""

    def figures(self) -> tuple[Figures, dict[str, Any]]:
        """The figures of each image, and what is said of the network: its file, and the figure of the true images."""


def network_scores(batched: BatchedGenerator, config: EvaluateConfig) -> list[NetworkScore]:
    """Those that section `evaluate` names a network for; raise UserError where a file is none that serves."""
    pose = [] if config.pose_net is None else [PoseScore(batched, Path(config.pose_net))]
    inception = [] if config.inception is None else [InceptionScores(batched, Path(config.inception))]
    asked: tuple[tuple[type[Perceptual], tuple[str, str] | None], ...] = ((LPIPS, config.lpips), (DISTS, config.dists))
    distances = [PerceptualScore(batched, kind, [Path(file) for file in files]) for kind, files in asked if files is not None]
    return [*pose, *distances, *inception]


class PoseScore:
    """Whether painted people take the target's pose: PCKh@0.5 of the joints that a pose estimator finds."""

    key = "pose_net"

    def __init__(self, batched: BatchedGenerator, path: Path) -> None:
        """Raise UserError where `path` holds no pose estimator, or one of other joints than the pack's."""
        self.path, self.batched, self.network = path, batched, load_network(path, PoseNet)
        joints = batched.pack.pose_2d.shape[1]
        if self.network.config["joints"] != joints:
            found = self.network.config["joints"]
            raise UserError(f"{path}: expected a pose estimator of {joints} joints, as the packs have, found one of {found}")
        self.network.to(batched.device)
        self.found: dict[str, list[np.ndarray]] = {name: [] for name in ("truth", *batched.scored)}
        self.identity: list[np.ndarray] = []

    def add(self, painted: Painted) -> None:
        """Find the joints in a batch."""
        self.identity.append(self.batched.pack.identity[painted.task.target])
        for found, image in zip(self.found.values(), (painted.truth, *painted.images), strict=True):
            estimate = locate_joints(self.network, as_rows(image), self.batched.batch_size)
            found.append(pckh(estimate, self.batched.pack.pose_2d[painted.task.target]))

    def figures(self) -> tuple[Figures, dict[str, Any]]:
        """As `NetworkScore` says."""
        identity = np.concatenate(self.identity)
        figures: Figures = {name: dict(summary({PCK.name: np.concatenate(parts)}, identity)) for name, parts in self.found.items()}
        truth = figures.pop("truth")
        return figures, {"file": self.path.name, "sha256": file_hash(self.path), "truth_pck": truth[PCK.name]}


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

    def figures(self) -> tuple[Figures, dict[str, Any]]:
        """As `NetworkScore` says."""
        identity = np.concatenate(self.identity)
        figures: Figures = {name: dict(summary({self.key: np.concatenate(parts)}, identity)) for name, parts in self.found.items()}
        return figures, {"variant": self.network.variant, "files": {path.name: file_hash(path) for path in self.files}}


class InceptionScores:
    """Inception score, and Frechet distance to the targets of the same pairs."""

    key = "inception"

    def __init__(self, batched: BatchedGenerator, path: Path) -> None:
        """Raise UserError where `path` is no TorchScript file, or one that nobody vouches for."""
        self.network = Inception(path)
        self.found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {name: [] for name in ("truth", *batched.scored)}

    def add(self, painted: Painted) -> None:
        """Look at a batch."""
        for found, image in zip(self.found.values(), (painted.truth, *painted.images), strict=True):
            found.append(self.network.look(image))

    def figures(self) -> tuple[Figures, dict[str, Any]]:
        """As `NetworkScore` says."""
        parts = {name: [np.concatenate(part) for part in zip(*found, strict=True)] for name, found in self.found.items()}
        figures: Figures = {}
        for name, (features, probabilities) in parts.items():
            score, deviation = inception_score(probabilities)
            figures[name] = {INCEPTION_SCORE.name: rounded(score), f"{INCEPTION_SCORE.name}_std": rounded(deviation)}
            figures[name][FID.name] = rounded(frechet_distance(features, parts["truth"][0]))
        truth = figures.pop("truth")
        return figures, {"file": self.network.path.name, "sha256": self.network.sha256, "truth_score": truth[INCEPTION_SCORE.name]}
