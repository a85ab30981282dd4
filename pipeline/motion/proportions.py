"""Proportions: a motion of somebody else, with the bones of the person in the picture.

A picture shows no lengths: a limb that points to the camera looks short. How far the ends of each bone are apart in depth says the 3D pose, where it
is known, else the lifter, of which a bone in the picture's plane needs least and is therefore believed most. Both people are measured so, each bone
once: by the median over the frames, the two sides of a body together. Only the proportions count, for how large a person is no picture says.

The ratio of each bone to the same bone of the other person is thus one number for all frames. Every bone keeps its direction in 3D and takes the new
length, from the hips outward, which a recording's own camera then sees. Where no camera is known rays are taken to be parallel, and a bone in the
picture is stretched as it is in the room. Noise in depth cannot make bones pulse, for depth decides nothing frame by frame.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from pipeline.networks.lifter import Lifter, place_joints
from pipeline.pose.bodies.scale import body_scale
from pipeline.pose.pose_file import LabelledPose
from pipeline.pose.skeleton import H36M_17
from pipeline.utils.errors import UserError

if TYPE_CHECKING:
    from pipeline.motion.motion import Motion, Space

# Standard deviations of a joint, mm, across the view and along it: from a 3D pose; from the picture and a lifter's depth, where they were chosen on
# invented people whom the lifter was not trained on.
FROM_3D, FROM_2D = (5.0, 5.0), (10.0, 60.0)
SPREAD = 0.03  # by how much the proportions of two adults differ, the standard deviation of a bone's logarithm, where measures do not say more
MOST = 0.3  # the logarithm by which a bone may become longer or shorter at most
SAME = 0.02  # how far the joints of two poses may be apart that are the same, as a share of how far they are from their middle
NEAREST = 500.0  # mm before the camera
MOST_MEASURED = 500  # frames of a motion

_PARENTS = np.array(H36M_17.parents[1:])  # where the 16 bones begin; they end at the joints but the first
_MIRRORED = np.array(H36M_17.flip[1:]) - 1  # the same bones of the other side
_LEGS = [H36M_17.index(f"{side}_{joint}") - 1 for side in ("right", "left") for joint in ("knee", "ankle")]
_ANKLES = [H36M_17.index(f"{side}_ankle") for side in ("right", "left")]
# Where the hips are unknown, whatever is first known of these stands for them.
_INSTEAD_OF_HIPS = (*([H36M_17.index(name) for name in names] for names in (("right_hip", "left_hip"), ("spine",), ("thorax",))), range(len(H36M_17)))
_UP_IN_PICTURE, _UP_IN_WORLD = np.array([0.0, -1.0]), np.array([0.0, 0.0, 1.0])


class Bones(NamedTuple):
    """What is known of somebody's bones: the logarithms of their lengths in mm, (16,), and one over the variance of each, (16,), 0: nothing."""

    log_length: np.ndarray
    weight: np.ndarray


def fit_motion(motion: "Motion", sources: Sequence[LabelledPose], lifter: object, keep: bool | None) -> "Motion":
    """A motion as somebody is painted in it; the very same one where that has the motion's own proportions.

    sources : the person's poses in pictures, at least one; lifter : of the weights that paint
    keep : whether the person keeps the own proportions; None: if weights have a lifter, and the motion is not the person's own (`is_own`)
    Raises UserError where proportions shall be kept and the weights have no lifter.
    """
    if keep is None:
        keep = isinstance(lifter, Lifter) and not any(is_own(motion, source) for source in sources)
    if not keep:
        return motion
    ratio = bone_ratios(_bones_of_person(sources, lifter), bones_of_motion(motion, needed(lifter)))
    return motion if (ratio == 1).all() else stretch_motion(motion, ratio)


def fit_pose(target: LabelledPose, sources: Sequence[LabelledPose], lifter: object) -> LabelledPose:
    """The pose `target` with the proportions of the person in the poses `sources`; raises UserError without any, and where weights have no lifter."""
    if not sources:
        raise UserError("--keep-proportions: expected --source-pose, the pose of the person in the picture, found none; give it")
    ratio = bone_ratios(_bones_of_person(sources, lifter), bones_of_pose(target.pose_2d[None], needed(lifter)))
    return replace(target, pose_2d=stretch(target.pose_2d[None], ratio, _UP_IN_PICTURE)[0])


def _bones_of_person(sources: Sequence[LabelledPose], lifter: object) -> Bones:
    return bones_of_pose(np.stack([source.pose_2d for source in sources]), needed(lifter))


def needed(lifter: object) -> Lifter:
    """The lifter, without which lengths are unknown."""
    if isinstance(lifter, Lifter):
        return lifter
    raise UserError("--keep-proportions: expected weights with a lifter (pose.lift: true), which says how long foreshortened bones are, found none")


def is_own(motion: "Motion", source: LabelledPose) -> bool:
    """Whether the motion is that of the person in the picture, as far as poses say: one of its frames is the pose `source`, at any place and size."""
    known = ~np.isnan(source.pose_2d[:, 0])
    pose, own = motion.pose_2d[:, known].astype(np.float64), source.pose_2d[known]
    pose, own = pose - pose.mean(axis=1, keepdims=True), own - own.mean(axis=0)
    size, reach = np.linalg.norm(pose, axis=(1, 2)), np.linalg.norm(own)
    apart = np.linalg.norm(pose * reach - own * size[:, None, None], axis=(1, 2))
    return bool((apart < SAME * reach * size).any())


def bones_of_motion(motion: "Motion", lifter: Lifter) -> Bones:
    """The bones of whoever moves: from 3D where it is known."""
    rows = np.linspace(0, len(motion) - 1, min(len(motion), MOST_MEASURED)).astype(int)
    if motion.space is not None:
        return measure_bones(motion.space.pose_3d[rows].astype(np.float64), FROM_3D)
    return bones_of_pose(motion.pose_2d[rows], lifter)


@torch.inference_mode()
def bones_of_pose(pose_2d: np.ndarray, lifter: Lifter) -> Bones:
    """The bones of somebody in the poses (T, 17, 2) px, NaN where a joint is missing; labels, which mirror depths, change no length."""
    pose = torch.from_numpy(pose_2d.astype(np.float32))
    place = torch.cat([place_joints(pose), lifter.infer_prior(pose)[..., None]], dim=-1)
    place[body_scale(pose) <= 0] = torch.nan  # too little is known to say how large the person is
    return measure_bones(place.numpy().astype(np.float64), FROM_2D)


def measure_bones(pose_3d: np.ndarray, error: tuple[float, float]) -> Bones:
    """The bones of somebody in the poses (T, 17, 3) float64 mm, camera frame, NaN where a joint is missing; error : as `FROM_3D`.

    Each is the median over the frames, in which a bone that leans toward the camera weighs less where depth is uncertain, and the mean of both sides.
    """
    bone = pose_3d[:, 1:] - pose_3d[:, _PARENTS]
    length = np.linalg.norm(bone, axis=-1).clip(min=1.0)
    variance = (error[0] ** 2 + (bone[..., 2] / length * error[1]) ** 2) / length**2
    weight = np.nan_to_num(1 / variance)
    log_length = _weighted_median(np.nan_to_num(np.log(length)), weight)
    weight = weight.mean(axis=0)
    both = weight + weight[_MIRRORED]
    total = weight * log_length + (weight * log_length)[_MIRRORED]
    return Bones(np.divide(total, both, out=np.zeros_like(total), where=both > 0), both)


def _weighted_median(value: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The median (N,) of values (T, N) over T, by weights (T, N)."""
    order = value.argsort(axis=0)
    below = np.take_along_axis(weight, order, axis=0).cumsum(axis=0)
    middle = (below >= below[-1] / 2).argmax(axis=0)
    return np.take_along_axis(np.take_along_axis(value, order, axis=0), middle[None], axis=0)[0]


def bone_ratios(source: Bones, other: Bones) -> np.ndarray:
    """How many times as long each bone of somebody is as that of somebody else who is as large, (16,).

    Each is as far from 1 as its measure can be told from chance: the posterior mean of a normal distribution, whose spread the bones themselves say
    (DerSimonian and Laird 1986). A bone of which nothing is known has the other's proportion.
    """
    with np.errstate(divide="ignore"):
        variance = 1 / source.weight + 1 / other.weight
    if not np.isfinite(variance).any():
        return np.ones(len(variance))
    ratio = source.log_length - other.log_length
    spread = max(_spread(ratio, 1 / variance), SPREAD**2)
    weight = 1 / (variance + spread)
    return np.exp((spread * weight * (ratio - _mean(ratio, weight))).clip(-MOST, MOST))


def _spread(value: np.ndarray, weight: np.ndarray) -> float:
    """By how much more than chance the values (N,) differ, whose variances by chance are 1 / weight (N,): a variance, below 0 where by less."""
    chance = np.count_nonzero(weight) - 1
    total = weight.sum()
    return float(((weight * (value - _mean(value, weight)) ** 2).sum() - chance) / max(total - (weight**2).sum() / total, np.finfo(float).tiny))


def _mean(value: np.ndarray, weight: np.ndarray) -> float:
    return float((weight * value).sum() / weight.sum())


def stretch_motion(motion: "Motion", ratio: np.ndarray) -> "Motion":
    """The motion with bones that are `ratio` (16,) times as long: in 3D where it is known, as its camera sees it."""
    if motion.space is None:
        return replace(motion, pose_2d=stretch(motion.pose_2d, ratio, _UP_IN_PICTURE).astype(np.float32))
    space = _stretch_space(motion.space, ratio)
    return replace(motion, pose_2d=space.camera.project(space.pose_3d).astype(np.float32), space=space)


def _stretch_space(space: "Space", ratio: np.ndarray) -> "Space":
    pose_3d = space.camera.to_camera(stretch(space.camera.to_world(space.pose_3d), ratio, _UP_IN_WORLD))
    if pose_3d[..., 2].min() < NEAREST:
        raise UserError("the motion comes so near to its camera that it cannot be given other proportions; give --as-the-motion")
    return replace(space, pose_3d=pose_3d.astype(np.float32))


def stretch(points: np.ndarray, ratio: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Poses (T, 17, D) with bones that are `ratio` (16,) times as long, in the same directions; float64, NaN where a joint is missing.

    The lower foot stays as high, along `up` (D,), as it was in each frame. Aside of that the hips go as far as the legs have become longer, so feet
    that stand do not slide. Where no foot is known the hips are as high between those frames in which one is.
    """
    filled = _fill(points.astype(np.float64))
    moved = np.empty_like(filled)
    middle = filled[:, 0].mean(axis=0)
    moved[:, 0] = middle + ratio[_LEGS].mean() * (filled[:, 0] - middle)
    for joint, parent in enumerate(_PARENTS, start=1):
        moved[:, joint] = moved[:, parent] + ratio[joint - 1] * (filled[:, joint] - filled[:, parent])
    moved[np.isnan(points)] = np.nan
    sunk = _feet(points, up) - _feet(moved, up)
    there = ~np.isnan(sunk)
    if there.any():
        frames = np.arange(len(points))
        moved += np.interp(frames, frames[there], sunk[there])[:, None, None] * up
    return moved


def _feet(points: np.ndarray, up: np.ndarray) -> np.ndarray:
    """How high the lower ankle is in each pose, (T,); NaN where neither is known."""
    height = points[:, _ANKLES] @ up
    return np.fmin(height[:, 0], height[:, 1])


def _fill(points: np.ndarray) -> np.ndarray:
    """Poses (T, 17, D) without gaps: a missing joint is where its parent is, missing hips are where the nearest that is known of the torso is."""
    filled = points.copy()
    for joints in _INSTEAD_OF_HIPS:
        missing = np.isnan(filled[:, 0, 0])
        there = points[missing][:, list(joints)]
        known = ~np.isnan(there[..., :1])
        filled[missing, 0] = np.where(known, there, 0).sum(axis=1) / np.where(known.any(axis=1), known.sum(axis=1), np.nan)
    for joint, parent in enumerate(_PARENTS, start=1):
        missing = np.isnan(filled[:, joint, 0])
        filled[missing, joint] = filled[missing, parent]
    return filled
