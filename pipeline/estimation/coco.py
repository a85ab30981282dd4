"""COCO's keypoint files as packs: `person_keypoints_*.json` and a folder of its pictures (cocodataset.org, format of object and keypoint detection).

Each annotated person becomes a row: cut out by the box of the annotation, the 17 keypoints and the neck between the shoulders, those that are not
labelled (visibility 0) NaN. Crowds and people with few keypoints are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.config.parallel import ParallelConfig
from pipeline.crop import crop_box, crop_image, to_crop
from pipeline.errors import UserError
from pipeline.estimation.onnx_pose import COCO_17, to_18
from pipeline.files import read_json
from pipeline.frame_store import decode_image
from pipeline.pack import Columns, write_pack
from pipeline.parallel import run_parallel

_UNITS = "image: RGB; pose_2d: the 18 keypoints of OpenPose on COCO, px of the crop, NaN where they are not labelled; label, pose_3d: none"


@dataclass(frozen=True)
class CocoPerson:
    """One annotation: the picture, its number, the box (4,) x0, y0, x1, y1 px, and the keypoints (18, 2) px, NaN where not labelled."""

    picture: Path
    image: int
    box: np.ndarray
    points: np.ndarray


def pack_coco(annotations: Path, pictures: Path, path: Path, size: tuple[int, int], margin: float, fewest: int, parallel: ParallelConfig) -> int:
    """Write the people of a keypoint file as one pack; returns how many.

    size : height and width of the crops, px; margin : share of the crop that is left free around the box; fewest : keypoints of a person
    Raises UserError with the place where the file is not of COCO's form, where a picture is missing or damaged, or where nobody is left.
    """
    people = list(read_people(annotations, pictures, fewest))
    if not people:
        raise UserError(f"{annotations}: expected people with at least {fewest} labelled keypoints, found none")
    rows = run_parallel(partial(_row, size, margin), people, parallel, "pack people")
    twins: Columns = {
        "image": np.zeros((0, *size, 3), np.uint8),
        "row": np.zeros(0, np.int32),
        "chain": np.zeros(0, np.int8),
        "label": np.zeros((0, 0), np.int8),
        "pose_3d": np.zeros((0, 0, 3), np.float32),
    }
    write_pack(path, path.stem, _UNITS, rows, [twins])
    return len(rows)


def read_people(annotations: Path, pictures: Path, fewest: int) -> Iterator[CocoPerson]:
    """The people of a keypoint file, in its order."""
    content = read_json(annotations)
    try:
        names = {image["id"]: image["file_name"] for image in content["images"]}
        entries = content["annotations"]
    except (KeyError, TypeError):
        raise UserError(f"{annotations}: expected COCO's lists `images` and `annotations`, found other content") from None
    for number, entry in enumerate(entries):
        person = _read(entry, names, f"{annotations}, annotation {number}", pictures)
        if person is not None and (~np.isnan(person.points[:, 0])).sum() >= fewest:
            yield person


def _read(entry: Any, names: dict[int, str], where: str, pictures: Path) -> CocoPerson | None:
    try:
        if entry.get("iscrowd"):
            return None
        keypoints, (x, y, width, height) = np.array(entry["keypoints"], np.float64), entry["bbox"]
        name = names[entry["image_id"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{where}: expected `image_id` of the file, `bbox` of four numbers and `keypoints`, {type(error).__name__} {error}") from None
    if keypoints.shape != (3 * len(COCO_17),):
        raise UserError(f"{where}: expected {3 * len(COCO_17)} numbers in `keypoints`, found {keypoints.size}")
    points = keypoints.reshape(-1, 3)[:, :2].copy()
    points[keypoints[2::3] == 0] = np.nan
    return CocoPerson(pictures / name, int(entry["image_id"]), np.array((x, y, x + width, y + height), np.float64), to_18(points))


def _row(size: tuple[int, int], margin: float, person: CocoPerson) -> Columns:
    try:
        image = decode_image(np.frombuffer(person.picture.read_bytes(), np.uint8))
    except OSError as error:
        raise UserError(f"{person.picture}: expected a picture of the keypoint file, {error.strerror}") from None
    if image is None:
        raise UserError(f"{person.picture}: expected a picture, found a damaged file; fetch it again")
    box = crop_box(person.box.reshape(1, 2, 2), size, margin)
    columns = {
        "image": crop_image(image, box[0], (image.shape[1], image.shape[0]), size)[None],
        "pose_2d": to_crop(person.points[None], box, size).astype(np.float32),
        "label": np.zeros((1, 0), np.int8),
        "pose_3d": np.zeros((1, 0, 3), np.float32),
        "frame": np.zeros(1, np.int32),
    }
    text = {"sequence": person.picture.name, "identity": str(person.image), "action": "photo", "camera": "photo"}
    return columns | {key: np.array([value], dtype=object) for key, value in text.items()}
