"""Packs of faces: one of the people who are trained on, one of the others, so that no person can be in both."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.config.faces import FaceDataConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.datasets.fei.landmarks import detector, has_landmarks, read_landmarks, read_sizes
from pipeline.datasets.fei.layout import Picture, find_pictures, split_people
from pipeline.packs.pack import Columns, no_twins, pack_files, pack_path, write_pack
from pipeline.parallel import run_parallel
from pipeline.pose.crop import crop_image, middle_box, to_crop
from pipeline.utils.errors import UserError
from pipeline.utils.files import atomic_folder, check_replaceable, write_json
from pipeline.utils.images import PictureError, read_picture
from pipeline.utils.numbers import MOST_PX

MIN_EXTENT = 8.0  # px of the image; landmarks that span less are no face
_UNITS = "image: RGB; pose_2d: the 68 landmarks in px of the image, pixel centres at whole numbers; label, pose_3d: a face has none"
NO_FACE, DAMAGED, OTHER_SIZE = "no face was found", "it cannot be read", "the file of landmarks says another size"
_SHARES = {"train": "trained on", "test": "scored"}


def pack_faces(folder: Path, data: FaceDataConfig, parallel: ParallelConfig) -> None:
    """Read the pictures below `data.root` and write the packs and report.json to `folder`.

    Pictures that cannot be read (damaged, or too large), those of another size than their landmarks are of, those without landmarks, and those in
    which dlib finds no face, are left out, and listed in the report. Raises UserError that names the file where landmarks are damaged, or not
    those of their picture.
    """
    check_replaceable(folder, pack_files(data.subjects))
    root = Path(data.root)
    pictures = find_pictures(root, data.views)
    train, test = split_people([picture.person for picture in pictures], data.test_share, data.seed)
    kept = _with_landmarks(root, pictures, data.predictor)
    sizes = read_sizes(root)
    there = [(picture, points, sizes.get(picture.path.name)) for picture, points in kept if not isinstance(points, str)]
    made = run_parallel(partial(_row_of_face, data.image_size), there, parallel, "pack faces")
    rows = [(picture.person, row) for (picture, *_), row in zip(there, made, strict=True) if not isinstance(row, str)]
    reasons = {picture: points for picture, points in kept if isinstance(points, str)}
    reasons |= {picture: row for (picture, *_), row in zip(there, made, strict=True) if isinstance(row, str)}
    left_out = [{"picture": picture.path.name, "reason": reasons[picture]} for picture in pictures if picture in reasons]
    with atomic_folder(folder, pack_files(data.subjects)) as new:
        for name, people in zip(data.subjects, (train, test), strict=True):
            _write(pack_path(new, name), name, [row for person, row in rows if person in people], data.image_size)
        people_report = {"train": train, "test": test}
        write_json(new / "report.json", {"pictures": len(rows), "people": people_report, "left_out": left_out})


def _with_landmarks(root: Path, pictures: Sequence[Picture], predictor: str | None) -> list[tuple[Picture, np.ndarray | str]]:
    """Each picture with its landmarks, or with why there are none: from the folder's file or, without one, from dlib."""
    if predictor is None or has_landmarks(root):
        found = read_landmarks(root, [picture.path.name for picture in pictures])
        return [(picture, found.get(picture.path.name, NO_FACE)) for picture in pictures]
    detect = detector(Path(predictor))
    return [(picture, _detected(detect, picture)) for picture in pictures]


def _detected(detect: Callable[[np.ndarray], np.ndarray | None], picture: Picture) -> np.ndarray | str:
    """The landmarks that dlib finds in a picture, or why there are none."""
    try:
        points = detect(read_picture(picture.path))
    except PictureError:
        return DAMAGED
    return NO_FACE if points is None else points


def _row_of_face(image_size: tuple[int, int], item: tuple[Picture, np.ndarray, tuple[float, float] | None]) -> Columns | str:
    """One row of a pack, or why the picture is left out."""
    picture, points, size = item
    try:
        image = read_picture(picture.path)
    except PictureError:
        return DAMAGED
    height, width = image.shape[:2]
    if size not in (None, (width, height)):
        return OTHER_SIZE
    box = middle_box((height, width), image_size)
    placed = to_crop(points[None], box[None], image_size)
    inside = ((points > -1) & (points < (width, height))).all(axis=1).mean()
    seen = ((placed[0] > -1) & (placed[0] < image_size[::-1])).any()
    if np.ptp(placed[0], axis=0).max() < MIN_EXTENT or not seen or inside < 0.5 or np.abs(placed).max() > MOST_PX:
        raise UserError(f"{picture.path}: expected landmarks in px of this picture, {width} x {height}, found others; check the file of landmarks")
    columns = {
        "image": crop_image(image, box, (width, height), image_size)[None],
        "pose_2d": placed.astype(np.float32),
        "label": np.zeros((1, 0), np.int8),
        "pose_3d": np.zeros((1, 0, 3), np.float32),
        "frame": np.array([int(picture.view)], np.int32),
    }
    text = {"sequence": "rotation", "identity": str(picture.person), "action": f"view {picture.view}", "camera": picture.view}
    return columns | {name: np.array([value], dtype=object) for name, value in text.items()}


def _write(path: Path, name: str, rows: Sequence[Columns], image_size: tuple[int, int]) -> None:
    if not rows:
        raise UserError(
            f"the people that are {_SHARES[name]} have no picture with landmarks that can be read; add some, or change data.seed or data.test_share"
        )
    write_pack(path, name, _UNITS, rows, [no_twins(image_size)])
