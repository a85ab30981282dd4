"""The motion of a recording in Human3.6M's layout: one sequence as one camera sees it, labelled from 3D by the rule of the stage `project`."""

from pathlib import Path

import numpy as np

from pipeline.config.pose import PoseConfig
from pipeline.datasets.human36m.cdf import read_pose
from pipeline.datasets.human36m.layout import CAMERA, Layout, find_layout
from pipeline.datasets.human36m.metadata import FILE_NAME, Metadata, read_metadata
from pipeline.datasets.human36m.probe import probe_video
from pipeline.motion.motion import Film, Motion, Space, as_rate
from pipeline.motion.steady import steady_labels
from pipeline.pose.bodies.pose_space import labels_of_shares, limb_shares
from pipeline.pose.camera import Camera
from pipeline.pose.skeleton import H36M_32_TO_17
from pipeline.utils.errors import UserError, shown
from pipeline.utils.numbers import MOST_PX, check_numbers

RATE = 50  # frames per second of Human3.6M, where there is no video to tell


def read_recording(root: Path, sequence: str, camera: str, rule: PoseConfig, steady: bool = True) -> Motion:
    """The motion of `sequence`, such as `S9/Walking 1`; its film is the video of that camera, where it is there.

    steady : whether labels that are in doubt keep their side (`steady.steady_labels`), else each frame is labelled on its own
    Raises UserError where the recording has no such sequence or camera, or where a file of it is damaged.
    """
    metadata = read_metadata(root)
    subject, prefix = _find(root, metadata, sequence)
    calibration = _calibration(root, metadata, subject, camera)
    layout = find_layout(root / subject)
    where = f"{root}: {subject}/{prefix}, camera {camera}"
    pose_3d = _poses(layout, prefix, camera, calibration).astype(np.float32)
    film, fps = None, float(RATE)
    path = layout.video(prefix, camera)
    if path.exists():
        video = probe_video(path, needed=len(pose_3d))
        pose_3d, fps = pose_3d[: video.frames], video.fps
        film = Film(path, range(len(pose_3d)), (video.width, video.height))
    try:
        shares = limb_shares(pose_3d, rule.torso_thickness, rule.limb_radius)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    label = steady_labels(shares, as_rate(fps)) if steady else labels_of_shares(shares)
    pose_2d = calibration.project(pose_3d)
    check_numbers(pose_2d, MOST_PX, where, "joints in px of the video")
    return Motion(pose_2d.astype(np.float32), label, as_rate(fps), film, Space(pose_3d, calibration))


def _find(root: Path, metadata: Metadata, sequence: str) -> tuple[str, str]:
    """Subject and prefix of a sequence."""
    subject, _, prefix = sequence.partition("/")
    there = [name for (owner, _, _), name in metadata.prefixes.items() if owner == subject]
    if not there:
        raise UserError(f"{root / FILE_NAME}: expected subject {shown(subject)} of --sequence, found {', '.join(metadata.subjects())}")
    if prefix not in there:
        raise UserError(f"{root / FILE_NAME}: expected sequence {shown(prefix)} of {subject}, found {shown(', '.join(there))}; choose one of these")
    return subject, prefix


def _calibration(root: Path, metadata: Metadata, subject: str, camera: str) -> Camera:
    if camera not in metadata.camera_ids:
        raise UserError(f"{root / FILE_NAME}: expected camera {shown(camera)}, found {', '.join(metadata.camera_ids)}; choose one of these")
    if (subject, camera) not in metadata.cameras:
        raise UserError(f"{root / FILE_NAME}: table w0 has no calibration of camera {camera} for {subject}; choose another camera")
    return metadata.cameras[subject, camera]


def _poses(layout: Layout, prefix: str, camera: str, calibration: Camera) -> np.ndarray:
    """(T, 17, 3) mm in the camera's frame."""
    world, own = layout.world_pose(prefix), layout.view_pose(CAMERA, prefix, camera)
    if world.is_file() or not own.is_file():
        return calibration.to_camera(read_pose(world, 3)[:, H36M_32_TO_17])
    return read_pose(own, 3)[:, H36M_32_TO_17]
