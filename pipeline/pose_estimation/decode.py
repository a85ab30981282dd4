"""From maps to people: peaks of the confidence maps, joined along the part affinity fields.

For each bone every peak of its one joint is weighed against every peak of the other by the line integral of the field between them, and the
best matching is taken (bipartite, by the Hungarian algorithm; OpenPose's own code takes pairs greedily). The bones are a tree, so the peaks that
hang together are a person with each joint once at most.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from pipeline.networks.openpose import bones
from pipeline.pose_estimation.peaks import enlarge, find_peaks

SAMPLES = 10  # points of a line integral
ALONG, ENOUGH = 0.05, 0.8  # a bone's field agrees at a point above this, and has to at this share of them
NEAR = 2  # cells; joints that are nearer belong together whatever the field says: so short a bone covers no cell, or one
FEW, POOR = 1 / 3, 0.2  # people with a smaller share of the joints, or a lower mean confidence, are none


@dataclass(frozen=True)
class Person:
    """pose_2d : (J, 2) float32, px, NaN where a joint was not found; score : mean confidence of those that were."""

    pose_2d: np.ndarray
    score: float


def find_people(heat: np.ndarray, paf: np.ndarray, stride: int) -> list[Person]:
    """The people in an image, the surest first; heat : (J + 1, h, w), paf : (2 E, h, w) float32, of cells of `stride` px."""
    joints = len(heat) - 1
    large = enlarge(heat[:-1], stride)
    fields = enlarge(paf, stride)
    peaks = [find_peaks(channel) for channel in large]  # (n, 3) x, y, confidence, each
    links = [_match(peaks[a], peaks[b], fields[2 * i : 2 * i + 2], NEAR * stride) for i, (a, b) in enumerate(bones(joints))]
    people = [_person(peaks, members, joints) for members in _components([len(found) for found in peaks], links, bones(joints))]
    kept = [person for person in people if (~np.isnan(person.pose_2d[:, 0])).mean() >= FEW and person.score >= POOR]
    return sorted(kept, key=lambda person: -person.score)


def _match(first: np.ndarray, second: np.ndarray, field: np.ndarray, near: float) -> list[tuple[int, int]]:
    """Which peak of one joint belongs to which of the other, by the field (2, H, W) of the bone between them, or as they lie within `near` px."""
    if not len(first) or not len(second):
        return []
    start, end = first[:, None, :2], second[None, :, :2]
    nearness = 1 - np.linalg.norm(end - start, axis=-1) / near
    score = np.maximum(_integrals(start, end, field), nearness)
    rows, columns = linear_sum_assignment(-score)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if score[row, column] > 0]


def _integrals(start: np.ndarray, end: np.ndarray, field: np.ndarray) -> np.ndarray:
    """Mean of the field along the lines from `start` (n, 1, 2) to `end` (1, m, 2), (n, m); 0 where it does not run along the line.

    A line that is longer than half the image loses as much as it is longer, as in OpenPose's code.
    """
    height, width = field.shape[1:]
    axis = end - start
    length = np.linalg.norm(axis, axis=-1)
    place = start[..., None, :] + axis[..., None, :] * np.linspace(0, 1, SAMPLES)[:, None]  # (n, m, SAMPLES, 2)
    column = place[..., 0].round().astype(int).clip(0, width - 1)
    row = place[..., 1].round().astype(int).clip(0, height - 1)
    along = (field[0, row, column] * axis[..., :1] + field[1, row, column] * axis[..., 1:]) / np.maximum(length, 1e-6)[..., None]
    mean = along.mean(axis=-1) + np.minimum(height / (2 * np.maximum(length, 1e-6)) - 1, 0)
    return np.where(((along > ALONG).mean(axis=-1) >= ENOUGH) & (mean > 0), mean, 0.0)


def _components(counts: Sequence[int], links: Sequence[Sequence[tuple[int, int]]], tree: Sequence[tuple[int, int]]) -> list[dict[int, int]]:
    """The peaks that hang together, joint -> number of the peak, one dict per person."""
    groups: dict[tuple[int, int], dict[int, int]] = {(joint, peak): {joint: peak} for joint, count in enumerate(counts) for peak in range(count)}
    for (parent, child), pairs in zip(tree, links, strict=True):
        for one, other in pairs:
            joined = groups[parent, one] | groups[child, other]
            groups |= dict.fromkeys(joined.items(), joined)
    return list({id(group): group for group in groups.values()}.values())


def _person(peaks: Sequence[np.ndarray], members: dict[int, int], joints: int) -> Person:
    pose_2d = np.full((joints, 2), np.nan, np.float32)
    for joint, peak in members.items():
        pose_2d[joint] = peaks[joint][peak, :2]
    return Person(pose_2d, float(np.mean([peaks[joint][peak, 2] for joint, peak in members.items()])))
