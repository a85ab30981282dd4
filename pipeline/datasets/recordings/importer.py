"""Import a recording: calibrated cameras, 3D poses and videos become a data folder in Human3.6M's layout, whole or not at all."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.config.parallel import ParallelConfig
from pipeline.datasets.human36m.metadata import ACTIONS, ALL_ACTIONS, FILE_NAME, SUBJECTS, Metadata, write_metadata
from pipeline.datasets.human36m.plausibility import check_camera, check_sight
from pipeline.datasets.human36m.probe import probe_video
from pipeline.datasets.human36m.writer import to_32_joints, video_path, write_poses
from pipeline.datasets.recordings.calibration import FoundCamera, read_calibration
from pipeline.datasets.recordings.keypoints import reprojection_error
from pipeline.datasets.recordings.lens import fit_distortion
from pipeline.datasets.recordings.recording import Format, Session
from pipeline.datasets.recordings.room import AXES, IN_SIGHT, Room, RoomCamera, find_rooms, in_sight
from pipeline.datasets.recordings.sheets import write_sheet
from pipeline.datasets.recordings.takes import Choices, Take, read_takes, safe_name, split_takes
from pipeline.datasets.recordings.videos import Clip, place_video, scale_matrix
from pipeline.parallel import run_parallel
from pipeline.pose.camera import Camera
from pipeline.utils.errors import UserError
from pipeline.utils.files import atomic_folder, write_text

SHEETS, REPORT = "contact_sheets", "import.txt"


@dataclass(frozen=True)
class RoomSequence:
    """One sequence that is written: whose, its name, its action, its poses (T, 17, 3) mm in the room, and the videos."""

    subject: str
    prefix: str
    action: str
    poses: np.ndarray
    take: Take


def import_recording(session: Session, form: Format, out: Path, choices: Choices, parallel: ParallelConfig) -> list[str]:
    """Write a session into the new folder `out`; what was found, derived, interpolated and left out is returned, a line each."""
    tell: list[str] = []
    if len(session.calibrations) != 1:
        found = ", ".join(map(str, session.calibrations)) or "none"
        raise UserError(f"expected one calibration (calibration/*.toml), found {found}; name it by --calibration")
    (calibration,) = session.calibrations
    cameras = _choose_cameras(calibration, choices)
    takes = read_takes(session, form, {camera.name: camera.size for camera in cameras}, choices, tell)
    sequences = split_takes(takes, choices.longest_gap, tell)
    lensed = [_room_camera(camera, takes, tell) for camera in cameras]
    axes = (choices.axes,) if choices.axes else tuple(sorted(AXES, key=lambda name: name != form.axes))
    room = _choose_room(calibration, [take for take, _ in sequences], lensed, axes, tell)
    written = [RoomSequence(take.subject, name, take.trial.name, room.poses(take.poses), take) for take, name in sequences]
    _check_views(written, lensed, room)
    with atomic_folder(out) as new:
        _write(new, written, {camera.name: room.camera(camera) for camera in lensed}, choices.copy, parallel)
        write_text(new / REPORT, "".join(f"{line}\n" for line in tell))
    return tell


def _choose_cameras(path: Path, choices: Choices) -> list[FoundCamera]:
    cameras = {camera.name: camera for camera in read_calibration(path)}
    for option, names in (("--cameras", choices.cameras), ("--offset", tuple(choices.shifts))):
        for name in names:
            if name not in cameras:
                raise UserError(f"{option} {name}: expected a camera of {path}, which has {', '.join(cameras)}")
    chosen = [cameras[name] for name in dict.fromkeys(choices.cameras or cameras)]
    for name, count in Counter(safe_name(camera.name) for camera in chosen).items():
        if count > 1:
            raise UserError(f"{path}: expected names of cameras that differ in letters or digits, found {name} {count} times; rename them")
    return chosen


def _room_camera(camera: FoundCamera, takes: Sequence[Take], tell: list[str]) -> RoomCamera:
    """The camera for the pictures of its videos, which all have one size, with the data set's lens."""
    videos = [take.videos[camera.name] for take in takes]
    first = videos[0].video
    for clip in videos:
        if (clip.video.width, clip.video.height) != (first.width, first.height):
            sizes = f"{first.width}x{first.height} and {clip.video.width}x{clip.video.height} px"
            raise UserError(f"{clip.path}: expected all videos of camera {camera.name} in one size, found {sizes}; import the trials one by one")
    distortion, error = fit_distortion(camera)
    size = (first.width, first.height)
    scaled = "" if size == camera.size else f", calibrated with {camera.size[0]}x{camera.size[1]} px and scaled"
    tell.append(f"camera {camera.name}: {size[0]}x{size[1]} px{scaled}; lens converted within {error * size[0] / camera.size[0]:.2f} px")
    return RoomCamera(camera.name, size, scale_matrix(camera.matrix, camera.size, first), distortion, camera.R, camera.t)


def _choose_room(calibration: Path, takes: Sequence[Take], cameras: Sequence[RoomCamera], axes: Sequence[str], tell: list[str]) -> Room:
    """How poses and cameras come together: where 2D keypoints are there, so that they lie nearest to those, else by the first of `axes` that do."""
    try:
        rooms = find_rooms([take.poses for take in takes], cameras, axes)
    except UserError as error:
        raise UserError(f"{calibration}: {error}") from None
    errors = [_errors(takes, cameras, room) for room in rooms]
    best = min(range(len(rooms)), key=lambda i: (float(np.median(list(errors[i].values()))) if errors[i] else 0.0, i))
    room = rooms[best]
    up = "-+"[int(room.up.sum() > 0)] + "xyz"[int(np.argmax(np.abs(room.up)))]
    tell.append(f"room: calibration in {room.unit}; axes of the poses: {room.axes}; up is {up} of the calibration")
    if len(rooms) > 1 and not errors[best]:
        others = ", ".join(other.axes for other in rooms if other != room)
        tell.append(f"room: other axes show the people to most cameras, too: if the contact sheets look wrong, give --axes ({others})")
    tell.extend(f"{view}: {error:.1f} px from the 2D keypoints (median)" for view, error in errors[best].items())
    return room


def _errors(takes: Sequence[Take], cameras: Sequence[RoomCamera], room: Room) -> dict[str, float]:
    """The reprojection error of every view that has 2D keypoints, px."""
    errors = {}
    for take in takes:
        for camera in cameras:
            folder = _keypoints(take, camera.name)
            if folder is not None:
                placed = room.camera(camera)
                error = reprojection_error(folder, take.numbers(camera.name), placed.project(placed.to_camera(room.poses(take.poses))))
                if error is not None:
                    errors[f"{take.name}, camera {camera.name}"] = error
    return errors


def _keypoints(take: Take, camera: str) -> Path | None:
    """The folder of a camera's 2D keypoints: `cam01`, `cam01_json`."""
    folder = take.trial.keypoints
    names = (camera, f"{camera}_json", take.videos[camera].path.stem, f"{take.videos[camera].path.stem}_json")
    return next((folder / name for name in names if (folder / name).is_dir()), None) if folder else None


def _check_views(sequences: Sequence[RoomSequence], cameras: Sequence[RoomCamera], room: Room) -> None:
    """Raise UserError where a skeleton lies outside of most of a view's frames, or what `pose25d check` would find in it."""
    for sequence in sequences:
        placed = {camera.name: room.camera(camera) for camera in cameras}
        shares = {camera.name: float(in_sight(sequence.poses, placed[camera.name], camera.size).mean()) for camera in cameras}
        _check_shares(sequence.take.name, shares)
        for name, camera in placed.items():
            video = sequence.take.videos[name].video
            check_camera(camera, video, str(sequence.take.videos[name].path))
            check_sight(camera.to_camera(sequence.poses), camera, video, f"{sequence.take.name}, camera {name}")


def _check_shares(take: str, shares: Mapping[str, float]) -> None:
    """Raise UserError where a view has the skeleton in too small a share of its frames: one camera's fault, or that of all poses."""
    outside = {name: share for name, share in shares.items() if share < IN_SIGHT}
    if not outside:
        return
    name, share = min(outside.items(), key=lambda item: item[1])
    others = [other for other in shares if other not in outside]
    todo = f"check that camera's calibration, or leave it out: --cameras {','.join(others)}"
    if len(outside) > 1:
        todo = f"so it is for {', '.join(outside)}: check that these poses were made with this calibration"
    raise UserError(f"{take}, camera {name}: expected the skeleton inside most frames, found it there in {100 * share:.0f} % of them; {todo}")


def _write(root: Path, sequences: Sequence[RoomSequence], cameras: Mapping[str, Camera], copy: bool, parallel: ParallelConfig) -> None:
    named = {safe_name(name): camera for name, camera in cameras.items()}
    for sequence in sequences:
        write_poses(root, sequence.subject, sequence.prefix, to_32_joints(sequence.poses), named)
    views = [(sequence, name, cameras[name]) for sequence in sequences for name in cameras]
    run_parallel(partial(_write_view, root.absolute(), copy), [_View.of(*view) for view in views], parallel, "videos")
    write_metadata(root / FILE_NAME, _metadata(sequences, named))


@dataclass(frozen=True)
class _View:
    """What is needed to write the video and the contact sheet of a view; pose_2d : (T, 17, 2) px."""

    subject: str
    prefix: str
    camera: str
    clip: Clip
    pose_2d: np.ndarray

    @classmethod
    def of(cls, sequence: RoomSequence, name: str, camera: Camera) -> "_View":
        pose_2d = camera.project(camera.to_camera(sequence.poses))
        return cls(sequence.subject, sequence.prefix, safe_name(name), sequence.take.videos[name], pose_2d)


def _write_view(root: Path, copy: bool, view: _View) -> None:
    path = video_path(root, view.subject, view.prefix, view.camera)
    place_video(view.clip, path, copy)
    write_sheet(root / SHEETS / view.subject / f"{view.prefix}.{view.camera}.jpg", path, probe_video(path), view.pose_2d)


def _metadata(sequences: Sequence[RoomSequence], cameras: Mapping[str, Camera]) -> Metadata:
    """Trials are the actions; the parts of one that had to be split are its subactions."""
    in_order = sorted(sequences, key=lambda sequence: SUBJECTS.index(sequence.subject))
    trials = list(dict.fromkeys(safe_name(sequence.action) for sequence in in_order))
    actions = {ALL_ACTIONS: ACTIONS[ALL_ACTIONS]} | dict(enumerate(trials, start=ALL_ACTIONS + 1))
    ids = {name: number for number, name in actions.items()}
    prefixes: dict[tuple[str, int, int], str] = {}
    for sequence in in_order:
        action = ids[safe_name(sequence.action)]
        count = sum(key[:2] == (sequence.subject, action) for key in prefixes)
        prefixes[sequence.subject, action, count + 1] = sequence.prefix
    placed = {(sequence.subject, name): camera for sequence in sequences for name, camera in cameras.items()}
    return Metadata(actions, prefixes, placed, tuple(cameras))
