"""The 68 landmarks of a face (iBUG's order, as dlib finds them): files that hold them, and finding them with dlib.

A folder of pictures holds its landmarks in one of three forms, all in px of the picture, x to the right, y down, in iBUG's order:

- `landmarks.csv`: a header `name,x0,y0,...,x67,y67`, then a row per picture. Pixel centres lie at whole numbers, the first at 0.
- `landmarks.xml`: dlib's format, `<image file='1-01.jpg'><box ...><part name='00' x='..' y='..'/>...`, as its tool imglab writes it, counted
  from 0. Parts go by their numbers, `0` or `00` to `67`, in any order. The first box of an image counts. Of the name of a file only its last
  part does: pictures are those of the folder.
- `1-01.pts` beside each `1-01.jpg`: iBUG's format, `version: 1`, `n_points: 68`, `{`, a line `x y` each, `}`. It counts from 1, as MATLAB does.

A picture that is not in the file, a row without numbers, or one that dlib finds no face in, is left out and listed. Nothing is guessed: a file
that says a picture twice, lacks a landmark, has one twice, or numbers that are not finite and of a picture, is an error.
"""

import csv
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PureWindowsPath
from typing import Any
from xml.etree import ElementTree

import numpy as np

from pipeline.pose.skeleton import IBUG_68
from pipeline.utils.errors import UserError, shown
from pipeline.utils.files import atomic_file, machine_faults
from pipeline.utils.files import read_csv as read_rows
from pipeline.utils.numbers import MOST_PX, check_numbers

CSV_NAME, XML_NAME = "landmarks.csv", "landmarks.xml"
COUNT = len(IBUG_68)
HEADER = ["name", *(f"{axis}{number}" for number in range(COUNT) for axis in "xy")]
PREDICTOR_HINT = "http://dlib.net/files/shape_predictor_68_face_landmarks.dat.bz2, unpacked"

MOST_BYTES = 2**28  # of a file of landmarks
_PART = re.compile(r"[0-9]{1,3}")

Found = Mapping[str, np.ndarray]  # name of a picture -> (68, 2) float64, px


def read_landmarks(root: Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """The landmarks of those of the pictures `names` in `root` that have any: name -> (68, 2) float64, px.

    Raises UserError where there is no file of landmarks, where there are several kinds, or where one is damaged.
    """
    wanted = list(names)
    points = [root / f"{Path(name).stem}.pts" for name in wanted]
    kinds = [path.name for path in (root / CSV_NAME, root / XML_NAME) if path.is_file()] + [".pts files"] * any(path.is_file() for path in points)
    if not kinds:
        raise UserError(
            f"{root}: expected {CSV_NAME}, {XML_NAME} or a .pts file beside each picture, found none; "
            "give dlib's predictor in data.predictor to find the landmarks"
        )
    if len(kinds) > 1:
        raise UserError(f"{root}: expected one kind of landmarks, found {' and '.join(kinds)}; remove those that should not count")
    if kinds[0] == CSV_NAME:
        found = read_csv(root / CSV_NAME)
    elif kinds[0] == XML_NAME:
        found = read_xml(root / XML_NAME)
    else:
        found = {name: read_pts(path) for name, path in zip(wanted, points, strict=True) if path.is_file()}
    return {name: found[name] for name in wanted if name in found}


def read_sizes(root: Path) -> dict[str, tuple[float, float]]:
    """The size that the file of landmarks says a picture has, name -> (width, height) px: newer versions of imglab write it into their XML."""
    sizes = {}
    path = root / XML_NAME
    for number, image in enumerate(_parse(path).iter("image") if path.is_file() else ()):
        said = [image.get(side) for side in ("width", "height")]
        if said != [None, None]:
            width, height = (_number(text or "") for text in said)
            check_numbers(np.array([width, height]), MOST_PX, f"{path}, image {number}", "width and height")
            sizes[_picture_name(image)] = (width, height)
    return sizes


def has_landmarks(root: Path) -> bool:
    """Whether the folder holds a file of landmarks of any kind."""
    return (root / CSV_NAME).is_file() or (root / XML_NAME).is_file() or any(root.glob("*.pts"))


def read_csv(path: Path) -> dict[str, np.ndarray]:
    """Landmarks in a table; rows without any number are left out. Raises UserError that names a damaged row."""
    rows = read_rows(path)
    if not rows or rows[0][1] != HEADER:
        found = shown(",".join(rows[0][1][:3])) if rows else "nothing"
        raise UserError(f"{path}: expected the header name,x0,y0,...,x{COUNT - 1},y{COUNT - 1}, found {found}")
    found_points: dict[str, np.ndarray] = {}
    for number, (name, *cells) in rows[1:]:
        _check_new(path, f"row {number}", name, found_points)
        found_points[name] = _points(path, f"row {number}", cells) if any(cells) else _NOTHING
    return _those_with_points(found_points)


def write_csv(path: Path, found: Found) -> None:
    """Write landmarks (68, 2) px by picture, to a hundredth of a pixel."""
    with atomic_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows([name, *(f"{value:.2f}" for value in points.ravel())] for name, points in found.items())


def read_xml(path: Path) -> dict[str, np.ndarray]:
    """Landmarks in dlib's format; images without a box are left out. Raises UserError that names a damaged image."""
    found: dict[str, np.ndarray] = {}
    for number, image in enumerate(_parse(path).iter("image")):
        name, box = _picture_name(image), image.find("box")
        where = f"image {number}, {shown(name)}"
        _check_new(path, where, name, found)
        found[name] = _NOTHING if box is None else _points(path, where, _parts(path, where, box))
    return _those_with_points(found)


def _picture_name(image: ElementTree.Element) -> str:
    return PureWindowsPath(image.get("file", "")).name  # which takes both kinds of slash


class _NoDoctype(ElementTree.TreeBuilder):
    """A document type can define texts that grow without end, and lead to other files; dlib writes none."""

    def doctype(self, *_: object) -> None:
        raise ValueError("found a document type (DOCTYPE); remove it")


def _parse(path: Path) -> ElementTree.Element:
    try:
        with machine_faults(path):
            if path.stat().st_size > MOST_BYTES:
                raise UserError(f"{path}: expected at most {MOST_BYTES} bytes of XML, found {path.stat().st_size}")
            return ElementTree.parse(path, ElementTree.XMLParser(target=_NoDoctype())).getroot()
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise UserError(f"{path}: expected XML as dlib writes it, {error}") from None


def _parts(path: Path, where: str, box: ElementTree.Element) -> list[str]:
    """x and y of the landmarks of a box, as they stand in the file, in the order of their numbers."""
    parts: dict[int, ElementTree.Element] = {}
    for part in box.iter("part"):
        name = part.get("name", "")
        number = int(name) if _PART.fullmatch(name) else COUNT
        if number >= COUNT or number in parts:
            wrong = "twice" if number in parts else "as the name of a part"
            raise UserError(f"{path}, {where}: expected {COUNT} landmarks, parts named 00 to {COUNT - 1}, each once, found {shown(name)} {wrong}")
        parts[number] = part
    missing = [f"{number:02d}" for number in range(COUNT) if number not in parts]
    if missing:
        raise UserError(f"{path}, {where}: expected {COUNT} landmarks, found {len(parts)}; missing: {', '.join(missing[:5])}")
    return [parts[number].get(axis, "") for number in range(COUNT) for axis in "xy"]


def read_pts(path: Path) -> np.ndarray:
    """Landmarks in iBUG's format, (68, 2) px with the first pixel at 0; raises UserError where the file is damaged."""
    with machine_faults(path), path.open(encoding="utf-8", errors="replace") as file:
        text = file.read(MOST_BYTES)
    head, brace, rest = text.partition("{")
    inside, other, _ = rest.partition("}")
    if not brace or not other:
        raise UserError(f"{path}: expected n_points: {COUNT} and their x and y in braces, found no braces")
    said = re.search(r"n_points:\s*(\S+)", head)
    if said and said[1] != str(COUNT):
        raise UserError(f"{path}: expected n_points: {COUNT}, found {shown(said[1])}")
    return _points(path, "points", inside.split()) - 1


_NOTHING = np.zeros((0, 2))  # of a picture that the file names, without landmarks


def _those_with_points(found: Found) -> dict[str, np.ndarray]:
    return {name: points for name, points in found.items() if len(points)}


def _check_new(path: Path, where: str, name: str, found: Found) -> None:
    if name in found:
        raise UserError(f"{path}, {where}: expected each picture once, found {shown(name)} again; remove what should not count")


def _points(path: Path, where: str, numbers: Sequence[str]) -> np.ndarray:
    """(68, 2) float64 px; raise UserError unless there are that many finite numbers, in the range of a picture."""
    if len(numbers) != 2 * COUNT:
        raise UserError(f"{path}, {where}: expected {COUNT} landmarks, x and y each, found {len(numbers)} numbers")
    values = np.array([_number(text) for text in numbers]).reshape(COUNT, 2)
    if np.isnan(values).any():
        found = next(text for text, value in zip(numbers, values.ravel(), strict=True) if np.isnan(value))
        raise UserError(f"{path}, {where}: expected {COUNT} landmarks, x and y each, found {shown(found)}, which is not a number")
    check_numbers(values, MOST_PX, f"{path}, {where}", "landmarks")
    return values


def _number(text: str) -> float:
    """NaN where it is none."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


def detector(predictor: Path) -> Callable[[np.ndarray], np.ndarray | None]:
    """Dlib's face detector and landmark predictor: from (h, w, 3) uint8 RGB to (68, 2) px, or None where it finds no face.

    Raises UserError where dlib is not installed, or where the file is not a predictor of 68 landmarks.
    """
    try:
        import dlib
    except ModuleNotFoundError:
        raise UserError(f"data.predictor = {predictor}: needs the package `dlib`; install `pose25d[landmarks]`") from None
    if not predictor.is_file():
        raise UserError(f"data.predictor = {predictor}: not found; it is at {PREDICTOR_HINT}")
    try:
        find, predict = dlib.get_frontal_face_detector(), dlib.shape_predictor(str(predictor))
    except RuntimeError as error:
        raise UserError(f"{predictor}: expected dlib's predictor of {COUNT} landmarks ({error}); it is at {PREDICTOR_HINT}") from None

    def detect(image: np.ndarray) -> np.ndarray | None:
        boxes: Any = find(image, 1)
        if not boxes:
            return None
        shape = predict(image, max(boxes, key=lambda box: box.area()))
        if shape.num_parts != COUNT:
            raise UserError(f"{predictor}: expected a predictor of {COUNT} landmarks, found {shape.num_parts}; it is at {PREDICTOR_HINT}")
        return np.array([(point.x, point.y) for point in shape.parts()], np.float64)

    return detect
