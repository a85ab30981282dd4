"""`truth.h5`, the sidecar of invented data: who is seen, labels of the renderer, twins. Read, and believed only where it fits the recordings.

Group `sequences/<sequence>` has the attribute `identity`, and per camera a group: `label` (T, 8) in -1, 0, 1; `clear` (T, 8) bool; `twins` with
`frame` and `chain` (m,), `pose_3d` (m, 17, 3) mm in the camera's frame, and `image` (m,), bytes of PNG files.
"""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from pipeline.datasets.human36m.names import text_fault
from pipeline.pose.skeleton import CHAINS, H36M_17, LIMBS
from pipeline.utils.errors import UserError, shown
from pipeline.utils.hdf5 import BYTES, NUMBER, TRUTH, WHOLE, Damaged, check_range, find_dataset, open_hdf5, read_dataset
from pipeline.utils.numbers import MOST_MM


@dataclass(frozen=True)
class Labels:
    """What the renderer knows about each pose of a view: label (T, 8) int8, and clear (T, 8) bool, whether it is beyond doubt."""

    label: np.ndarray
    clear: np.ndarray


@dataclass(frozen=True)
class TwinPoses:
    """frame (m,), index of the original's pose; chain (m,), position in `skeleton.CHAINS`; pose_3d (m, 17, 3) mm, camera frame."""

    frame: np.ndarray
    chain: np.ndarray
    pose_3d: np.ndarray


@contextmanager
def open_truth(path: Path) -> Iterator[h5py.Group]:
    """Yield the group `sequences` of a sidecar; raise UserError where the file is damaged, or where the block finds that it is."""
    with open_hdf5(path, "the truth of the built-in data", "synthesize") as file:
        if not isinstance(file.get("sequences"), h5py.Group):
            raise Damaged("and in it `sequences`, found nothing")
        yield file["sequences"]


def read_identities(path: Path, subject: str) -> dict[str, str]:
    """Who is seen in each sequence; raise UserError where the file is damaged, or the truth about another subject than `subject`."""
    with open_truth(path) as sequences:
        identities = {name: _identity(name, group) for name, group in sequences.items()}
    for name, identity in identities.items():
        known = re.fullmatch(r"(S[1-9][0-9]*)-[0-9]+", identity)
        if known and known[1] != subject:
            raise UserError(f"{path}: expected the truth about {subject}, found that about {known[1]} ({name}: {identity}); put each at its place")
    return identities


def _identity(name: str, group: object) -> str:
    identity = group.attrs.get("identity") if isinstance(group, h5py.Group) else None
    if not isinstance(identity, str) or text_fault(identity):
        raise Damaged(f"and in it the attribute `identity` of each sequence, found {shown(str(identity))} at {shown(name)}")
    return identity


def read_labels(group: h5py.Group, poses: int) -> Labels:
    """The labels of a view's group, of all its `poses`, inside `open_truth`."""
    if not isinstance(group, h5py.Group):
        raise Damaged(f"and in it the group `{group.name}`, found something else")
    label = read_dataset(group, "label", (None, len(LIMBS)), WHOLE)
    if len(label) != poses:
        raise Damaged(f"and in `{group.name}` labels of {poses} poses, found {len(label)}")
    check_range(label, -1, 1, f"{group.name}/label")
    return Labels(label.astype(np.int8), read_dataset(group, "clear", label.shape, TRUTH))


def read_twins(group: h5py.Group, poses: int) -> TwinPoses | None:
    """The twins of a view's group, of some of its `poses`, inside `open_truth`; None where it has none."""
    if "twins" not in group:
        return None
    twins = group["twins"]
    if not isinstance(twins, h5py.Group):
        raise Damaged(f"and in it the group `{group.name}/twins`, found something else")
    frame = read_dataset(twins, "frame", (None,), WHOLE)
    chain = read_dataset(twins, "chain", frame.shape, WHOLE)
    pose_3d = read_dataset(twins, "pose_3d", (*frame.shape, len(H36M_17), 3), NUMBER)
    check_range(frame, 0, poses - 1, f"{twins.name}/frame")
    check_range(chain, 0, len(CHAINS) - 1, f"{twins.name}/chain")
    check_range(pose_3d, -MOST_MM, MOST_MM, f"{twins.name}/pose_3d")
    if len(set(zip(frame.tolist(), chain.tolist(), strict=True))) < len(frame):
        raise Damaged(f"and in it each twin of `{twins.name}` once, found one twice")
    return TwinPoses(frame, chain, pose_3d)


def find_images(group: h5py.Group, wanted: Collection[tuple[int, int]]) -> dict[tuple[int, int], np.ndarray]:
    """The bytes (n,) uint8 of the pictures of a view's twins, by frame and chain: those of `wanted` that its group has, inside `open_truth`."""
    frame = read_dataset(group, "twins/frame", (None,), WHOLE)
    chain = read_dataset(group, "twins/chain", frame.shape, WHOLE)
    image = find_dataset(group, "twins/image", frame.shape, BYTES)
    return {key: image[row] for row, key in enumerate(zip(frame.tolist(), chain.tolist(), strict=True)) if key in wanted}
