"""Manifests: what later stages are to read of a data folder, with content hashes, and what is left out and why."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.datasets.human36m.inspection import PoseFile, Subject, Take, View
from pipeline.utils.errors import UserError
from pipeline.utils.files import write_json


def left_out(subject: Subject) -> list[dict[str, str | None]]:
    """Everything of a subject's folder that is not used: sequence (or file), camera (None for all), reason.

    A video's frames beyond the last pose are not listed: every video of Human3.6M has some.
    """
    excluded = [(sequence, None, reason) for sequence, reason in subject.excluded.items()]
    faults = [(take.prefix, fault.camera, fault.reason) for take in subject.takes for fault in take.faults]
    tails = [(take.prefix, None, _tail(take)) for take in subject.takes if take.poses < take.recorded_poses]
    unknown = [(path, None, "table mapping of metadata.xml does not name this file") for path in subject.unknown]
    entries = [*excluded, *faults, *tails, *unknown]
    return [{"sequence": sequence, "camera": camera, "reason": reason} for sequence, camera, reason in entries]


def _tail(take: Take) -> str:
    shortest = min(take.views, key=take.poses_of).camera
    return f"the last {take.recorded_poses - take.poses} of {take.recorded_poses} poses: camera {shortest} has no frames or no poses for them"


def check_complete(subjects: Sequence[Subject], skip_bad: bool) -> None:
    """Raise UserError where something is missing or cannot be read, unless `skip_bad`; and where nothing of a subject can be used."""
    faults = [fault.reason for subject in subjects for take in subject.takes for fault in take.faults]
    if faults and not skip_bad:
        others = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise UserError(f"{faults[0]}{others}; `pose25d check` lists all, data.skip_bad=true leaves them out")
    for subject in subjects:
        if not _usable(subject):
            raise UserError(f"{subject.name}: expected at least one sequence that can be used, found none{_why(subject)}")


def _why(subject: Subject) -> str:
    reasons = left_out(subject)
    return f" ({reasons[0]['reason']})" if reasons else ""


def write_manifests(folder: Path, subjects: Sequence[Subject]) -> None:
    """Write `<subject>.videos.json` and `<subject>.poses.json` of each subject into `folder`; a view is in both or in neither.

    Paths are relative to the data's root, with `/`.
    """
    for subject in subjects:
        write_json(folder / f"{subject.name}.videos.json", video_manifest(subject))
        write_json(folder / f"{subject.name}.poses.json", pose_manifest(subject))


def video_manifest(subject: Subject) -> dict[str, Any]:
    """What `extract` reads: one entry per view; `poses` is how many of its first frames have a pose."""
    videos = [_video(take, view) for take in _usable(subject) for view in take.views]
    return {"subject": subject.name, "videos": videos, "left_out": left_out(subject)}


def pose_manifest(subject: Subject) -> dict[str, Any]:
    """What `project` reads: one entry per sequence, with the calibration and the timing of its views."""
    sequences = [_sequence(take) for take in _usable(subject)]
    truth = {"path": subject.truth[0], "sha256": subject.truth[1]} if subject.truth else None
    return {"subject": subject.name, "sequences": sequences, "truth": truth, "left_out": left_out(subject)}


def _usable(subject: Subject) -> list[Take]:
    return [take for take in subject.takes if take.views]


def _video(take: Take, view: View) -> dict[str, Any]:
    names = {"sequence": take.prefix, "action": take.action, "camera": view.camera, "path": view.path, "sha256": view.video.sha256}
    return names | _timing(view) | {"frames": view.video.frames, "poses": take.poses}


def _sequence(take: Take) -> dict[str, Any]:
    names = {"sequence": take.prefix, "action": take.action, "subaction": take.subaction, "identity": take.identity, "poses": take.poses}
    pose = {**_file(take.pose), "space": "world"} if take.pose else {"space": "camera"}
    return names | pose | {"views": [_view(view) for view in take.views]}


def _view(view: View) -> dict[str, Any]:
    pose = _file(view.pose) if view.pose else {}
    return {"camera": view.camera, **_timing(view), "calibration": view.calibration.to_dict(), **pose}


def _timing(view: View) -> dict[str, Any]:
    return {"fps": view.video.fps, "width": view.video.width, "height": view.video.height}


def _file(pose: PoseFile) -> dict[str, Any]:
    return {"path": pose.path, "sha256": pose.sha256}
