"""The 68 landmarks of a face (iBUG's order, as dlib finds them): files that hold them, and finding them with dlib.

A folder of pictures holds its landmarks in one of three forms, all in px of the picture, x to the right, y down, in iBUG's order:

- `landmarks.csv`: a header `name,x0,y0,...,x67,y67`, then a row per picture. Pixel centres lie at whole numbers, the first at 0.
- `landmarks.xml`: dlib's format, `<image file='1-01.jpg'><box ...><part name='00' x='..' y='..'/>...`, as its tool imglab writes it, counted
  from 0. The first box of an image counts.
- `1-01.pts` beside each `1-01.jpg`: iBUG's format, `version: 1`, `n_points: 68`, `{`, a line `x y` each, `}`. It counts from 1, as MATLAB does.

A picture that is not in the file, a row without numbers, or one that dlib finds no face in, is left out and listed. Nothing is guessed.
"""

import csv
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from pipeline.errors import UserError
from pipeline.files import atomic_file
from pipeline.skeleton import IBUG_68

CSV_NAME, XML_NAME = "landmarks.csv", "landmarks.xml"
COUNT = len(IBUG_68)
HEADER = ["name", *(f"{axis}{number}" for number in range(COUNT) for axis in "xy")]
PREDICTOR_HINT = "http://dlib.net/files/shape_predictor_68_face_landmarks.dat.bz2, unpacked"

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


def has_landmarks(root: Path) -> bool:
    """Whether the folder holds a file of landmarks of any kind."""
    return (root / CSV_NAME).is_file() or (root / XML_NAME).is_file() or any(root.glob("*.pts"))


def read_csv(path: Path) -> dict[str, np.ndarray]:
    """Landmarks in a table; rows without any number are left out. Raises UserError that names a damaged row."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    if not rows or rows[0] != HEADER:
        found = ",".join(rows[0][:3]) if rows else "nothing"
        raise UserError(f"{path}: expected the header name,x0,y0,...,x{COUNT - 1},y{COUNT - 1}, found {found}...")
    return {row[0]: _points(path, f"row {number}", row[1:]) for number, row in enumerate(rows[1:], 2) if any(row[1:])}


def write_csv(path: Path, found: Found) -> None:
    """Write landmarks (68, 2) px by picture, to a hundredth of a pixel."""
    with atomic_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows([name, *(f"{value:.2f}" for value in points.ravel())] for name, points in found.items())


def read_xml(path: Path) -> dict[str, np.ndarray]:
    """Landmarks in dlib's format; images without a box are left out. Raises UserError that names a damaged image."""
    try:
        images = ElementTree.parse(path).getroot().iter("image")
    except ElementTree.ParseError as error:
        raise UserError(f"{path}: expected XML as dlib writes it, {error}") from None
    found = {}
    for image in images:
        name, box = Path(image.get("file", "")).name, image.find("box")
        if box is not None:
            parts = sorted(box.iter("part"), key=lambda part: part.get("name", ""))
            found[name] = _points(path, name, [part.get(axis, "") for part in parts for axis in "xy"])
    return found


def read_pts(path: Path) -> np.ndarray:
    """Landmarks in iBUG's format, (68, 2) px with the first pixel at 0; raises UserError where the file is damaged."""
    text = path.read_text(encoding="utf-8", errors="replace")
    match = re.search(r"\{(.*)\}", text, re.DOTALL)
    if match is None:
        raise UserError(f"{path}: expected n_points: {COUNT} and their x and y in braces, found no braces")
    return _points(path, "points", match[1].split()) - 1


def _points(path: Path, where: str, numbers: list[str]) -> np.ndarray:
    try:
        values = np.array(numbers, dtype=np.float64)
    except ValueError:
        values = np.zeros(0)
    if values.size != 2 * COUNT or not np.isfinite(values).all():
        raise UserError(f"{path}, {where}: expected {COUNT} landmarks, x and y each, found {len(numbers)} values that are not all numbers")
    return values.reshape(COUNT, 2)


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
