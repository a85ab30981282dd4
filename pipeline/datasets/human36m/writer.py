"""Write poses in the Human3.6M layout, as downloaded; videos are written by `encode.py`, `metadata.xml` by `metadata.py`."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pipeline.datasets.human36m.cdf import JOINTS, write_pose
from pipeline.datasets.human36m.layout import CAMERA, PIXELS, Layout
from pipeline.pose.camera import Camera
from pipeline.pose.skeleton import H36M_17, H36M_32_TO_17

# Among the 32 joints: those that are copies of another one (copy: original), and those that prolong a limb (joint: (from, through, share)).
_COPIES = {11: 0, 16: 13, 24: 13, 20: 19, 28: 27, 23: 22, 31: 30}
_PROLONGED = {22: (18, 19, 0.4), 21: (18, 19, 0.25), 30: (26, 27, 0.4), 29: (26, 27, 0.25)}
_TOES = {4: (3, 140.0), 5: (3, 200.0), 9: (8, 140.0), 10: (8, 200.0)}  # joint: (ankle, mm forward)
_ANKLE_HEIGHT = 70.0  # mm


def video_path(root: Path, subject: str, prefix: str, camera: str) -> Path:
    """Where the video of a view belongs."""
    return Layout(root / subject).video(prefix, camera)


def truth_path(root: Path, subject: str) -> Path:
    """Where the sidecar of invented data belongs."""
    return Layout(root / subject).truth


def write_poses(root: Path, subject: str, prefix: str, world: np.ndarray, cameras: Mapping[str, Camera]) -> None:
    """Write the poses (T, 32, 3) in mm of a sequence: once in the world's frame, and in mm and in px for each camera (number: Camera)."""
    layout = Layout(root / subject)
    write_pose(layout.world_pose(prefix), world)
    for number, camera in cameras.items():
        seen = camera.to_camera(world)
        write_pose(layout.view_pose(CAMERA, prefix, number), seen)
        write_pose(layout.view_pose(PIXELS, prefix, number), camera.project(seen))


def to_32_joints(pose_17: np.ndarray) -> np.ndarray:
    """Complete the 17 joints (..., 17, 3) in mm, world frame (z up), to the 32 of the data set's files.

    Selecting `H36M_32_TO_17` gives the 17 back exactly. Joints that the data set repeats are repeated; hands prolong the forearm;
    toes point to where the hips face.
    """
    pose = np.zeros((*pose_17.shape[:-2], JOINTS, 3), pose_17.dtype)
    pose[..., H36M_32_TO_17, :] = pose_17
    ahead = _facing(pose_17)
    for toe, (ankle, length) in _TOES.items():
        pose[..., toe, :] = pose[..., ankle, :] + length * ahead - np.array([0, 0, _ANKLE_HEIGHT])
    for end, (start, through, share) in _PROLONGED.items():
        pose[..., end, :] = pose[..., through, :] + share * (pose[..., through, :] - pose[..., start, :])
    for copy, original in _COPIES.items():
        pose[..., copy, :] = pose[..., original, :]
    return pose


def _facing(pose_17: np.ndarray) -> np.ndarray:
    """The level unit vector (..., 3) to which the hips face; zero where they stand one above the other."""
    across = pose_17[..., H36M_17.index("left_hip"), :] - pose_17[..., H36M_17.index("right_hip"), :]
    ahead = np.stack([across[..., 1], -across[..., 0], np.zeros_like(across[..., 0])], axis=-1)
    return ahead / np.maximum(np.linalg.norm(ahead, axis=-1, keepdims=True), 1e-6)
