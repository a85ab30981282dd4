"""The ceiling: what can be known of a target from its source, whoever paints.

It is told the target's true image, and the true depths of the joints of source and target, and with them which part is in front at each pixel. It
hands back the true image but for the spots of the person that the source does not show. There it has what the source tells of them: the mean of
what it shows of the part at that length, else of the whole part, else of the same part on the other side of the body, as in the warped source
(`pose/bodies/warp.py`); mid-grey where it shows neither.

A spot is shown where the source has the same part in front, as far along its axis and as far across. From which side a camera looks at a part is
not asked: the back of a head shows the face. What lies beside the parts, the background and a rim of clothes and hair, is the truth's. So the
ceiling is high rather than low. What it lacks of the truth no model can know; what a model lacks of the ceiling, it could.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from pipeline.evaluation.scores.depth import clear_pixels
from pipeline.inference.batched import BatchedGenerator, Measured
from pipeline.pose.bodies.body import Body, measure
from pipeline.pose.bodies.depth_layers import make_depth_layers
from pipeline.pose.bodies.parts import BACKGROUND
from pipeline.pose.bodies.warp import SPOT, Source, warp_parts
from pipeline.pose.conditioning import WARP_CHANNELS
from pipeline.pose.skeleton import LIMBS
from pipeline.utils.tensors import to_uint8

OUTSIDE = -1.0  # of a field: nothing is there


@torch.no_grad()
def paint_pair_ceilings(batched: BatchedGenerator, measured: Measured) -> Tensor:
    """The ceiling of a batch of pairs, (N, 3, H, W) uint8, in main memory."""
    task = measured.task
    target, *sources = _true_parts(batched, np.concatenate([task.target, *task.pictures])).split(len(task))
    truth = batched.images(task.target).to(batched.device)
    return _cover(measured, sources, (target, torch.zeros_like(target)), (truth, truth))[0].cpu()


@torch.no_grad()
def paint_twin_ceilings(batched: BatchedGenerator, measured: Measured, pose_3d: np.ndarray, truths: np.ndarray) -> Tensor:
    """The ceilings of a batch of twins, originals and twins, (M, 2, 3, H, W) uint8, in main memory.

    They are judged where their truths differ clearly; everywhere else they are the truth.

    measured : with the twins' or the originals' labels; pose_3d : (M, 17, 3) mm, of the twins; truths : (M, 2, H, W, 3) uint8
    """
    task = measured.task
    judged = torch.from_numpy(clear_pixels(truths[:, 0], truths[:, 1])).to(batched.device)
    body = replace(measured.target, field=measured.target.field.masked_fill(~judged, OUTSIDE))
    layers = [_front_parts(body, pose) for pose in (batched.pack.pose_3d[task.target], pose_3d)]
    images = torch.from_numpy(truths).to(batched.device).permute(1, 0, 4, 2, 3)  # (2, M, 3, H, W)
    sources = _true_parts(batched, np.concatenate(task.pictures)).split(len(task))
    return torch.stack(_cover(measured, sources, layers, tuple(images)), dim=1).cpu()


def _cover(measured: Measured, shown: Sequence[Tensor], layers: Sequence[Tensor], truths: Sequence[Tensor]) -> list[Tensor]:
    """Two true images (N, 3, H, W) uint8 of the targets, with what the sources tell of the spots of their parts that they do not show.

    shown : (N, H, W) each, the sources' front parts; layers : those of the two targets
    """
    pictures = [(measured.image, measured.source), *(one[:2] for one in measured.further)]
    sources = [Source(*picture, parts) for picture, parts in zip(pictures, shown, strict=True)]
    warped = warp_parts(sources, measured.target, layers).split(WARP_CHANNELS // 2, dim=1)
    covered = []
    for layer, truth, told in zip(layers, truths, warped, strict=True):
        hidden = (layer != BACKGROUND)[:, None] & (told[:, 3:] < SPOT)
        covered.append(torch.where(hidden, to_uint8(told[:, :3]), truth))
    return covered


def _true_parts(batched: BatchedGenerator, rows: np.ndarray) -> Tensor:
    """The front parts of rows of the pack, (N, H, W); each row is measured once, however often it comes."""
    pack = batched.pack
    once, back = np.unique(rows, return_inverse=True)
    body = measure(torch.from_numpy(pack.pose_2d[once]).to(batched.device), batched.size)
    return _front_parts(body, pack.pose_3d[once])[torch.from_numpy(back).to(batched.device)]


def _front_parts(body: Body, pose_3d: np.ndarray) -> Tensor:
    """The part map (N, H, W) of bodies whose joints lie at the true depths; pose_3d : (N, 17, 3) mm, camera frame."""
    depth = torch.from_numpy(pose_3d[..., 2] - pose_3d[:, :1, 2]).to(body.field.device)
    return make_depth_layers(body, depth, depth.new_zeros(len(depth), len(LIMBS))).front
