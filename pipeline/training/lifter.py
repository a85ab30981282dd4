"""How the lifter is trained: on the poses of the training people, seen from all around and with limbs mirrored in depth.

One recording shows few views and one order of the limbs per pose. Depth is known here, so any number of others follow without a picture: the
person turns about the vertical axis, which is how bodies usually lie. Then arms and legs are mirrored in depth about the shoulder or hip, and the
label rule says what that looks like. A mirrored chain has the same 2D skeleton; only its labels tell it from the original, so they have to be
used. A chain is mirrored only where its labels change, because nothing could tell it otherwise, and then as often as not.
"""

from collections.abc import Callable, Iterable
from multiprocessing.pool import ThreadPool
from typing import TypeVar

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor
from torch.nn import functional as F
from torch.optim import AdamW

from pipeline.config.pose import PoseConfig
from pipeline.config.train import TrainLifterConfig
from pipeline.networks.lifter import SCALE_DEPTH, Lifter, Residual, chain_means, mirror_depth
from pipeline.pose.bodies.pose_space import label_limbs, labels_differ, mirror_chain
from pipeline.pose.skeleton import CHAINS, H36M_17
from pipeline.utils.errors import UserError

T = TypeVar("T")

TILT = 0.1  # standard deviation of the camera's further tilt, radians
MISSING = 0.1  # share of the poses in which each joint is missing with this probability, too
NEAREST = 500.0  # mm; closer to the camera nobody is recorded
USUAL = 0.1  # weight of the side on which a chain usually lies, against 1 for how far it lies from where it hangs
TOLD = 2.0  # weight of the chains whose labels say which way they lie, against 1
_BETAS = (0.9, 0.99)
_CHUNK = 4096  # views at a time


def train_lifter(pose_3d: np.ndarray, pose: PoseConfig, config: TrainLifterConfig) -> Lifter:
    """A lifter for the poses (N, 17, 3), mm, camera frame, and the label rule of `pose`; with `pose.depth` false it sees no labels.

    Raises UserError without poses, where all are too near the camera, or where the loss is not finite.
    """
    if not len(pose_3d):
        raise UserError("no poses to train on; add to data.subjects")
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(config.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    lifter = Lifter(config.width, config.blocks, pose.rule if pose.depth else None)
    views = make_views(pose_3d, config.views, rng)
    if not len(views):
        raise UserError(f"expected poses more than {NEAREST:g} mm before the camera, found none; check the cameras")
    pose_2d, depth = _see(views)

    def miss_usual(rows: Tensor) -> Tensor:
        usual, true = lifter.infer_usual(_blur(pose_2d[rows], config.noise, rng)), depth[rows]
        nearer = mirror_depth(usual, _gain(usual, true) > 0)
        return ((nearer - true).abs() + USUAL * (usual - true).abs()).mean() / SCALE_DEPTH

    _fit(lifter.usual, miss_usual, len(views), config, rng)
    if lifter.doubt is not None:
        _train_doubt(lifter, lifter.doubt, views, pose, config, rng)
    return lifter.eval()


def _train_doubt(lifter: Lifter, doubt: Residual, views: np.ndarray, pose: PoseConfig, config: TrainLifterConfig, rng: np.random.Generator) -> None:
    """Train the second network on the first one's depths: which chains lie nearer to the truth when they are mirrored.

    A chain counts by how much that matters, mm: hardly where it lies in the plane of the image.
    """
    seen = _blur(_see(views)[0], config.noise, rng)
    wished = rng.random((len(views), len(CHAINS))) < 0.5
    with torch.no_grad():
        usual = torch.cat([lifter.infer_usual(rows) for rows in seen.split(_CHUNK)])

    def examine(first: int) -> tuple[Tensor, Tensor, Tensor]:
        rows = slice(first, first + _CHUNK)
        mirrored, label, told = mirror_told(views[rows], wished[rows], pose)
        return lifter.gather_clues(seen[rows], usual[rows], torch.from_numpy(label)), _see(mirrored)[1], torch.from_numpy(told)

    with ThreadPool(config.threads) as pool:
        parts = list(_track(pool.imap(examine, range(0, len(views), _CHUNK)), "gather clues", -(-len(views) // _CHUNK)))
    clue, depth, told = (torch.cat(part) for part in zip(*parts, strict=True))
    gain = _gain(usual, depth) / SCALE_DEPTH
    weight = gain.abs() * torch.where(told, TOLD, 1.0)

    def misjudge(rows: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(doubt(clue[rows]), (gain[rows] > 0).float(), weight[rows])

    _fit(doubt, misjudge, len(views), config, rng)


def _gain(usual: Tensor, depth: Tensor) -> Tensor:
    """By how much nearer each chain of the usual depths lies to the true ones (B, 17) when it is mirrored, (B, 4) mm, mean over its joints."""
    mirrored = mirror_depth(usual, torch.ones(len(usual), len(CHAINS)))
    return chain_means((usual - depth).abs() - (mirrored - depth).abs())


def _fit(network: Residual, loss_of: Callable[[Tensor], Tensor], count: int, config: TrainLifterConfig, rng: np.random.Generator) -> None:
    """Train on random rows out of `count`; raise UserError where the loss is not finite."""
    optimiser = AdamW(network.parameters(), config.lr, betas=_BETAS, weight_decay=config.weight_decay)
    fall = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.lr, config.steps)
    for _ in _track(range(config.steps), "train_lifter", config.steps):
        loss = loss_of(torch.from_numpy(rng.integers(0, count, config.batch_size)))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        fall.step()
    if not torch.isfinite(loss):
        raise UserError(f"the loss of the lifter is {loss.item()}; lower train_lifter.lr")


def make_views(pose_3d: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(M, 17, 3) float64, mm, camera frame: M <= `count` of the poses (N, 17, 3), turned, tilted, and mirrored left to right or not. Those that
    come too near the camera are left out.
    """
    poses = pose_3d[rng.integers(0, len(pose_3d), count)].astype(np.float64)
    hips = poses[:, :1].copy()
    poses = turn(poses - hips, rng.uniform(-np.pi, np.pi, count), rng.normal(0, TILT, count)) + hips
    flipped = rng.random(count) < 0.5
    poses[flipped] = poses[flipped][:, H36M_17.flip] * (-1, 1, 1)
    return poses[poses[..., 2].min(axis=1) > NEAREST]


def mirror_told(views: np.ndarray, wished: np.ndarray, pose: PoseConfig) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The poses (N, 17, 3) with the `wished` chains (N, 4) bool mirrored in depth whose labels say so, one after the other.

    A chain's labels say which way it lies where they change when it is mirrored. Returned are also the labels, (N, 8) int8, and of which chains they
    say it in the end, (N, 4) bool.
    """
    views, told = views.copy(), np.zeros(wished.shape, bool)
    label = label_limbs(views, pose.torso_thickness, pose.limb_radius)
    for chain in range(len(CHAINS)):
        rows = np.flatnonzero(wished[:, chain])
        mirrored, other, differ = _mirror(views[rows], label[rows], chain, pose)
        views[rows[differ]], label[rows[differ]] = mirrored[differ], other[differ]
    for chain in range(len(CHAINS)):
        told[:, chain] = _mirror(views, label, chain, pose)[2]
    return views, label, told


def _mirror(views: np.ndarray, label: np.ndarray, chain: int, pose: PoseConfig) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Poses (N, 17, 3) with a chain mirrored, their labels, and whether that changes the chain's: not where it comes too near the camera."""
    mirrored, other = mirror_chain(views, chain), label.copy()
    far = mirrored[..., 2].min(axis=1) > NEAREST
    other[far] = label_limbs(mirrored[far], pose.torso_thickness, pose.limb_radius)
    return mirrored, other, labels_differ(label, other, np.full(len(label), chain))


def turn(pose: np.ndarray, angle: np.ndarray, tilt: np.ndarray) -> np.ndarray:
    """Turn poses (N, 17, 3) about the camera's y axis by `angle` (N,), then about its x axis by `tilt` (N,), radians."""
    x, y, z = np.moveaxis(pose, -1, 0)
    (c, s), (d, t) = ((np.cos(a)[:, None], np.sin(a)[:, None]) for a in (angle, tilt))
    x, z = c * x + s * z, c * z - s * x
    return np.stack([x, d * y - t * z, t * y + d * z], axis=-1)


def _see(views: np.ndarray) -> tuple[Tensor, Tensor]:
    """Joints in an image of focal length 1000 px, (N, 17, 2) float32, and their depths from the hips, (N, 17) float32 mm."""
    pose_2d = 1000 * views[..., :2] / views[..., 2:]
    return torch.from_numpy(pose_2d.astype(np.float32)), torch.from_numpy((views[..., 2] - views[:, :1, 2]).astype(np.float32))


def _blur(pose_2d: Tensor, noise: float, rng: np.random.Generator) -> Tensor:
    """Joints that are a little off, by `noise` shares of the body's extent, and now and then missing."""
    extent = pose_2d.amax(dim=1, keepdim=True) - pose_2d.amin(dim=1, keepdim=True)
    moved = pose_2d + torch.from_numpy(rng.normal(0, noise, pose_2d.shape).astype(np.float32)) * extent.amax(dim=2, keepdim=True)
    missing = (rng.random((len(moved), 1)) < MISSING) & (rng.random(moved.shape[:2]) < MISSING)
    return moved.masked_fill(torch.from_numpy(missing)[..., None], torch.nan)


def _track(steps: Iterable[T], name: str, total: int) -> Iterable[T]:
    console = Console(stderr=True)
    return track(steps, name, total, console=console, disable=not console.is_terminal)
