"""3D poses of photos, where somebody has them: `.npz` with `name` (N,) and `pose_3d` (N, 17, 3), mm, camera frame, joints of `skeleton.H36M_17`.

They give depth labels by the rule of `pose_space.py` in place of those made by hand, or as a first guess for the hand.
"""

import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pipeline.config.pose import PoseConfig
from pipeline.pose.bodies.pose_space import label_limbs
from pipeline.pose.labels import Labels
from pipeline.pose.skeleton import H36M_17
from pipeline.utils.errors import UserError, printable
from pipeline.utils.files import atomic_file, machine_faults
from pipeline.utils.numbers import MOST_MM, check_numbers

_DAMAGED = (  # what NumPy and zipfile raise on damaged files
    *(KeyError, ValueError, OSError, EOFError, TypeError, AttributeError, OverflowError, MemoryError, RuntimeError, SyntaxError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)


def read_poses_3d(path: Path) -> dict[str, np.ndarray]:
    """Read 3D poses, name -> (17, 3) float32 mm; raise UserError where the file is missing, damaged or of another form."""
    try:
        if path.exists() and not path.is_file():
            raise UserError(f"{path}: expected a file of 3D poses, found a folder or a device")
        with machine_faults(path), path.open("rb") as content, np.load(content, allow_pickle=False) as file:
            name, pose_3d = file["name"], file["pose_3d"]
    except FileNotFoundError:
        raise UserError(f"{path}: not found; expected a file of 3D poses") from None
    except _DAMAGED as error:
        raise UserError(f"{path}: expected `name` and `pose_3d` in an .npz file, {printable(str(error), 80) or 'found a damaged one'}") from None
    if name.ndim != 1 or name.dtype.kind != "U" or pose_3d.dtype.kind not in "fiu" or pose_3d.shape != (len(name), len(H36M_17), 3):
        found = f"`name` {name.shape} {name.dtype}, `pose_3d` {pose_3d.shape} {pose_3d.dtype}"
        raise UserError(f"{path}: expected `name` (N,) text, `pose_3d` ({len(name) if name.ndim else 'N'}, {len(H36M_17)}, 3) numbers, found {found}")
    check_numbers(pose_3d, MOST_MM, str(path), "pose_3d, mm,")
    poses = dict(zip(name.tolist(), pose_3d.astype(np.float32), strict=True))
    if len(poses) < len(name):
        raise UserError(f"{path}: expected each picture once, found {len(name) - len(poses)} of them again")
    return poses


def write_poses_3d(path: Path, poses: Mapping[str, np.ndarray]) -> None:
    """Write 3D poses, name -> (17, 3) mm, sorted by name; the same poses give the same bytes."""
    names = sorted(poses)
    with atomic_file(path) as partial:
        np.savez(partial, name=np.array(names), pose_3d=np.array([poses[name] for name in names], np.float32).reshape(-1, len(H36M_17), 3))


def label_poses(poses: Mapping[str, np.ndarray], pose: PoseConfig) -> dict[str, Labels]:
    """The labels of 3D poses by the rule; raise UserError where one is not finite or not before the camera."""
    if not poses:
        return {}
    labels = label_limbs(np.stack(list(poses.values())), pose.torso_thickness, pose.limb_radius)
    return {name: tuple(row) for name, row in zip(poses, labels.tolist(), strict=True)}
