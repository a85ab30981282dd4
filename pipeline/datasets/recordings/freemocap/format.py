"""FreeMoCap's recordings: arrays of MediaPipe's landmarks, a calibration by AniPose, and synchronised videos.

    recording/*_camera_calibration.toml
    recording/synchronized_videos/*.mp4
    recording/output_data/raw_data/mediapipe_3dData_numFrames_numTrackedPoints_spatialXYZ.npy

The raw points are in the frame of the cameras. Those beside `raw_data/` are smoothed, but some versions also turn them.
"""

from pathlib import Path

import numpy as np

from pipeline.datasets.recordings.recording import Format, Markers, Session, Trial
from pipeline.utils.errors import UserError
from pipeline.utils.files import file_hash
from pipeline.utils.numbers import check_numbers

VIDEOS, POSES = "synchronized_videos", "output_data"
_RAW = "raw_data/*3dData_numFrames_numTrackedPoints_spatialXYZ.npy"
_BODY = "*_body_3d_xyz.npy"
_MOST = 1e7


def find_freemocap(folder: Path) -> Session | None:
    """The recording in a folder; None where it has not these folders."""
    if not (folder / VIDEOS).is_dir() or not (folder / POSES).is_dir():
        return None
    raw = [path for path in sorted((folder / POSES).glob(_RAW)) if not path.name.startswith("reprojection_filtered")]
    poses = tuple(raw or sorted((folder / POSES).glob(_BODY)))
    return Session(tuple(sorted(folder.glob("*calibration*.toml"))), (Trial(folder.resolve().name, {"": poses}, folder / VIDEOS),))


def read_npy(path: Path) -> Markers:
    """The points of an array (T, M, 3); raise UserError where it is missing, damaged, empty or has another shape."""
    if not path.is_file():
        raise UserError(f"{path}: not found; expected 3D poses, an array (frames, points, 3)")
    file_hash(path)  # raises MachineError where not the file is at fault
    try:
        positions = np.asarray(np.load(path, allow_pickle=False), np.float64)
    except Exception as error:  # a damaged header makes the library raise what reading code raises
        found = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path}: expected an array of NumPy (.npy), found {found}; process the recording again") from error
    if positions.ndim != 3 or positions.shape[2] != 3 or not len(positions):
        raise UserError(f"{path}: expected an array (frames, points, 3), found {positions.shape}; name the right one by --poses")
    check_numbers(positions, _MOST, str(path), "coordinates", missing=True)
    positions[~np.isfinite(positions).all(axis=-1) | (positions == 0).all(axis=-1)] = np.nan
    return Markers(str(path), (), positions)


FREEMOCAP = Format(
    name="freemocap",
    about="a FreeMoCap recording (*_camera_calibration.toml, output_data/ and synchronized_videos/)",
    find=find_freemocap,
    read=read_npy,
    suffix=".npy",
    axes="same",
)
