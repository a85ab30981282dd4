"""Make a subject's pack: crop its stored frames around the person, move the joints along, and bring everything into one file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import h5py
import numpy as np

from pipeline.config.data import DataConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.config.pose import Background
from pipeline.datasets.human36m.names import name_fault, path_fault
from pipeline.datasets.human36m.plates import Take, crop_plate, make_plate
from pipeline.datasets.human36m.sidecar import find_images, open_truth
from pipeline.packs.frame_store import FrameStore, store_path, views_in
from pipeline.packs.pack import BACKGROUND, BOX, TEXT, TRUTH, new_pack
from pipeline.parallel import iterate_parallel, run_parallel
from pipeline.pose.crop import crop_box, crop_image, to_crop
from pipeline.pose.skeleton import CHAINS, H36M_17, LIMBS
from pipeline.utils.errors import MachineError, UserError, shown
from pipeline.utils.files import file_hash, read_json
from pipeline.utils.hdf5 import NUMBER, WHOLE, Damaged, check_range, open_hdf5, read_dataset
from pipeline.utils.hdf5 import TRUTH as TRUE_OR_NOT
from pipeline.utils.images import decode
from pipeline.utils.numbers import MOST_MM, MOST_PX
from pipeline.utils.pictures import MOST_SIDE

Columns = dict[str, np.ndarray]
PIECE = 2**22  # bytes of images that are cropped together, without twins and backgrounds

_UNITS = (
    "image: RGB; pose_2d: px of the crop, pixel centres at whole numbers; box: px of the video; pose_3d: mm, camera frame; "
    "label: 1 in front, 0 level, -1 occluded"
)
_NO_TWINS: Columns = {
    "index": np.zeros(0, np.int32),
    "chain": np.zeros(0, np.int8),
    "label": np.zeros((0, len(LIMBS)), np.int8),
    "pose_3d": np.zeros((0, len(H36M_17), 3), np.float32),
}

# Of the columns in a file of poses: the shape of a row, the kind of number, the least and the largest.
_COLUMNS: dict[str, tuple[tuple[int, ...], str, float, float]] = {
    "pose_2d": ((len(H36M_17), 2), NUMBER, -MOST_PX, MOST_PX),
    "pose_3d": ((len(H36M_17), 3), NUMBER, -MOST_MM, MOST_MM),
    "label": ((len(LIMBS),), WHOLE, -1, 1),
    "frame": ((), WHOLE, 0, np.iinfo(np.int32).max),
    "label_truth": ((len(LIMBS),), WHOLE, -1, 1),
    "label_clear": ((len(LIMBS),), TRUE_OR_NOT, 0, 1),
    "index": ((), WHOLE, 0, np.iinfo(np.int32).max),
    "chain": ((), WHOLE, 0, len(CHAINS) - 1),
}


@dataclass(frozen=True)
class ProjectedView:
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


@dataclass(frozen=True)
class Piece:
    """Rows of a view that are cropped together: frames `first` and on of the `stored` ones in `path`.

    view : what its lines call it; size : (width, height) px of the video; frame : (n,) indices in the video; box : (n, 4) px;
    twins : (name of the sequence, that of the camera, (m, 3) int64: row of the piece, frame and limb chain of each twin); plate : of the camera
    """

    view: str
    path: Path
    stored: int
    first: int
    size: tuple[int, int]
    frame: np.ndarray
    box: np.ndarray
    twins: tuple[str, str, np.ndarray]
    plate: np.ndarray | None


def pack_subject(subject: str, frames: Path, poses: Path, path: Path, data: DataConfig, background: Background, parallel: ParallelConfig) -> None:
    """Bring the stored frames (folder `frames`) and the poses (file `poses`) of a subject together in one file, `path`.

    background : `pose.background`; with `plate` each row also gets what its camera shows without the person
    Twins are cut out of the pictures in the truth file, which lies below `data.root`, with the box of the original. Images are in memory a few pieces
    at a time. Raises UserError that names the view where frames and poses do not belong together.
    """
    views = _matched(_read_views(subject, poses), subject, frames, poses)
    truth = _find_truth(poses, Path(data.root).absolute()) if any(len(view.twins["index"]) for view in views) else None
    boxes = [_boxes(view, data) for view in views]
    plates = _plates(views, frames.absolute(), subject, parallel) if background == "plate" else {}
    first_row = np.cumsum([0] + [len(view.data["frame"]) for view in views[:-1]])
    rows = [_rows(view, box, data.image_size) for view, box in zip(views, boxes, strict=True)]
    twins = [{**view.twins, "row": (view.twins["index"] + first).astype(np.int32)} for view, first in zip(views, first_row, strict=True)]
    at_once = max(1, PIECE // (3 * data.image_size[0] * data.image_size[1]))
    pieces = [
        piece
        for view, box in zip(views, boxes, strict=True)
        for piece in _pieces(view, box, frames.absolute(), plates.get((view.camera, view.size)), at_once)
    ]
    with new_pack(path, subject, _UNITS, rows, twins, data.image_size, background == "plate") as images:
        for made in iterate_parallel(partial(_crop_piece, truth, data.image_size), pieces, parallel, f"pack {subject}"):
            for name, part in made.items():
                images.add(name, part)


# ---- what belongs together


def _read_views(subject: str, path: Path) -> list[ProjectedView]:
    """Every view in the file of poses, sorted by sequence and camera."""
    with open_hdf5(path, "a file of poses", "project") as file:
        if (found := file.attrs["subject"]) != subject:
            raise Damaged(f"that of {subject}, found that of {shown(str(found))}")
        names = sorted((sequence, camera) for sequence in file if sequence != "twins" for camera in _group(file, sequence))
        return [_read_view(file, subject, *name) for name in names]


def _read_view(file: h5py.File, subject: str, sequence: str, camera: str) -> ProjectedView:
    group, twins = _group(file, f"{sequence}/{camera}"), _NO_TWINS
    for name in (sequence, camera):
        if fault := name_fault(name):
            raise Damaged(f"and in it names of sequences and cameras, found {shown(name)}: {fault}")
    data = _read_columns(group, sorted({"pose_2d", "label", "pose_3d", "frame"} | {name for name in TRUTH if name in group}))
    if (np.diff(data["frame"].astype(np.int64)) <= 0).any():
        raise Damaged(f"and in it `{group.name}/frame` rising, found others")
    if f"twins/{sequence}/{camera}" in file:
        twins = _read_columns(_group(file, f"twins/{sequence}/{camera}"), sorted(_NO_TWINS))
        check_range(twins["index"], 0, len(data["frame"]) - 1, f"twins{group.name}/index")
        order = np.lexsort((twins["chain"], twins["index"]))
        twins = {name: values[order] for name, values in twins.items()}
    texts = [group.attrs[name] for name in ("identity", "action")]
    if not all(isinstance(text, str) for text in texts):
        raise Damaged(f"and in `{group.name}` the words `identity` and `action`, found others")
    return ProjectedView(subject, sequence, camera, texts[0], texts[1], (_side(group, "width"), _side(group, "height")), data, twins)


def _group(file: h5py.File, name: str) -> h5py.Group:
    group = file.get(name)
    if not isinstance(group, h5py.Group):
        raise Damaged(f"and in it the group `{name}`, found something else")
    return group


def _side(group: h5py.Group, name: str) -> int:
    """A side of the video's pictures, px."""
    value = group.attrs[name]
    if not isinstance(value, int | np.integer) or not 0 < value <= MOST_SIDE:
        raise Damaged(f"and in `{group.name}` `{name}` in px, found {shown(str(value))}")
    return int(value)


def _read_columns(group: h5py.Group, names: Sequence[str]) -> Columns:
    """Columns of a view or of its twins, all of one length, in range."""
    columns: Columns = {}
    length: int | None = None
    for name in names:
        shape, kinds, low, high = _COLUMNS[name]
        columns[name] = read_dataset(group, name, (length, *shape), kinds)
        length = len(columns[name])
        check_range(columns[name], low, high, f"{group.name}/{name}")
    return columns


def _matched(views: list[ProjectedView], subject: str, frames: Path, poses: Path) -> list[ProjectedView]:
    """The views that have frames, too; raise UserError where one side lacks a view, unless `extract` reports that it was left out."""
    posed, stored, left_out = {(view.sequence, view.camera) for view in views}, set(views_in(frames)), _left_out(frames, subject)
    for sequence, camera in sorted(stored - posed):
        raise UserError(f"{subject}, {sequence}, camera {camera}: has frames, but no poses in {poses}; run the stage `project` again")
    for sequence, camera in sorted(posed - stored - left_out):
        raise UserError(f"{subject}, {sequence}, camera {camera}: has poses, but no frames in {frames}; run the stage `extract` again")
    if not stored:
        raise UserError(f"{subject}: expected at least one view with frames and poses, found none in {frames} and {poses}")
    return [view for view in views if (view.sequence, view.camera) in stored]


def _left_out(frames: Path, subject: str) -> set[tuple[str, str]]:
    """The views that `extract` left out; raise UserError where its report is missing, damaged or about another subject."""
    path = frames / "report.json"
    try:
        report = read_json(path)
        found, left_out = report["subject"], {(str(item["sequence"]), str(item["camera"])) for item in report["left_out"]}
    except MachineError:
        raise
    except (UserError, KeyError, TypeError) as error:
        reason = str(error).removeprefix(f"{path}: ") if isinstance(error, UserError) else "found something else"
        raise UserError(f"{path}: expected the report of `extract`, {reason}; run the stage `extract` again") from None
    if found != subject:
        raise UserError(f"{path}: expected frames of {subject}, found those of {shown(str(found))}; give the folder of {subject}")
    return left_out


def _find_truth(poses: Path, root: Path) -> Path:
    """The file with the images of the twins; raise UserError where it is not the one whose twins stand in `poses`."""
    with open_hdf5(poses, "a file of poses that names the file of its twins' images", "project") as file:
        name, expected = file.attrs["truth_path"], file.attrs["truth_sha256"]
        if not isinstance(name, str) or path_fault(name):
            raise Damaged(f"found the name {shown(str(name))}")
    path = root / name
    if not path.is_file():
        raise UserError(f"{path}: not found; expected the images of the twins below data.root")
    if file_hash(path) != expected:
        raise UserError(f"{path}: has changed since `index` saw it; run `dvc repro`, so that `index` reads the folder again")
    return path


# ---- views and their pieces


def _plates(views: Sequence[ProjectedView], frames: Path, subject: str, parallel: ParallelConfig) -> dict[tuple[str, tuple[int, int]], np.ndarray]:
    """What each camera sees of the empty room, by camera and size of its videos: a camera that takes smaller ones has another view."""
    takes: dict[tuple[str, tuple[int, int]], list[Take]] = {}
    for view in views:
        take = Take(store_path(frames, view.sequence, view.camera), view.size, view.data["pose_2d"])
        takes.setdefault((view.camera, view.size), []).append(take)
    return dict(zip(takes, run_parallel(make_plate, list(takes.values()), parallel, f"plates {subject}"), strict=True))


def _boxes(view: ProjectedView, data: DataConfig) -> np.ndarray:
    """The crop of each row, px of the video."""
    if (np.ptp(view.data["pose_2d"], axis=1).max(axis=1) < 1).any():
        raise UserError(f"{view}: expected 2D joints that span a pixel or more, found others; check the poses and the camera of this view")
    return crop_box(view.data["pose_2d"], data.image_size, data.margin)


def _rows(view: ProjectedView, box: np.ndarray, image_size: tuple[int, int]) -> Columns:
    """The rows of a view, without images."""
    text = {name: np.full(len(box), getattr(view, name), dtype=object) for name in TEXT}
    return {**view.data, **text, "pose_2d": to_crop(view.data["pose_2d"], box, image_size).astype(np.float32), BOX: box}


def _pieces(view: ProjectedView, box: np.ndarray, frames: Path, plate: np.ndarray | None, count: int) -> Iterator[Piece]:
    """A view in pieces of at most `count` rows."""
    frame, index = view.data["frame"], view.twins["index"]
    for first in range(0, len(frame), count):
        here = slice(*np.searchsorted(index, (first, first + count)))
        twins = np.column_stack([index[here] - first, frame[index[here]], view.twins["chain"][here]]).astype(np.int64)
        rows, path = slice(first, first + count), store_path(frames, view.sequence, view.camera)
        yield Piece(str(view), path, len(frame), first, view.size, frame[rows], box[rows], (view.sequence, view.camera, twins), plate)


# ---- one piece


def _crop_piece(truth: Path | None, image_size: tuple[int, int], piece: Piece) -> Columns:
    """The images of a piece, of its twins and, with a plate, of its backgrounds, by their names in a pack."""
    with FrameStore(piece.path) as store:
        rows = range(piece.first, piece.first + len(piece.frame))
        if store.size != piece.size or len(store) != piece.stored or not np.array_equal(store.frame[rows.start : rows.stop], piece.frame):
            raise UserError(f"{piece.view}: stored frames and poses do not belong together; run the stages `extract` and `project` again")
        crops = [crop_image(store[row], box, piece.size, image_size) for row, box in zip(rows, piece.box, strict=True)]
        pictures = () if truth is None else _twins(truth, piece)
        twins = [_crop_twin(image, piece.box[row], piece.size, store.stored, image_size) for row, image in pictures]
    images = {"image": _stack(crops, image_size), "twins/image": _stack(twins, image_size)}
    if piece.plate is not None:
        images[BACKGROUND] = np.array([crop_plate(piece.plate, one, piece.size, image_size) for one in piece.box], np.uint8)
    return images


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


def _twins(truth: Path, piece: Piece) -> Iterator[tuple[int, np.ndarray]]:
    """(row of the original, full picture (h, w, 3) uint8 RGB) of each twin, found by its frame and limb chain."""
    sequence, camera, twins = piece.twins
    if not len(twins):
        return
    with open_truth(truth) as sequences:
        images = find_images(_group(sequences, f"{sequence}/{camera}"), {(frame, chain) for _, frame, chain in twins.tolist()})
    for row, frame, chain in twins.tolist():
        image = decode(images[frame, chain]) if (frame, chain) in images else None
        if image is None or image.shape[1::-1] != piece.size:
            raise UserError(f"{piece.view}: expected in {truth} a picture of the video's size for the twin of frame {frame}, limb chain {chain}")
        yield row, image
