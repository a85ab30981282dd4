"""How the lifter is trained: on the poses of the training people, seen from all around and with limbs mirrored in depth.

One recording shows few views and one order of the limbs per pose. Depth is known here, so any number of others follow without a picture: the
person turns about the vertical axis, arms and legs are mirrored in depth about the shoulder or hip, and the label rule says what that looks
like. A mirrored chain has the same 2D skeleton; only its labels tell it from the original, so they have to be used.
"""

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor
from torch.optim import AdamW

from pipeline.config.pose import PoseConfig
from pipeline.config.train import TrainLifterConfig
from pipeline.errors import UserError
from pipeline.networks.lifter import SCALE_DEPTH, Lifter
from pipeline.pose_space import label_limbs
from pipeline.skeleton import CHAINS, H36M_17

TILT = 0.1  # standard deviation of the camera's further tilt, radians
MISSING = 0.1  # share of the poses in which each joint is missing with this probability, too
NEAREST = 500.0  # mm; closer to the camera nobody is recorded
_BETAS = (0.9, 0.99)


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
    lifter = Lifter(config.width, config.blocks, pose.depth)
    optimiser = AdamW(lifter.parameters(), config.lr, betas=_BETAS, weight_decay=config.weight_decay)
    fall = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.lr, config.steps)
    views = make_views(pose_3d, config.views, rng)
    if not len(views):
        raise UserError(f"expected poses more than {NEAREST:g} mm before the camera, found none; check the cameras")
    pose_2d, depth = _see(views)
    label = torch.from_numpy(label_limbs(views, pose.torso_thickness, pose.limb_radius))
    console = Console(stderr=True)
    for _ in track(range(config.steps), "train_lifter", console=console, disable=not console.is_terminal):
        rows = torch.from_numpy(rng.integers(0, len(views), config.batch_size))
        loss = (lifter(_blur(pose_2d[rows], config.noise, rng), label[rows]) - depth[rows]).abs().mean() / SCALE_DEPTH
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        fall.step()
    if not torch.isfinite(loss):
        raise UserError(f"the loss of the lifter is {loss.item()}; lower train_lifter.lr")
    return lifter.eval()


def make_views(pose_3d: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(M, 17, 3) float64, mm, camera frame: M <= `count` of the poses (N, 17, 3), turned, tilted, each chain mirrored in depth or not, and
    the whole mirrored left to right or not. Those that come too near the camera are left out.
    """
    poses = pose_3d[rng.integers(0, len(pose_3d), count)].astype(np.float64)
    hips = poses[:, :1].copy()
    poses = turn(poses - hips, rng.uniform(-np.pi, np.pi, count), rng.normal(0, TILT, count)) + hips
    for chain in range(len(CHAINS)):
        chosen = rng.random(count) < 0.5
        poses[chosen] = mirror_chain(poses[chosen], chain)
    flipped = rng.random(count) < 0.5
    poses[flipped] = poses[flipped][:, H36M_17.flip] * (-1, 1, 1)
    return poses[poses[..., 2].min(axis=1) > NEAREST]


def turn(pose: np.ndarray, angle: np.ndarray, tilt: np.ndarray) -> np.ndarray:
    """Turn poses (N, 17, 3) about the camera's y axis by `angle` (N,), then about its x axis by `tilt` (N,), radians."""
    x, y, z = np.moveaxis(pose, -1, 0)
    (c, s), (d, t) = ((np.cos(a)[:, None], np.sin(a)[:, None]) for a in (angle, tilt))
    x, z = c * x + s * z, c * z - s * x
    return np.stack([x, d * y - t * z, t * y + d * z], axis=-1)


def mirror_chain(pose_3d: np.ndarray, chain: int) -> np.ndarray:
    """A copy of the poses (N, 17, 3) with a chain (index in `skeleton.CHAINS`) mirrored in depth about its root joint, joints on their rays."""
    root, *moving = CHAINS[chain]
    depth = pose_3d[:, moving, 2]
    mirrored = 2 * pose_3d[:, [root], 2] - depth
    pose_3d = pose_3d.copy()
    pose_3d[:, moving] *= (mirrored / depth)[..., None]
    return pose_3d


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
