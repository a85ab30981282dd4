"""What a format of recordings gives: where its files lie, and the markers in a file of poses. Everything after that is shared.

A new format is a folder with a `Format`, and its line in `formats.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Trial:
    """The files of one take.

    name : what it is called; what is left of it by `safe_name` begins the names of its files
    group : whoever the trial is of, a participant's folder; empty where the session has no such folders
    poses : who is seen (`P1`, ...; empty where there is one person), and the files that may hold their 3D poses: it should be one
    videos : the folder of its videos, one per camera
    keypoints : the folder of 2D keypoints, a folder of OpenPose's JSON files per camera; None where there are none. Files are numbered as the frames
        of the video, or, where there are shifts, as those of the poses
    shifts : by the name of a camera or its video, how many frames later the video shows what the poses' frame of the same number holds, None where
        nothing says it; empty where videos and poses are in step
    """

    name: str
    poses: Mapping[str, tuple[Path, ...]]
    videos: Path
    group: str = ""
    keypoints: Path | None = None
    shifts: Mapping[str, int | None] = field(default_factory=dict)

    def shift(self, camera: str, video: str) -> int | None:
        """By how many frames the video of that name is late; None where the files do not say it."""
        return self.shifts.get(camera, self.shifts.get(video))


@dataclass(frozen=True)
class Session:
    """Trials that were filmed by the same cameras. calibrations : the files that may say where they stood: it should be one."""

    calibrations: tuple[Path, ...]
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Markers:
    """3D positions as a file has them, with its own names, unit and axes.

    where : the file, for messages
    names : of the markers; empty where the file has none, and their order says what they are (`joint_names.py`)
    positions : (T, M, 3) float64, NaN where a marker was not seen
    rate : frames per second, None where the file does not say it
    first : number of the first frame, counted from 0 as the frames of a video are
    """

    where: str
    names: tuple[str, ...]
    positions: np.ndarray
    rate: float | None = None
    first: int = 0


@dataclass(frozen=True)
class Format:
    """A kind of recording.

    name : the word of `--format`
    about : what is read, in a line
    find : the session in a folder; None where the folder has another layout. It looks at names alone: what is missing is said when it is needed
    read : the markers in a file of poses
    suffix : how names of such files end
    axes : how the axes of the poses usually lie in the room of the cameras, a word of `room.AXES`
    """

    name: str
    about: str
    find: Callable[[Path], Session | None]
    read: Callable[[Path], Markers]
    suffix: str
    axes: str
