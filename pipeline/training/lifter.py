"""How the lifter is trained: one visible loop for its two networks, first the prior, then the flip classifier, as those of `training/generators.py`.

The classifier learns from the prior's depths, and from views some of whose chains are mirrored in depth (`training/views.py`). A mirrored chain has
the same 2D skeleton; only its labels tell it from the original, so they have to be used. A chain is mirrored only where its labels change, because
nothing could tell it otherwise, and then as often as not.

Both are small, and trained on the processor. A killed run goes on from its last state and ends with the weights of an unbroken one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional as F
from torch.optim import AdamW

from pipeline.config.data import DataConfig
from pipeline.config.pose import PoseConfig
from pipeline.config.train import TrainLifterConfig
from pipeline.networks.lifter import SCALE_DEPTH, Lifter, Residual, chain_means, mirror_depth
from pipeline.packs.pack import pack_path, read_columns
from pipeline.pose.skeleton import CHAINS
from pipeline.training.curves import Curves
from pipeline.training.launch import one_process
from pipeline.training.loop import CURVES, TrainingRun, due, one_cycle
from pipeline.training.resume import Part, fingerprint, scratch_folder
from pipeline.training.views import NEAREST, depths_of, joints_of, make_views, mirror_chains, perturb
from pipeline.utils.devices import fix_arithmetic
from pipeline.utils.errors import UserError
from pipeline.utils.progress import ProgressLine, track

SIDE_WEIGHT = 0.1  # of the side on which a chain usually lies, against 1 for how far it lies from where it hangs
OBSERVABLE_WEIGHT = 2.0  # of the chains whose labels say which way they lie, against 1
BETAS = (0.9, 0.99)
CHUNK = 4096  # views at a time


@dataclass(frozen=True)
class LifterTraining(TrainingRun):
    """What a training needs beside its networks: poses (N, 17, 3), mm, camera frame, the label rule, and how it runs."""

    pose_3d: np.ndarray
    pose: PoseConfig
    config: TrainLifterConfig

    @classmethod
    @contextmanager
    def open(cls, packed: Path, data: DataConfig, pose: PoseConfig, config: TrainLifterConfig) -> Iterator["LifterTraining"]:
        """The training on the training people's packs in `packed`; its scratch folder is locked meanwhile and removed at the end."""
        fix_arithmetic(config.threads, training=True)
        subjects = data.train_subjects
        pose_3d = np.concatenate([read_columns(packed, subject, ("pose_3d",))["pose_3d"] for subject in subjects])
        settings = [pose.depth, pose.rule, config.model_dump(mode="json")]
        key = fingerprint(settings, [pack_path(packed, subject) for subject in subjects], __name__)
        with scratch_folder("train_lifter", key) as scratch:
            yield cls(Fabric(accelerator="cpu", devices=1, plugins=one_process()), scratch, pose_3d, pose, config)

    def views(self, rng: np.random.Generator) -> np.ndarray:
        """`make_views` of the poses; raise UserError without poses, or where all are too near the camera."""
        if not len(self.pose_3d):
            raise UserError("no poses to train on; add to data.subjects")
        views = make_views(self.pose_3d, self.config.views, rng)
        if not len(views):
            raise UserError(f"expected poses more than {NEAREST:g} mm before the camera, found none; check the cameras")
        return views

    def phase(self, name: str) -> "LifterTraining":
        """This training, with a state of its own for one of the networks."""
        scratch = self.scratch / name
        scratch.mkdir(exist_ok=True)
        return replace(self, scratch=scratch)


def train_lifter(run: LifterTraining) -> Lifter:
    """A lifter for the poses and the label rule of `run`; with `pose.depth` false it sees no labels, and has no flip classifier.

    Raises UserError without poses, where all are too near the camera, or where a loss is not finite.
    """
    config = run.config
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    lifter = Lifter(config.width, config.blocks, run.pose.rule if run.pose.depth else None)
    views = run.views(rng)
    curves = Curves(run.scratch / CURVES, config.log_every, run.fabric)
    fit(run.phase("prior"), lifter.prior, PriorLoss(lifter, joints_of(views), depths_of(views), config.noise, rng), rng, curves, 0)
    if lifter.flip is not None:
        flip = make_flip_loss(lifter, lifter.flip, views, run.pose, config, rng)
        fit(run.phase("flip"), lifter.flip, flip, rng, curves, config.steps)
    return lifter.eval()


def fit(run: LifterTraining, network: Residual, loss_of: "PriorLoss | FlipLoss", rng: np.random.Generator, curves: Curves, before: int) -> None:
    """Train one of the networks on random rows; before : the steps of the other, which come first in the curves."""
    config, name = run.config, loss_of.name
    optimiser = AdamW(network.parameters(), config.lr, betas=BETAS, weight_decay=config.weight_decay, fused=True)
    rate = one_cycle(optimiser, config.lr, config.steps)
    parts: dict[str, Part] = {"network": network, "optimiser": optimiser, "rate": rate, "curves": curves, "random": RandomState(rng)}
    start = run.start(parts)
    with ProgressLine(f"train_lifter {name}", config.steps, start, "poses", config.batch_size) as progress:
        for step in range(start, config.steps):
            loss = loss_of(torch.from_numpy(rng.integers(0, len(loss_of), config.batch_size)))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            rate.step()

            done = step + 1
            curves.add(before + done, **{name: loss})
            if due(done, config.checkpoint_every, config.steps):
                curves.check(before + done)
                run.save(done, parts)
            progress.tick(done, curves.latest)
    curves.flush(before + config.steps)


class RandomState:
    """The state of NumPy's random numbers, as a part of a training's."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def state_dict(self) -> dict[str, Any]:
        """The state; its numbers have 128 bits."""
        return dict(self.rng.bit_generator.state)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.rng.bit_generator.state = state


@dataclass(frozen=True)
class PriorLoss:
    """What the prior learns: depths (N, 17) mm from joints (N, 17, 2) px, which are perturbed anew each time."""

    lifter: Lifter
    pose_2d: Tensor
    depth: Tensor
    noise: float
    rng: np.random.Generator
    name = "prior"

    def __len__(self) -> int:
        return len(self.depth)

    def __call__(self, rows: Tensor) -> Tensor:
        """Of the rows (B,) int64, a scalar."""
        return prior_loss(self.lifter.infer_prior(perturb(self.pose_2d[rows], self.noise, self.rng)), self.depth[rows])


@dataclass(frozen=True)
class FlipLoss:
    """What the flip classifier learns: whether chains lie nearer to the truth when they are mirrored.

    features : (N, 156); gain : (N, 4), by how much nearer, of the depths' scale; weight : (N, 4), by how much that counts
    """

    classifier: Residual
    features: Tensor
    gain: Tensor
    weight: Tensor
    name = "flip"

    def __len__(self) -> int:
        return len(self.gain)

    def __call__(self, rows: Tensor) -> Tensor:
        """Of the rows (B,) int64, a scalar."""
        return F.binary_cross_entropy_with_logits(self.classifier(self.features[rows]), (self.gain[rows] > 0).float(), self.weight[rows])


def prior_loss(prior: Tensor, depth: Tensor) -> Tensor:
    """How far depths (B, 17) mm are from the true ones, each chain mirrored to where it is nearer, and, with a small weight, as they are."""
    nearer = mirror_depth(prior, flip_gain(prior, depth) > 0)
    return ((nearer - depth).abs() + SIDE_WEIGHT * (prior - depth).abs()).mean() / SCALE_DEPTH


def flip_gain(prior: Tensor, depth: Tensor) -> Tensor:
    """By how much nearer each chain of the prior's depths lies to the true ones (B, 17) when it is mirrored, (B, 4) mm, mean over its joints."""
    mirrored = mirror_depth(prior, torch.ones(len(prior), len(CHAINS)))
    return chain_means((prior - depth).abs() - (mirrored - depth).abs())


def make_flip_loss(
    lifter: Lifter, classifier: Residual, views: np.ndarray, pose: PoseConfig, config: TrainLifterConfig, rng: np.random.Generator
) -> FlipLoss:
    """What there is to learn of the trained prior's depths.

    A chain counts by how much it matters whether it is mirrored, mm: hardly where it lies in the plane of the image.
    """
    pose_2d = perturb(joints_of(views), config.noise, rng)
    chosen = rng.random((len(views), len(CHAINS))) < 0.5
    with torch.no_grad():
        prior = torch.cat([lifter.infer_prior(rows) for rows in pose_2d.split(CHUNK)])
    chunks = [slice(first, first + CHUNK) for first in range(0, len(views), CHUNK)]
    with ThreadPool(config.threads) as pool:
        parts = pool.imap(partial(_flip_features, lifter, views, pose_2d, prior, chosen, pose), chunks)
        features, depth, observable = (torch.cat(part) for part in zip(*track(parts, "train_lifter features", len(chunks)), strict=True))
    gain = flip_gain(prior, depth) / SCALE_DEPTH
    return FlipLoss(classifier, features, gain, gain.abs() * torch.where(observable, OBSERVABLE_WEIGHT, 1.0))


def _flip_features(
    lifter: Lifter, views: np.ndarray, pose_2d: Tensor, prior: Tensor, chosen: np.ndarray, pose: PoseConfig, rows: slice
) -> tuple[Tensor, Tensor, Tensor]:
    """Of some views, once the chosen chains are mirrored: features (B, 156), true depths (B, 17) mm, whose flips are observable (B, 4) bool."""
    mirrored, label, observable = mirror_chains(views[rows], chosen[rows], pose)
    return lifter.flip_features(pose_2d[rows], prior[rows], torch.from_numpy(label)), depths_of(mirrored), torch.from_numpy(observable)
