"""The layout of a Pose2Sim session: one folder of calibration, and trials with `videos/`, `pose-3d/` and folders of 2D keypoints.

    Session/Calibration/*.toml
    Session/[Participant/]Trial/videos/cam01.mp4 ...
    Session/[Participant/]Trial/pose-3d/Trial_P1_0-99_filt_butterworth.trc ...
    Session/[Participant/]Trial/pose[-sync|-associated]/cam01_json/*.json ...

A session of one trial may have the trial's folders itself. Of the poses of one person in a trial the filtered ones are taken.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from pipeline.datasets.recordings.recording import Session, Trial
from pipeline.utils.files import file_hash

POSES, VIDEOS = "pose-3d", "videos"
KEYPOINTS = ("pose-associated", "pose-sync", "pose")  # the last step that was made comes first
_DEPTH = 3  # folders below the session


def find_pose2sim(folder: Path, suffix: str) -> Session | None:
    """The session in a folder whose poses are files that end in `suffix`; None where there is no such folder of poses."""
    found = [path.parent for depth in range(_DEPTH) for path in sorted(folder.glob("*/" * depth + POSES)) if path.is_dir()]
    if not any(_files(trial / POSES, suffix) for trial in found):
        return None
    places = [path for path in sorted(folder.iterdir()) if "calib" in path.name.lower()]
    calibrations = [path for place in places for path in ([place] if place.suffix == ".toml" else sorted(place.glob("*.toml")))]
    return Session(tuple(calibrations), tuple(_trial(folder, trial, suffix) for trial in found))


def _files(folder: Path, suffix: str) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() == suffix and not path.name.startswith("."))


def _trial(session: Path, folder: Path, suffix: str) -> Trial:
    people: dict[str, list[Path]] = defaultdict(list)
    for path in _files(folder / POSES, suffix):
        people[_person(path)].append(path)
    keypoints = next((folder / name for name in KEYPOINTS if (folder / name).is_dir()), None)
    group = folder.parent.name if folder.parent not in (session, session.parent) else ""
    poses = {person: _likely(files) for person, files in sorted(people.items())}
    return Trial(folder.resolve().name, poses, folder / VIDEOS, group, keypoints, _shifts(folder))


def _person(path: Path) -> str:
    """`P2` of `Trial_1_P2_0-99.trc`, which Pose2Sim writes where it was told that there are several people."""
    person = re.search(r"_(P[0-9]+)_[0-9]+-[0-9]+", path.stem)
    return person[1] if person else ""


def _likely(files: list[Path]) -> tuple[Path, ...]:
    """Of the poses of one person those that were filtered, where there are any, and never the markers that a network made up of them."""
    measured = [path for path in files if "LSTM" not in path.stem]
    return tuple([path for path in measured if "_filt" in path.stem] or measured)


def _shifts(folder: Path) -> Mapping[str, int | None]:
    """By how many frames each camera's video is late, where Pose2Sim has synchronised keypoints and left the videos as they were.

    It copies the files of 2D keypoints under other numbers, so a file that has the same content tells the shift.
    """
    synchronised, recorded = folder / "pose-sync", folder / "pose"
    if not synchronised.is_dir():
        return {}
    folders = [folder for folder in sorted(synchronised.iterdir()) if folder.is_dir()]
    return {folder.name.removesuffix("_json"): _shift(folder, recorded / folder.name) for folder in folders}


def _shift(synchronised: Path, recorded: Path) -> int | None:
    """The shift of one camera, from the first file whose content stands only once in its folder of recorded keypoints; None where there is none."""
    numbers = defaultdict(list)
    for path in recorded.glob("*.json"):
        numbers[file_hash(path)].append(frame_number(path))
    for path in sorted(synchronised.glob("*.json"), key=frame_number):
        same = numbers[file_hash(path)]
        if len(same) == 1:
            return same[0] - frame_number(path)
    return None


def frame_number(path: Path) -> int:
    """The last number in the name of a file of keypoints, -1 where there is none."""
    numbers = re.findall(r"[0-9]+", path.stem)
    return int(numbers[-1]) if numbers else -1
