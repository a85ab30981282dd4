"""How far projected joints lie from 2D keypoints that a detector found, where a session has such: OpenPose's JSON files, one per frame."""

import re
from pathlib import Path

import numpy as np

from pipeline.datasets.openpose import read_detections
from pipeline.datasets.recordings.joint_names import BODY_25B, SETS
from pipeline.pose.skeleton import H36M_17

_SEEN = 0.3  # confidence
_MOST_FRAMES = 200  # of a view are looked at, evenly spread


def reprojection_error(folder: Path, numbers: np.ndarray, pose_2d: np.ndarray) -> float | None:
    """Median distance in px of joints (T, 17, 2) from the keypoints in `folder`; None where there are none to compare with.

    numbers : (T,) of the frames, as the names of the files count them. Where several people were found, the nearest one counts.
    """
    files = {_number(path): path for path in folder.glob("*.json")}
    shared = [(i, files[number]) for i, number in enumerate(numbers.tolist()) if number in files]
    chosen = shared[:: max(1, -(-len(shared) // _MOST_FRAMES))]
    found = [(i, [person.points for person in read_detections(path)]) for i, path in chosen]
    counts = {len(person) for _, people in found for person in people}
    errors = [_error(found, pose_2d, joints) for joints in _sets(counts)]
    known = [error for error in errors if error is not None]
    return min(known) if known else None


def _number(path: Path) -> int:
    numbers = re.findall(r"[0-9]+", path.stem)
    return int(numbers[-1]) if numbers else -1


def _sets(counts: set[int]) -> list[tuple[str, ...]]:
    """The joint sets that so many keypoints can be: of 25 there are two."""
    count = counts.pop() if len(counts) == 1 else 0
    return [SETS[count], *([BODY_25B] if count == 25 else [])] if count in SETS else []


def _error(found: list[tuple[int, list[np.ndarray]]], pose_2d: np.ndarray, joints: tuple[str, ...]) -> float | None:
    names = [name for name in H36M_17.names if name in joints]
    theirs, ours = [joints.index(name) for name in names], [H36M_17.index(name) for name in names]
    distances = []
    for frame, people in found:
        offered = [_distances(person[theirs], pose_2d[frame, ours]) for person in people]
        offered = [distance for distance in offered if len(distance)]
        if offered:
            distances.append(min(offered, key=lambda distance: float(np.median(distance))))
    return float(np.median(np.concatenate(distances))) if distances else None


def _distances(person: np.ndarray, pose_2d: np.ndarray) -> np.ndarray:
    seen = person[:, 2] >= _SEEN
    return np.linalg.norm(person[seen, :2] - pose_2d[seen], axis=1)
