"""Make a subject's pack: crop its stored frames around the person, move the joints along, and bring everything into one file."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import h5py
import numpy as np

from pipeline.config.data import DataConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.crop import crop_box, crop_image, to_crop
from pipeline.errors import UserError
from pipeline.files import file_hash, read_json
from pipeline.frame_store import FrameStore, decode_image, store_path, views_in
from pipeline.hdf5 import open_hdf5
from pipeline.pack import NUMBERS, TEXT, TRUTH, write_pack
from pipeline.parallel import run_parallel
from pipeline.skeleton import H36M_17, LIMBS

Columns = dict[str, np.ndarray]

_UNITS = "image: RGB; pose_2d: px of the crop, pixel centres at whole numbers; pose_3d: mm, camera frame; label: 1 in front, 0 level, -1 occluded"
_NO_TWINS: Columns = {
    "index": np.zeros(0, np.int32),
    "chain": np.zeros(0, np.int8),
    "label": np.zeros((0, len(LIMBS)), np.int8),
    "pose_3d": np.zeros((0, len(H36M_17), 3), np.float32),
}


@dataclass(frozen=True)
class View:
    """One view of the file of poses: its columns, its twins (sorted by row and limb chain), and the size of the video, px."""

    subject: str
    sequence: str
    camera: str
    identity: str
    action: str
    size: tuple[int, int]
    data: Columns
    twins: Columns

    def __str__(self) -> str:
        return f"{self.subject}, {self.sequence}, camera {self.camera}"


def pack_subject(subject: str, frames: Path, poses: Path, path: Path, data: DataConfig, parallel: ParallelConfig) -> None:
    """Bring the stored frames (folder `frames`) and the poses (file `poses`) of a subject together in one file, `path`.

    Twins are cut out of the pictures in the truth file, which lies below `data.root`, with the box of the original. All rows are held
    in memory at once. Raises UserError that names the view where frames and poses do not belong together.
    """
    views = _matched(_read_views(subject, poses), subject, frames, poses)
    truth = _find_truth(poses, Path(data.root).absolute()) if any(len(view.twins["index"]) for view in views) else None
    work = partial(_pack_view, frames.absolute(), truth, data.image_size, data.margin)
    rows, twins = zip(*run_parallel(work, views, parallel, f"pack {subject}"), strict=True)
    first_row = np.cumsum([0] + [len(part["frame"]) for part in rows[:-1]])
    for part, offset in zip(twins, first_row, strict=True):
        part["row"] = (part["row"] + offset).astype(np.int32)
    write_pack(path, subject, _UNITS, rows, twins)


# ---- what belongs together


def _read_views(subject: str, path: Path) -> list[View]:
    """Every view in the file of poses, sorted by sequence and camera."""
    with open_hdf5(path, "a file of poses", "project") as file:
        names = sorted((sequence, camera) for sequence in file if sequence != "twins" for camera in file[sequence])
        return [_read_view(file, subject, *name) for name in names]


def _read_view(file: h5py.File, subject: str, sequence: str, camera: str) -> View:
    group, twins = file[sequence][camera], _NO_TWINS
    data = {name: group[name][()] for name in (*NUMBERS, *TRUTH) if name not in TRUTH or name in group}
    if f"twins/{sequence}/{camera}" in file:
        twins = {name: file["twins"][sequence][camera][name][()] for name in _NO_TWINS}
        order = np.lexsort((twins["chain"], twins["index"]))
        twins = {name: values[order] for name, values in twins.items()}
    attrs = group.attrs
    return View(subject, sequence, camera, attrs["identity"], attrs["action"], (int(attrs["width"]), int(attrs["height"])), data, twins)


def _matched(views: list[View], subject: str, frames: Path, poses: Path) -> list[View]:
    """The views that have frames, too; raise UserError where one side lacks a view, unless `extract` reports that it was left out."""
    posed, stored = {(view.sequence, view.camera) for view in views}, set(views_in(frames))
    left_out = {(item["sequence"], item["camera"]) for item in read_json(frames / "report.json")["left_out"]}
    for sequence, camera in sorted(stored - posed):
        raise UserError(f"{subject}, {sequence}, camera {camera}: has frames, but no poses in {poses}; run the stage `project` again")
    for sequence, camera in sorted(posed - stored - left_out):
        raise UserError(f"{subject}, {sequence}, camera {camera}: has poses, but no frames in {frames}; run the stage `extract` again")
    if not stored:
        raise UserError(f"{subject}: expected at least one view with frames and poses, found none in {frames} and {poses}")
    return [view for view in views if (view.sequence, view.camera) in stored]


def _find_truth(poses: Path, root: Path) -> Path:
    """The file with the images of the twins; raise UserError where it is not the one whose twins stand in `poses`."""
    with open_hdf5(poses, "a file of poses that names the file of its twins' images", "project") as file:
        path, expected = root / file.attrs["truth_path"], file.attrs["truth_sha256"]
    if not path.is_file():
        raise UserError(f"{path}: not found; expected the images of the twins below data.root")
    if file_hash(path) != expected:
        raise UserError(f"{path}: has changed since `index` saw it; run `dvc repro`, so that `index` reads the folder again")
    return path


# ---- one view


def _pack_view(frames: Path, truth: Path | None, image_size: tuple[int, int], margin: float, view: View) -> tuple[Columns, Columns]:
    """The rows of one view, and its twins, whose `row` counts from the view's first row."""
    pose_2d = view.data["pose_2d"]
    if not np.isfinite(pose_2d).all() or (np.ptp(pose_2d, axis=1).max(axis=1) < 1).any():
        raise UserError(f"{view}: expected 2D joints that span a pixel or more, found others; check the poses and the camera of this view")
    box = crop_box(pose_2d, image_size, margin)
    with FrameStore(store_path(frames, view.sequence, view.camera)) as store:
        if store.size != view.size or not np.array_equal(store.frame, view.data["frame"]):
            raise UserError(f"{view}: stored frames and poses do not belong together; run the stages `extract` and `project` again")
        crops = [crop_image(store[row], box[row], view.size, image_size) for row in range(len(store))]
        twin_crops = [] if truth is None else [_crop_twin(image, box[row], view.size, store.stored, image_size) for row, image in _twins(truth, view)]
    text = {name: np.full(len(box), getattr(view, name), dtype=object) for name in TEXT}
    rows = {**view.data, **text, "image": _stack(crops, image_size), "pose_2d": to_crop(pose_2d, box, image_size).astype(np.float32)}
    return rows, {**view.twins, "image": _stack(twin_crops, image_size), "row": view.twins["index"]}


def _stack(images: list[np.ndarray], image_size: tuple[int, int]) -> np.ndarray:
    return np.array(images, dtype=np.uint8).reshape(len(images), *image_size, 3)


def _crop_twin(image: np.ndarray, box: np.ndarray, size: tuple[int, int], stored: tuple[int, int], image_size: tuple[int, int]) -> np.ndarray:
    """Crop a full picture as its original was: with a video's coarse colour, and first reduced to the size of the stored frames."""
    image = _coarse_colour(image)
    if stored != size:
        image = crop_image(image, np.array([0, 0, *size]) - 0.5, size, stored[::-1])
    return crop_image(image, box, size, image_size)


def _coarse_colour(image: np.ndarray) -> np.ndarray:
    """Halve the resolution of colour, as 4:2:0 video does; finer stripes than its original's would tell a twin from it."""
    planes = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)
    height, width = image.shape[:2]
    colour = cv2.resize(planes[..., 1:], ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)
    planes[..., 1:] = cv2.resize(colour, (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.cvtColor(planes, cv2.COLOR_YCrCb2RGB)


def _twins(truth: Path, view: View) -> Iterator[tuple[int, np.ndarray]]:
    """(row of the original, full picture (h, w, 3) uint8 RGB) of each twin, found by its frame and limb chain."""
    if not len(view.twins["index"]):
        return
    with open_hdf5(truth, "a truth file", "synthesize") as file:
        group = file[f"sequences/{view.sequence}/{view.camera}/twins"]
        position = {key: i for i, key in enumerate(zip(group["frame"][()].tolist(), group["chain"][()].tolist(), strict=True))}
        for row, chain in zip(view.twins["index"].tolist(), view.twins["chain"].tolist(), strict=True):
            key = int(view.data["frame"][row]), chain
            image = decode_image(group["image"][position[key]]) if key in position else None
            if image is None or image.shape[1::-1] != view.size:
                raise UserError(f"{view}: expected in {truth} a picture of the video's size for the twin of frame {key[0]}, limb chain {chain}")
            yield row, image
