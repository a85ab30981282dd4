"""COCO's keypoint files as packs: `person_keypoints_*.json` and a folder of its pictures (cocodataset.org, format of object and keypoint detection).

Each annotated person becomes a row: cut out by the box of the annotation, the 17 keypoints and the neck between the shoulders, those that are not
labelled (visibility 0) NaN. Keypoints go by the names that the person's category gives them; a file without categories has COCO's order.

What a file says in a wrong form, or contradicts itself in, is an error. People who cannot be used are left out, counted and named: crowds, people
with few keypoints, with a box of no size or with joints far outside their picture, and those whose picture is missing, damaged, too large or of
another size than the file says.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.config.parallel import ParallelConfig
from pipeline.packs.pack import Columns, no_twins, write_pack
from pipeline.parallel import run_parallel
from pipeline.pose.crop import crop_box, crop_image, to_crop
from pipeline.pose.joint_sets import COCO_17, to_18
from pipeline.utils.errors import UserError, shown
from pipeline.utils.files import read_json
from pipeline.utils.numbers import MOST_PX, as_number, check_numbers
from pipeline.utils.pictures import PictureError, read_picture

MOST_BYTES = 2**31  # of a keypoint file
_MOST_ID = 2.0**53  # what every program that writes JSON tells apart
_UNITS = "image: RGB; pose_2d: the 18 keypoints of OpenPose on COCO, px of the crop, NaN where they are not labelled; label, pose_3d: none"
_AS_COCO = tuple(range(3 * len(COCO_17)))  # the columns of `keypoints` in COCO's order
_NO_NAME = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")  # letters that no name of a file has

CROWD, OTHER_KIND, FEW, NO_SIZE = "a crowd", "a category without keypoints", "few labelled keypoints", "a box of no size"
NO_PICTURE, OTHER_SIZE = "no picture that can be read", "a picture of another size than the file says"
OUTSIDE = "joints or a box far outside the picture"


@dataclass(frozen=True)
class CocoPicture:
    """A picture of the file: where it stands, its number, and its (width, height) px, None where the file does not say."""

    path: Path
    number: int
    size: tuple[float, float] | None


@dataclass(frozen=True)
class CocoPerson:
    """One annotation.

    where : it stands in the file; box : (4,) x0, y0, x1, y1 px; points : (18, 2) px, NaN where not labelled
    track : who it is in a video, by the `track_id` that some tools write, None where nobody says so
    """

    where: str
    picture: CocoPicture
    box: np.ndarray
    points: np.ndarray
    track: int | None = None


@dataclass(frozen=True)
class CocoPeople:
    """Who is packed, and who is left out: reason -> the annotations, `annotation 3` where the picture is not to blame, `1.jpg` where it is."""

    people: Sequence[CocoPerson]
    left_out: Mapping[str, Sequence[str]]


def pack_coco(
    annotations: Path, pictures: Path, path: Path, size: tuple[int, int], margin: float, fewest: int, parallel: ParallelConfig
) -> tuple[int, dict[str, list[str]]]:
    """Write the people of a keypoint file as one pack; returns how many, and who was left out: reason -> names of annotations or pictures.

    size : height and width of the crops, px; margin : share of the crop that is left free around the box; fewest : keypoints of a person
    Raises UserError with the place where the file is not of COCO's form, where it names a picture outside the folder, or where nobody is left.
    """
    if path.suffix != ".h5":
        raise UserError(f"{path}: a pack is found by the name of its subject; expected a name that ends in .h5, such as train.h5")
    found = read_people(annotations, pictures, fewest)
    left_out = {reason: list(names) for reason, names in found.left_out.items()}
    rows = []
    for row in run_parallel(partial(_row_of_person, size, margin), found.people, parallel, "pack people"):
        if isinstance(row, tuple):
            reason, name = row
            left_out.setdefault(reason, []).append(name)
        else:
            rows.append(row)
    if not rows:
        why = "".join(f"; {line}" for line in summary(left_out))
        raise UserError(f"{annotations}: expected people with at least {fewest} labelled keypoints, found none that can be used{why}")
    write_pack(path, path.stem, _UNITS, rows, [no_twins(size)])
    return len(rows), left_out


def summary(left_out: Mapping[str, Sequence[str]]) -> list[str]:
    """A line per reason: how many people were left out, and the first of them."""
    lines = []
    for reason, names in left_out.items():
        first = list(dict.fromkeys(names))
        lines.append(f"{len(names)} left out for {reason} ({', '.join(first[:3])}{', ...' if len(first) > 3 else ''})")
    return lines


def read_people(annotations: Path, pictures: Path, fewest: int) -> CocoPeople:
    """The people of a keypoint file, in its order; raise UserError with the place where it says something in a wrong form, or twice."""
    if not pictures.is_dir():
        raise UserError(f"{pictures}: expected the folder of the pictures, found a file")
    content = read_json(annotations, MOST_BYTES)
    parts = content if isinstance(content, dict) else {}
    images, entries, categories = (parts.get(name) for name in ("images", "annotations", "categories"))
    if not isinstance(images, list) or not isinstance(entries, list) or not isinstance(categories, list | None):
        raise UserError(f"{annotations}: expected COCO's lists `images` and `annotations`, found other content")
    places = _Places(annotations, pictures, images, categories)
    people, left_out, ids = list[CocoPerson](), dict[str, list[str]](), set[int]()
    for place, value in enumerate(entries):
        where = f"{annotations}, annotation {place}"
        entry = _object(value, where)
        _check_once(entry, where, ids)
        person = _person(entry, where, places.picture(entry, where), places.columns(entry, where), fewest)
        if isinstance(person, CocoPerson):
            people.append(person)
        else:
            left_out.setdefault(person, []).append(f"annotation {place}")
    return CocoPeople(people, left_out)


def _person(entry: dict[str, Any], where: str, picture: CocoPicture, columns: Sequence[int] | None, fewest: int) -> CocoPerson | str:
    """The person of an annotation, or why it is left out."""
    if _crowd(entry, where):
        return CROWD
    if columns is None:
        return OTHER_KIND
    count = 3 * len(COCO_17)
    keypoints = _numbers(_field(entry, "keypoints", where), count, f"{where}: expected {count} numbers in `keypoints`")[list(columns)].reshape(-1, 3)
    points, seen = keypoints[:, :2].copy(), keypoints[:, 2]
    if not np.isin(seen, (0, 1, 2)).all():
        raise UserError(f"{where}: expected 0, 1 or 2 as the visibility of each keypoint, found {seen[~np.isin(seen, (0, 1, 2))][0]:g}")
    points[seen == 0] = np.nan
    check_numbers(points[seen > 0], MOST_PX, where, "labelled keypoints")
    x, y, width, height = _numbers(_field(entry, "bbox", where), 4, f"{where}: expected four numbers in `bbox`")
    box = np.array((x, y, x + width, y + height), np.float64)
    check_numbers(box, MOST_PX, where, "`bbox`")
    if (~np.isnan(to_18(points)[:, 0])).sum() < fewest:
        return FEW
    track = None if entry.get("track_id") is None else _whole(entry["track_id"], where, "`track_id`")
    return CocoPerson(where, picture, box, to_18(points), track) if min(width, height) >= 1 else NO_SIZE


def _crowd(entry: dict[str, Any], where: str) -> bool:
    value = entry.get("iscrowd", 0)
    if value is not None and (not isinstance(value, int) or value not in (0, 1)):
        raise UserError(f"{where}: expected 0 or 1 as `iscrowd`, found {shown(value)}")
    return bool(value)


class _Places:
    """What the annotations of a file refer to, read when one does: pictures, and the order of keypoints of categories."""

    def __init__(self, annotations: Path, pictures: Path, images: list[Any], categories: list[Any] | None) -> None:
        self._root = Path(os.path.realpath(pictures))
        self._images = _by_id(images, annotations, "image")
        self._categories = None if categories is None else _by_id(categories, annotations, "category")
        self._pictures = dict[int, CocoPicture]()
        self._columns = dict[int, Sequence[int] | None]()

    def picture(self, entry: dict[str, Any], where: str) -> CocoPicture:
        """The picture of an annotation."""
        number = _whole(_field(entry, "image_id", where), where, "`image_id`")
        if number not in self._images:
            raise UserError(f"{where}: expected the `image_id` of one of `images`, found {number}")
        if number not in self._pictures:
            self._pictures[number] = _picture(number, *self._images[number], self._root)
        return self._pictures[number]

    def columns(self, entry: dict[str, Any], where: str) -> Sequence[int] | None:
        """Where the numbers of COCO's keypoints stand in the annotation's `keypoints`; None where its category has no keypoints."""
        if self._categories is None:
            return _AS_COCO
        alone = next(iter(self._categories)) if len(self._categories) == 1 else None
        number = alone if alone is not None and "category_id" not in entry else _whole(_field(entry, "category_id", where), where, "`category_id`")
        if number not in self._categories:
            raise UserError(f"{where}: expected the `category_id` of one of `categories`, found {number}")
        if number not in self._columns:
            self._columns[number] = _columns(*self._categories[number])
        return self._columns[number]


def _columns(category: dict[str, Any], where: str) -> Sequence[int] | None:
    """Where the numbers of COCO's keypoints stand in the annotations of a category, by the names that it lists; None where it lists none."""
    names = category.get("keypoints")
    if not names:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UserError(f"{where}: expected a list of names as `keypoints`, found {shown(names)}")
    wrong = [*sorted(set(names) - set(COCO_17)), *sorted({name for name in names if names.count(name) > 1})]
    missing = [name for name in COCO_17 if name not in names]
    if wrong or missing:
        parts = [f"{what} {', '.join(map(shown, some[:5]))}" for what, some in (("wrong:", wrong), ("missing:", missing)) if some]
        raise UserError(f"{where}: expected the names of COCO's {len(COCO_17)} keypoints, each once, found {len(names)} ({'; '.join(parts)})")
    return [3 * names.index(name) + axis for name in COCO_17 for axis in range(3)]


def _picture(number: int, entry: dict[str, Any], where: str, root: Path) -> CocoPicture:
    """A picture of the file; raise UserError where its name leads out of the folder `root`."""
    name = _field(entry, "file_name", where)
    if not isinstance(name, str) or _NO_NAME.search(name) or not name.strip():
        raise UserError(f"{where}: expected the name of a file as `file_name`, found {shown(name)}")
    path = root / name
    if not Path(os.path.realpath(path)).is_relative_to(root):
        raise UserError(
            f"{where}: expected a picture in {root}, found that `file_name` {shown(name)} leads out of that folder; move the picture there"
        )
    sides = [entry.get(side) for side in ("width", "height")]
    if sides == [None, None]:
        return CocoPicture(path, number, None)
    width, height = (as_number(side, MOST_PX, where, "`width` and `height`") for side in sides)
    return CocoPicture(path, number, (width, height))


def _by_id(entries: list[Any], annotations: Path, kind: str) -> dict[int, tuple[dict[str, Any], str]]:
    """The objects of a list of the file by their `id`, each with where it stands."""
    found: dict[int, tuple[dict[str, Any], str]] = {}
    for place, entry in enumerate(entries):
        where = f"{annotations}, {kind} {place}"
        entry = _object(entry, where)
        number = _whole(_field(entry, "id", where), where, "`id`")
        if number in found:
            raise UserError(f"{where}: expected an `id` of its own, found {number} again; remove one of the two")
        found[number] = entry, where
    return found


def _check_once(entry: dict[str, Any], where: str, ids: set[int]) -> None:
    """Raise UserError where an annotation has the `id` of one before it, which are `ids`; add its own."""
    if entry.get("id") is not None:
        number = _whole(entry["id"], where, "`id`")
        if number in ids:
            raise UserError(f"{where}: expected an `id` of its own, found {number}, which an annotation before it has; remove one of the two")
        ids.add(number)


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UserError(f"{where}: expected an object, found {shown(value)}")
    return value


def _field(entry: dict[str, Any], name: str, where: str) -> Any:
    if name not in entry:
        raise UserError(f"{where}: expected `{name}`, found {shown(list(entry))}")
    return entry[name]


def _whole(value: Any, where: str, what: str) -> int:
    number = as_number(value, _MOST_ID, where, what)
    if number != int(number):
        raise UserError(f"{where}: expected {what} to be a whole number, found {shown(value)}")
    return int(number)


def _numbers(values: Any, count: int, fault: str) -> np.ndarray:
    """(count,) float64 of a list of that many numbers; NaN and infinities are for the caller to judge."""
    if not isinstance(values, list) or not all(type(value) in (int, float) for value in values):
        raise UserError(f"{fault}, found {shown(values)}")
    if len(values) != count:
        raise UserError(f"{fault}, found {len(values)}")
    try:
        return np.array(values, np.float64)
    except OverflowError:
        raise UserError(f"{fault}, found one that is too large") from None


def _row_of_person(size: tuple[int, int], margin: float, person: CocoPerson) -> Columns | tuple[str, str]:
    """The row of a person, or why it is left out, and the name of what is to blame."""
    picture = person.picture
    try:
        image = read_picture(picture.path)
    except PictureError:
        return NO_PICTURE, picture.path.name
    height, width = image.shape[:2]
    if picture.size not in (None, (width, height)):
        return OTHER_SIZE, picture.path.name
    box = crop_box(person.box.reshape(1, 2, 2), size, margin)
    placed = to_crop(person.points[None], box, size)
    apart = (person.box[:2] > (width, height)).any() or (person.box[2:] < 0).any()
    if apart or _far(person.points, width, height) or np.nanmax(np.abs(placed)) > MOST_PX:
        return OUTSIDE, person.where.rpartition(", ")[2]
    columns = {
        "image": crop_image(image, box[0], (width, height), size)[None],
        "pose_2d": placed.astype(np.float32),
        "label": np.zeros((1, 0), np.int8),
        "pose_3d": np.zeros((1, 0, 3), np.float32),
        "frame": np.zeros(1, np.int32),
    }
    text = {"sequence": picture.path.name, "identity": str(picture.number), "action": "photo", "camera": "photo"}
    return columns | {key: np.array([value], dtype=object) for key, value in text.items()}


def _far(points: np.ndarray, width: int, height: int) -> bool:
    """Whether less than half of the known `points` (J, 2) px lie in the picture, or one lies farther outside than the picture is large."""
    known = points[~np.isnan(points[:, 0])]
    inside = ((known > -1) & (known < (width, height))).all(axis=1)
    return bool(inside.mean() < 0.5 or not ((known >= (-width, -height)) & (known <= (2 * width, 2 * height))).all())
