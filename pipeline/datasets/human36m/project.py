"""The poses of one subject as every camera sees them, in one HDF5 file: written from a manifest, without opening a video.

Group `<sequence>/<camera>`, n kept frames: `pose_3d` (n, 17, 3) float32 mm, camera frame; `pose_2d` (n, 17, 2) float32 px of the
source video; `label` (n, 8) int8; `box` (n, 4) float32 px, extent of the joints (x0, y0, x1, y1); `frame` (n,) int32, index in the
source video. Of invented data also `label_truth` (n, 8) int8 and `label_clear` (n, 8) bool, and in group `twins/<sequence>/<camera>`
`index` (m,) int32, row of the view, `chain` (m,) int8, index in `skeleton.CHAINS`, `pose_3d` and `label`.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pipeline.config.pose import PoseConfig
from pipeline.datasets.human36m.cdf import read_pose
from pipeline.datasets.human36m.frames import check_rate, kept_frames
from pipeline.datasets.human36m.sidecar import open_truth, read_labels, read_twins
from pipeline.pose.bodies.pose_space import label_limbs
from pipeline.pose.camera import Camera
from pipeline.pose.skeleton import H36M_17, H36M_32_TO_17, LIMB_NAMES
from pipeline.utils.errors import UserError
from pipeline.utils.files import file_hash
from pipeline.utils.hdf5 import write_hdf5
from pipeline.utils.numbers import MOST_MM, MOST_PX, check_numbers

_UNITS = "pose_3d: mm, camera frame (x right, y down, z forward); pose_2d, box: px of the source video; frame: index in the video, from 0; fps: 1/s"
_BESIDE = 1.0  # px; a twin has its original's 2D pose


@dataclass(frozen=True)
class ListedView:
    """Where one view stands in the manifest: its subject, its sequence's entry and its own."""

    subject: str
    sequence: dict[str, Any]
    view: dict[str, Any]

    @property
    def group(self) -> str:
        """Name of the view's group in files of poses and of truth."""
        return f"{self.sequence['sequence']}/{self.view['camera']}"

    def __str__(self) -> str:
        return f"{self.subject}/{self.sequence['sequence']}.{self.view['camera']}"


def write_poses(path: Path, manifest: dict[str, Any], root: Path, fps: float, pose: PoseConfig) -> None:
    """Write the file of poses of the subject that `manifest` (`<subject>.poses.json`) describes; the same input gives the same bytes.

    root : the data folder that the manifest's paths start from; fps : frames per second to keep
    pose : its thicknesses alone are used; `pose.depth` takes effect where maps are drawn

    Raises UserError where a file is missing, damaged, or another one than the manifest describes, or a pose cannot be labelled.
    """
    truth = manifest["truth"]
    with write_hdf5(path) as file:
        file.attrs.update({"subject": manifest["subject"], "units": _UNITS, "joints": list(H36M_17.names), "limbs": list(LIMB_NAMES)})
        if truth is None:
            _write_views(file, manifest, root, fps, pose, None)
            return
        file.attrs.update({"truth_path": truth["path"], "truth_sha256": truth["sha256"]})
        with open_truth(_known_file(root, truth)) as known:
            _write_views(file, manifest, root, fps, pose, known)


def _write_views(file: h5py.File, manifest: dict[str, Any], root: Path, fps: float, pose: PoseConfig, truth: h5py.Group | None) -> None:
    for sequence in manifest["sequences"]:
        world = _read_17(root, sequence) if sequence["space"] == "world" else None
        for entry in sequence["views"]:
            view = ListedView(manifest["subject"], sequence, entry)
            camera = Camera.from_dict(entry["calibration"])
            pose_3d = _read_17(root, entry) if world is None else camera.to_camera(world)
            if len(pose_3d) < sequence["poses"]:
                raise UserError(f"{view}: expected {sequence['poses']} poses, found {len(pose_3d)}; run the stage `index` again")
            check_rate(entry["fps"], fps, str(view))
            frames = np.array(kept_frames(entry["fps"], fps, sequence["poses"]), np.int32)
            _write_view(file.create_group(view.group), view, camera, pose_3d[frames].astype(np.float32), frames, pose)
            if truth is not None and view.group in truth:
                _write_truth(file, view, truth[view.group], frames, len(pose_3d), pose)


def _read_17(root: Path, entry: dict[str, Any]) -> np.ndarray:
    """Poses (T, 17, 3) of a pose file of the manifest."""
    return read_pose(_known_file(root, entry), 3)[:, H36M_32_TO_17]


def _known_file(root: Path, entry: dict[str, Any]) -> Path:
    """The file of a manifest's entry, still as it was when `index` read it."""
    path = root / entry["path"]
    if not path.is_file():
        raise UserError(f"{path}: not found; `index` saw it there: check data.root, or run `dvc repro` so that `index` reads the folder again")
    if file_hash(path) != entry["sha256"]:
        raise UserError(f"{path}: expected the file that `index` saw (SHA-256 {entry['sha256'][:12]}...), found another; run `dvc repro`")
    return path


def _write_view(group: h5py.Group, view: ListedView, camera: Camera, pose_3d: np.ndarray, frames: np.ndarray, pose: PoseConfig) -> None:
    label = _label(view, pose_3d, pose)
    pose_2d = camera.project(pose_3d)
    check_numbers(pose_3d, MOST_MM, str(view), "joints in mm")
    check_numbers(pose_2d, MOST_PX, str(view), "joints in px of the video")
    group.create_dataset("pose_3d", data=pose_3d)
    group.create_dataset("pose_2d", data=pose_2d.astype(np.float32))
    group.create_dataset("label", data=label)
    group.create_dataset("box", data=np.concatenate([pose_2d.min(axis=1), pose_2d.max(axis=1)], axis=1).astype(np.float32))
    group.create_dataset("frame", data=frames)
    group.attrs.update({name: view.sequence[name] for name in ("action", "identity")})
    group.attrs.update({name: view.view[name] for name in ("width", "height", "fps")})
    group.attrs["camera"] = json.dumps(camera.to_dict())


def _write_truth(file: h5py.File, view: ListedView, truth: h5py.Group, frames: np.ndarray, poses: int, pose: PoseConfig) -> None:
    """What only invented data knows: the labels of its z-buffer, and the twins of kept frames, labelled by the same rule."""
    known = read_labels(truth, poses)
    group = file[view.group]
    group.create_dataset("label_truth", data=known.label[frames])
    group.create_dataset("label_clear", data=known.clear[frames])
    all_twins = read_twins(truth, poses)
    if all_twins is None:
        return
    kept = np.isin(all_twins.frame, frames)
    pose_3d, index = all_twins.pose_3d[kept], np.searchsorted(frames, all_twins.frame[kept]).astype(np.int32)
    _check_places(f"{truth.file.filename}: {view}", view, pose_3d, group["pose_2d"][()][index])
    twins = file.create_group(f"twins/{view.group}")
    twins.create_dataset("index", data=index)
    twins.create_dataset("chain", data=all_twins.chain[kept])
    twins.create_dataset("pose_3d", data=pose_3d)
    twins.create_dataset("label", data=_label(view, pose_3d, pose))


def _check_places(where: str, view: ListedView, twins: np.ndarray, originals: np.ndarray) -> None:
    """Raise UserError where twins (m, 17, 3), mm, are not seen where their originals (m, 17, 2), px, are: they are those of another recording."""
    seen = Camera.from_dict(view.view["calibration"]).project(twins)
    far = ~(np.abs(seen - originals) <= _BESIDE).all(axis=(1, 2))
    if far.any():
        distance = np.abs(seen - originals)[np.argmax(far)].max()
        raise UserError(
            f"{where}: expected twins that stand where their originals do, found one {distance:.3g} px beside it; "
            "this is the truth about another recording, make the built-in data again"
        )


def _label(view: ListedView, pose_3d: np.ndarray, pose: PoseConfig) -> np.ndarray:
    try:
        return label_limbs(pose_3d, pose.torso_thickness, pose.limb_radius)
    except UserError as error:
        raise UserError(f"{view}: {error}") from None
