"""The field's files about photos: keypoints, pairs, lists of names.

Keypoints are a CSV with `:` between its columns, as PG2's successors share it for DeepFashion and Market-1501:

    name:keypoints_y:keypoints_x
    fasionWOMENDressesid0000553705_4full.jpg: [24, 49, 49, ...]: [129, 122, 98, ...]

Two JSON lists of 18 numbers each, **y first**, in px of the picture, in the order of `skeleton.COCO_18`; -1 is a keypoint that is missing.
A name may hold a `:`, since the last two columns do not.
Pairs are a CSV `from,to`, lists have a name per line. Who is in a picture is the part of its name before the first `_` (`identity`).
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.datasets.photos.tables import check_header, read_lines, read_table
from pipeline.pose.skeleton import COCO_18
from pipeline.utils.errors import UserError, printable
from pipeline.utils.files import atomic_file, read_text, write_text
from pipeline.utils.numbers import MOST_PX, as_number, check_numbers

FILE_NAME = "annotation.csv"  # the usual one, of a folder of photos of one's own
HEADER = ("name", "keypoints_y", "keypoints_x")
PAIRS_HEADER = ("from", "to")
MISSING = -1
COUNT = len(COCO_18)
_IN_SHOP = re.compile(r"(fash?ion)?(WO)?MEN[A-Za-z_]+?id[0-9]{10}(?=_)")
_NUMPY_2 = re.compile(r"\bnp\.\w+\(")


@dataclass(frozen=True)
class Annotations:
    """What a file of keypoints holds.

    points : name of a picture -> (18, 2) float32, x and y in px, NaN where a keypoint is missing
    empty : pictures all of whose keypoints are missing, which no `points` have
    damaged : pictures whose lists were printed by NumPy 2 (`[np.int64(24), ...]`), which is no JSON; no `points` have them either
    """

    points: Mapping[str, np.ndarray]
    empty: tuple[str, ...]
    damaged: tuple[str, ...]


def identity(name: str) -> str:
    """Who is in the picture called `name`.

    The field's names of DeepFashion's pictures have a `_` in some categories, before the person: `fashionWOMENTees_Tanksid0000595506_2side.jpg`.
    """
    known = _IN_SHOP.match(name)
    return known[0] if known else name.partition("_")[0].partition(".")[0]


def read_annotations(path: Path) -> Annotations:
    """Read a file of keypoints; raise UserError with the line where it holds something else."""
    points: dict[str, np.ndarray] = {}
    empty: dict[str, None] = {}
    damaged: dict[str, None] = {}
    for number, (name, *lists) in _keypoint_rows(path):
        where = f"{path}, line {number}, {printable(name)}"
        if name in points or name in empty or name in damaged:
            raise UserError(f"{where}: this picture stands twice; remove the line that should not count")
        if any(_NUMPY_2.search(text) for text in lists):
            damaged[name] = None
            continue
        y, x = (_numbers(text, where) for text in lists)
        found = np.array([x, y], np.float32).T
        found[(found == MISSING).any(axis=1)] = np.nan
        if np.isnan(found).all():
            empty[name] = None
        else:
            points[name] = found
    return Annotations(points, tuple(empty), tuple(damaged))


def read_all_annotations(paths: Sequence[Path]) -> Annotations:
    """The keypoints of several files together; raise UserError where a picture stands in two."""
    points: dict[str, np.ndarray] = {}
    empty: list[str] = []
    damaged: list[str] = []
    for path in paths:
        part = read_annotations(path)
        twice = sorted(points.keys() & part.points.keys())
        if twice:
            raise UserError(f"{path}: {printable(twice[0])} stands in another file of keypoints, too; remove one of the two lines")
        points |= part.points
        empty += part.empty
        damaged += part.damaged
    return Annotations(points, tuple(empty), tuple(damaged))


def check_points(points: np.ndarray, size: tuple[int, int], path: Path) -> None:
    """Raise UserError where keypoints (18, 2) px, NaN where missing, are not of the picture `path`, which is `size` (width, height) px large.

    One at least lies in it, and none is farther outside than the picture is long.
    """
    inside = ((points > -1) & (points < size)).all(axis=1)
    far = ((points < -max(size)) | (points > np.add(size, max(size)))).any(axis=1)
    if far.any() or not inside.any():
        found = "others" if not inside.any() else f"({points[far][0, 0]:.0f}, {points[far][0, 1]:.0f})"
        raise UserError(f"{path}: expected keypoints in px of this picture, {size[0]} x {size[1]}, found {found}; check the file of keypoints")


def write_annotations(path: Path, points: Mapping[str, np.ndarray]) -> None:
    """Write keypoints, name -> (18, 2), x and y in px, NaN where missing, rounded to whole px, sorted by name."""
    write_text(path, ":".join(HEADER) + "\n" + _lines(points))


def add_annotations(path: Path, points: Mapping[str, np.ndarray]) -> list[str]:
    """Add keypoints as `write_annotations` writes them to a file, which keeps every line that it has; the names that it lacked.

    Raises UserError where the file that is there is none of keypoints.
    """
    if not path.exists():
        write_annotations(path, points)
        return sorted(points)
    there, text = known_names(read_annotations(path)), read_text(path, "a text file")
    new = {name: points[name] for name in sorted(points) if name not in there}
    if new:
        write_text(path, text + ("" if text.endswith(("\n", "\r")) else "\n") + _lines(new))
    return list(new)


def known_names(found: Annotations) -> set[str]:
    """The pictures that have a line."""
    return {*found.points, *found.empty, *found.damaged}


def check_annotations(path: Path) -> None:
    """Raise UserError where something is there that is no file of keypoints: it is not to be replaced."""
    if not path.exists():
        return
    try:
        lines = read_lines(path, "a file of keypoints")
        check_header(path, [cell.strip() for cell in lines[0].split(":")], HEADER, ":")
    except UserError as error:
        raise UserError(f"{error}; nothing was changed, give another name") from None


def _lines(points: Mapping[str, np.ndarray]) -> str:
    lines = []
    for name in sorted(points):
        check_numbers(points[name], MOST_PX, name, "keypoints", missing=True)
        x, y = np.nan_to_num(np.rint(points[name]), nan=MISSING).astype(int).T.tolist()
        lines.append(f"{name}: {json.dumps(y)}: {json.dumps(x)}\n")
    return "".join(lines)


def read_pairs(path: Path) -> list[tuple[str, str]]:
    """Read pairs of names, source and target; raise UserError where a line holds something else, or two different people."""
    pairs = []
    for number, row in read_table(path, "a text file", PAIRS_HEADER):
        if len(row) != len(PAIRS_HEADER):
            raise UserError(f"{path}, line {number}: expected {len(PAIRS_HEADER)} columns between `,`, found {len(row)}")
        source, target = row
        if identity(source) != identity(target):
            found = f"{printable(identity(source))} and {printable(identity(target))}"
            raise UserError(f"{path}, line {number}: expected two pictures of one person, found {found}")
        pairs.append((source, target))
    return pairs


def write_pairs(path: Path, pairs: Sequence[tuple[str, str]]) -> None:
    """Write pairs of names, source and target."""
    with atomic_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([PAIRS_HEADER, *pairs])


def read_list(path: Path) -> list[str]:
    """Read a list of names, one per line; blank lines do not count."""
    return [line.strip() for line in read_lines(path, "a text file") if line.strip()]


def write_list(path: Path, names: Sequence[str]) -> None:
    """Write a list of names."""
    write_text(path, "".join(f"{name}\n" for name in names))


def _keypoint_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows after the header, with the numbers of their lines; raise UserError where one has too few columns."""
    first, *lines = read_lines(path, "a text file")
    check_header(path, [cell.strip() for cell in first.split(":")] if first else [], HEADER, ":")
    for number, line in enumerate(lines, start=2):
        row = [cell.strip() for cell in line.rsplit(":", len(HEADER) - 1)]
        if len(row) == len(HEADER):
            yield number, row
        elif row != [""]:
            raise UserError(f"{path}, line {number}: expected {len(HEADER)} columns between `:`, found {len(row)}")


def _numbers(text: str, where: str) -> list[float]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        raise UserError(f"{where}: expected a JSON list of {COUNT} numbers, found {printable(text, 60)}") from None
    if not isinstance(values, list) or len(values) != COUNT:
        found = f"{len(values)} entries" if isinstance(values, list) else printable(text, 60)
        raise UserError(f"{where}: expected a list of {COUNT} numbers, found {found}")
    return [as_number(value, MOST_PX, where, "a keypoint") for value in values]
