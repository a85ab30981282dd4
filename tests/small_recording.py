"""The smallest data folder that has every trap of the real one."""

from pathlib import Path

import cv2
import numpy as np

from pipeline.datasets.human36m.encode import write_video
from pipeline.datasets.human36m.metadata import ACTIONS, FILE_NAME, Metadata, write_metadata
from pipeline.datasets.human36m.writer import to_32_joints, video_path, write_poses
from pipeline.pose.camera import Camera

CAMERA_IDS = ("54138969", "55011271")
POSES = 6
# As in the data set, cameras stop at different times; names as in the data set, with a space, and one the beginning of another.
PREFIXES = {("S1", 9, 1): "Sitting 1", ("S1", 10, 1): "SittingDown 2", ("S9", 9, 1): "Sitting"}


def make_camera(subject: str, number: str) -> Camera:
    i = CAMERA_IDS.index(number)
    R = cv2.Rodrigues(np.array([1.6, 0.1 * i, 0.2 * (subject == "S9")]))[0]
    K = np.array([[130.0 + i, 0, 33.0], [0, 131.0, 32.0 + i], [0, 0, 1]])
    return Camera(K, np.array([-0.2, 0.24, -0.003, -0.0014, -0.001]), R, np.array([100.0 * i, -4000.0, 1500.0]))


def make_metadata() -> Metadata:
    cameras = {(subject, number): make_camera(subject, number) for subject in ("S1", "S9") for number in CAMERA_IDS}
    return Metadata(ACTIONS, PREFIXES, cameras, CAMERA_IDS)


def make_poses(seed: int) -> np.ndarray:
    """Poses (POSES, 17, 3) in mm, world frame, about where a person stands."""
    rng = np.random.default_rng(seed)
    return (rng.uniform(-400, 400, (POSES, 17, 3)) + np.array([0, 0, 900])).astype(np.float32)


def pictures(count: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (8, 8, 3), np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    return [np.roll(blocks, 2 * i, axis=1) for i in range(count)]


def write_recording(folder: Path) -> None:
    """Two subjects, three sequences, two cameras, 6 poses, videos of 7 and 8 frames of 64 x 64 px at 50 Hz."""
    metadata = make_metadata()
    write_metadata(folder / FILE_NAME, metadata)
    for seed, ((subject, _, _), prefix) in enumerate(PREFIXES.items()):
        cameras = {number: metadata.cameras[subject, number] for number in CAMERA_IDS}
        write_poses(folder, subject, prefix, to_32_joints(make_poses(seed)), cameras)
        for extra, number in enumerate(CAMERA_IDS, start=1):
            write_video(video_path(folder, subject, prefix, number), pictures(POSES + extra, seed), 50, 20)
