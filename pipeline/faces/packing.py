"""Packs of faces: one of the people who are trained on, one of the others, so that no person can be in both."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.config.faces import FaceDataConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.crop import crop_image, middle_box, to_crop
from pipeline.errors import UserError
from pipeline.faces.landmarks import detector, has_landmarks, read_landmarks
from pipeline.faces.layout import Picture, find_pictures, split_people
from pipeline.files import atomic_folder, write_json
from pipeline.frame_store import decode_image
from pipeline.pack import Columns, pack_files, pack_path, write_pack
from pipeline.parallel import run_parallel

MIN_EXTENT = 8.0  # px of the image; landmarks that span less are no face
_UNITS = "image: RGB; pose_2d: the 68 landmarks in px of the image, pixel centres at whole numbers; label, pose_3d: a face has none"
_SHARES = {"train": "trained on", "test": "scored"}


def pack_faces(folder: Path, data: FaceDataConfig, parallel: ParallelConfig) -> None:
    """Read the pictures below `data.root` and write the packs and report.json to `folder`.

    Pictures without landmarks, or in which dlib finds no face, are left out, and listed in the report. Raises UserError that names the file
    where a picture or its landmarks are damaged.
    """
    root = Path(data.root)
    pictures = find_pictures(root, data.views)
    train, test = split_people([picture.person for picture in pictures], data.test_share, data.seed)
    kept = _with_landmarks(root, pictures, data.predictor)
    rows = run_parallel(partial(_row, data.image_size), [item for item in kept if item[1] is not None], parallel, "pack faces")
    left_out = [{"picture": picture.path.name, "reason": "no face was found"} for picture, points in kept if points is None]
    with atomic_folder(folder, pack_files(data.subjects)) as new:
        for name, people in zip(data.subjects, (train, test), strict=True):
            _write(pack_path(new, name), name, [row for person, row in rows if person in people], data.image_size)
        people_report = {"train": train, "test": test}
        write_json(new / "report.json", {"pictures": len(rows), "people": people_report, "left_out": left_out})


def _with_landmarks(root: Path, pictures: Sequence[Picture], predictor: str | None) -> list[tuple[Picture, np.ndarray | None]]:
    """Each picture with its landmarks, or with None: from the folder's file or, without one, from dlib."""
    if predictor is None or has_landmarks(root):
        found = read_landmarks(root, [picture.path.name for picture in pictures])
        return [(picture, found.get(picture.path.name)) for picture in pictures]
    detect = detector(Path(predictor))
    return [(picture, detect(_read(picture.path))) for picture in pictures]


def _row(image_size: tuple[int, int], item: tuple[Picture, np.ndarray]) -> tuple[int, Columns]:
    """One row of a pack, and whose it is."""
    picture, points = item
    image = _read(picture.path)
    height, width = image.shape[:2]
    box = middle_box((height, width), image_size)
    placed = to_crop(points[None], box[None], image_size)
    if np.ptp(placed[0], axis=0).max() < MIN_EXTENT or not ((placed[0] > -1) & (placed[0] < image_size[::-1])).any():
        raise UserError(f"{picture.path}: expected landmarks in px of this picture, {width} x {height}, found others; check the file of landmarks")
    columns = {
        "image": crop_image(image, box, (width, height), image_size)[None],
        "pose_2d": placed.astype(np.float32),
        "label": np.zeros((1, 0), np.int8),
        "pose_3d": np.zeros((1, 0, 3), np.float32),
        "frame": np.array([int(picture.view)], np.int32),
    }
    text = {"sequence": "rotation", "identity": str(picture.person), "action": f"view {picture.view}", "camera": picture.view}
    return picture.person, columns | {name: np.array([value], dtype=object) for name, value in text.items()}


def _read(path: Path) -> np.ndarray:
    image = decode_image(np.frombuffer(path.read_bytes(), np.uint8))
    if image is None:
        raise UserError(f"{path}: expected a JPEG picture, found a damaged file; fetch it again or remove it")
    return image


def _write(path: Path, name: str, rows: Sequence[Columns], image_size: tuple[int, int]) -> None:
    if not rows:
        raise UserError(f"the people that are {_SHARES[name]} have no picture with landmarks; add some, or change data.seed or data.test_share")
    twins: Columns = {
        "image": np.zeros((0, *image_size, 3), np.uint8),
        "row": np.zeros(0, np.int32),
        "chain": np.zeros(0, np.int8),
        "label": np.zeros((0, 0), np.int8),
        "pose_3d": np.zeros((0, 0, 3), np.float32),
    }
    write_pack(path, name, _UNITS, rows, [twins])
