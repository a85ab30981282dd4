"""Look at every file of a data folder: what is there, how long it is, what is missing or cannot be read."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pipeline.config.data import DataConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.datasets.human36m.cdf import read_pose
from pipeline.datasets.human36m.frames import check_rate
from pipeline.datasets.human36m.layout import CAMERA, VIDEOS, WORLD, Layout, find_layout
from pipeline.datasets.human36m.metadata import ALL_ACTIONS, FILE_NAME, Metadata, read_metadata
from pipeline.datasets.human36m.plausibility import ImplausibleError, check_body, check_camera, check_sight, odd_views
from pipeline.datasets.human36m.probe import Video, probe_video
from pipeline.datasets.human36m.sidecar import read_identities
from pipeline.parallel import run_parallel
from pipeline.pose.camera import Camera
from pipeline.pose.skeleton import H36M_32_TO_17
from pipeline.utils.errors import MachineError, UserError, printable, shown
from pipeline.utils.files import file_hash


@dataclass(frozen=True)
class PoseFile:
    """A pose file that can be read: its path below the root, its content hash and the number of its poses."""

    path: str
    sha256: str
    poses: int


@dataclass(frozen=True)
class View:
    """One camera's view of a take, complete and readable.

    path : the video, below the root
    pose : poses in the camera's frame; None where the take has a file in the world's frame
    """

    camera: str
    path: str
    video: Video
    calibration: Camera
    pose: PoseFile | None


@dataclass(frozen=True)
class Fault:
    """What is wrong with a view, or with a whole take where `camera` is None. kind : `missing`, `damaged` or `implausible`."""

    camera: str | None
    reason: str
    kind: str


@dataclass(frozen=True)
class Take:
    """One sequence of one subject: the views that can be used, and what is wrong with the others.

    prefix : how its files' names begin, which is the name of the sequence everywhere
    identity : who is seen
    pose : poses in the world's frame; None where each view has a file of its own, or where there is none
    """

    prefix: str
    action: str
    subaction: int
    identity: str
    pose: PoseFile | None = None
    views: tuple[View, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def poses(self) -> int:
        """How many poses belong to a frame in every view: pose i is frame i, and what is longer loses its tail. 0 without views."""
        return min(map(self.poses_of, self.views), default=0)

    def poses_of(self, view: View) -> int:
        """How many poses of a view belong to one of its frames."""
        return min(file.poses if (file := self.pose or view.pose) else 0, view.video.frames)

    @property
    def recorded_poses(self) -> int:
        """How many poses the longest pose file holds, whether or not they belong to a frame."""
        return max((file.poses for view in self.views if (file := self.pose or view.pose)), default=0)


@dataclass(frozen=True)
class Subject:
    """What one subject's folder holds.

    excluded : sequence -> reason, those of `data.exclude` that the subject has
    unknown : files that `metadata.xml` does not name, paths below the root
    truth : path below the root and content hash of the sidecar of invented data, or None
    """

    name: str
    takes: tuple[Take, ...]
    excluded: Mapping[str, str]
    unknown: tuple[str, ...]
    truth: tuple[str, str] | None


@dataclass(frozen=True)
class _Task:
    """What must be known to inspect one take; `calibrations` holds None for a camera without one; `fps` : the frames per second asked for."""

    root: Path
    layout: Layout
    prefix: str
    action: str
    subaction: int
    identity: str
    calibrations: Mapping[str, Camera | None]
    fps: float
    decode: bool


def inspect(data: DataConfig, parallel: ParallelConfig, decode: bool = False) -> tuple[Subject, ...]:
    """Look at every file that `data` asks for; every frame of the videos is decoded where `decode` is set.

    What is missing, damaged, or no recording of a person is told in the result. Raises UserError where nothing can be said at all: no
    metadata.xml, a camera or a subject that it does not know, a subject without a folder, a damaged sidecar; MachineError where the machine
    cannot read something.
    """
    root = Path(data.root)
    metadata = read_metadata(root)
    cameras = _choose_cameras(data, metadata)
    reasons = {item.sequence: item.reason for item in data.exclude}
    plans = [_plan(data, subject, metadata, cameras, reasons, decode) for subject in data.subjects]
    done = iter(run_parallel(_inspect_take, [task for _, tasks in plans for task in tasks], parallel, "inspecting"))
    return _without_twice([replace(subject, takes=tuple(next(done) for _ in tasks)) for subject, tasks in plans])


def _choose_cameras(data: DataConfig, metadata: Metadata) -> tuple[str, ...]:
    if data.cameras == "all":
        return metadata.camera_ids
    for camera in data.cameras:
        if camera not in metadata.camera_ids:
            raise UserError(
                f"data.cameras: {camera} is not in table dbcameras of {Path(data.root) / FILE_NAME}, which has {', '.join(metadata.camera_ids)}"
            )
    return tuple(data.cameras)


def _plan(
    data: DataConfig, name: str, metadata: Metadata, cameras: Iterable[str], reasons: Mapping[str, str], decode: bool
) -> tuple[Subject, list[_Task]]:
    """A subject whose takes are still to be inspected, and the tasks that do it."""
    root = Path(data.root)
    keys = {key: prefix for key, prefix in metadata.prefixes.items() if key[0] == name}
    if not keys:
        raise UserError(f"{root / FILE_NAME}: table mapping: expected subject {name}, found {', '.join(metadata.subjects())}")
    if not (root / name).is_dir():
        raise UserError(f"{root / name}: folder not found; fetch subject {name} or take it out of data.subjects")
    layout = find_layout(root / name)
    wanted = {key: prefix for key, prefix in keys.items() if key[1] != ALL_ACTIONS}
    for prefix, count in Counter(wanted.values()).items():
        if count > 1:
            raise UserError(
                f"{root / FILE_NAME}: table mapping: expected each sequence of {name} once, found {prefix!r} {count} times; correct the table"
            )
    excluded = {prefix: reasons[f"{name}/{prefix}"] for prefix in wanted.values() if f"{name}/{prefix}" in reasons}
    calibrations = {camera: metadata.cameras.get((name, camera)) for camera in cameras}
    identities = read_identities(layout.truth, name) if layout.truth.is_file() else None
    tasks = [
        _Task(
            root,
            layout,
            prefix,
            metadata.actions.get(action) or str(action),
            subaction,
            _identity(layout, prefix, identities),
            calibrations,
            data.fps,
            decode,
        )
        for (_, action, subaction), prefix in wanted.items()
        if prefix not in excluded
    ]
    truth = (_below(root, layout.truth), file_hash(layout.truth)) if identities is not None else None
    return Subject(name, (), excluded, _unknown_files(root, layout, keys.values(), metadata.camera_ids), truth), tasks


def _identity(layout: Layout, prefix: str, identities: Mapping[str, str] | None) -> str:
    """In Human3.6M the subject is who is seen; invented data says it per sequence."""
    if identities is None:
        return layout.folder.name
    if prefix not in identities:
        raise UserError(
            f"{layout.truth}: expected the identity of sequence {prefix!r}, found {shown(', '.join(identities))}; make the built-in data again"
        )
    return identities[prefix]


def _unknown_files(root: Path, layout: Layout, prefixes: Iterable[str], cameras: Iterable[str]) -> tuple[str, ...]:
    """Videos and poses that the table does not name; `_ALL` takes are known even where the table leaves them out, hidden files are a system's."""
    names = set(prefixes) | {f"{prefix}.{camera}" for prefix in prefixes for camera in cameras}
    folders = {layout.folder / VIDEOS: ".mp4", layout.pose_folder(WORLD): ".cdf", layout.pose_folder(CAMERA): ".cdf"}
    found = [file for folder, suffix in folders.items() for file in sorted(folder.glob(f"*{suffix}"))]
    strange = (file for file in found if file.name[: -len(file.suffix)] not in names and not file.name.startswith(("_ALL", ".")))
    return tuple(printable(_below(root, file)) for file in strange)


def _inspect_take(task: _Task) -> Take:
    take = Take(task.prefix, task.action, task.subaction, task.identity)
    world = task.layout.world_pose(task.prefix)
    per_view = not world.is_file() and any(task.layout.view_pose(CAMERA, task.prefix, camera).is_file() for camera in task.calibrations)
    try:
        pose, poses = (None, None) if per_view else _pose_file(task.root, world)
    except UserError as error:
        return replace(take, faults=(_fault(task.root, None, error, world),))
    found = [_inspect_view(task, camera, calibration, poses) for camera, calibration in task.calibrations.items()]
    views = {view.camera: view for view in found if isinstance(view, View)}
    faults = {fault.camera: fault for fault in found if isinstance(fault, Fault)}
    for camera, reason in odd_views({camera: view.video for camera, view in views.items()}).items():
        faults[camera] = Fault(camera, f"{views.pop(camera).path}: {reason}", "implausible")
    order = [camera for camera in task.calibrations if camera in faults]
    return replace(take, pose=pose, views=tuple(views.values()), faults=tuple(faults[camera] for camera in order))


def _inspect_view(task: _Task, camera: str, calibration: Camera | None, world: np.ndarray | None) -> View | Fault:
    """One view of a take; `world` are its poses (T, 17, 3) in the world's frame, None where each camera has a file of its own."""
    path = task.layout.video(task.prefix, camera)
    if calibration is None:
        return Fault(camera, f"{FILE_NAME}: table w0 has no calibration of camera {camera} for {task.layout.folder.name}", "missing")
    try:
        pose, seen = (None, calibration.to_camera(world)) if world is not None else _view_pose(task, camera)
        video = probe_video(path, task.decode, len(seen))
        check_rate(video.fps, task.fps, str(path))
        check_camera(calibration, video, str(path))
        check_sight(seen[: video.frames], calibration, video, str(path))
    except UserError as error:
        return _fault(task.root, camera, error, path)
    return View(camera, _below(task.root, path), video, calibration, pose)


def _view_pose(task: _Task, camera: str) -> tuple[PoseFile, np.ndarray]:
    return _pose_file(task.root, task.layout.view_pose(CAMERA, task.prefix, camera))


def _pose_file(root: Path, path: Path) -> tuple[PoseFile, np.ndarray]:
    """A file of poses, and the 17 joints in it that are used, (T, 17, 3) mm."""
    poses = read_pose(path, 3)[:, H36M_32_TO_17]  # first, because it says what is wrong with the file
    check_body(poses, str(path))
    return PoseFile(_below(root, path), file_hash(path), len(poses)), poses


def _fault(root: Path, camera: str | None, error: UserError, path: Path) -> Fault:
    """What is told about a view or a take instead of it; raises again what is no fault of the recordings."""
    if isinstance(error, MachineError):
        raise error
    kind = "implausible" if isinstance(error, ImplausibleError) else "damaged" if path.is_file() else "missing"
    return Fault(camera, _reason(root, error), kind)


def _without_twice(subjects: Sequence[Subject]) -> tuple[Subject, ...]:
    """Nobody moves as somebody else does: takes whose poses another subject has, too, are faults, since one of the two is under a wrong name."""
    owners: dict[str, dict[str, str]] = {}
    for subject in subjects:
        for take in subject.takes:
            for file in _pose_files(take):
                owners.setdefault(file.sha256, {}).setdefault(subject.name, file.path)
    return tuple(replace(subject, takes=tuple(_without_others(take, subject.name, owners) for take in subject.takes)) for subject in subjects)


def _without_others(take: Take, subject: str, owners: Mapping[str, Mapping[str, str]]) -> Take:
    for file in _pose_files(take):
        others = [path for name, path in owners[file.sha256].items() if name != subject]
        if others:
            reason = f"{file.path}: expected poses of {subject} alone, found the same in {others[0]}; one of the two is under a wrong name"
            return replace(take, views=(), faults=(*take.faults, Fault(None, reason, "implausible")))
    return take


def _pose_files(take: Take) -> list[PoseFile]:
    return [file for file in (take.pose, *(view.pose for view in take.views)) if file]


def _below(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _reason(root: Path, error: UserError) -> str:
    """The error without the root, so that a manifest is the same wherever the data lies."""
    return str(error).removeprefix(f"{root}{os.sep}")
