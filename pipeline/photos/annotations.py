"""The field's files about photos: keypoints, pairs, lists of names.

Keypoints are a CSV with `:` between its columns, as PG2's successors share it for DeepFashion and Market-1501:

    name:keypoints_y:keypoints_x
    fasionWOMENDressesid0000553705_4full.jpg: [24, 49, 49, ...]: [129, 122, 98, ...]

Two JSON lists of 18 numbers each, **y first**, in px of the picture, in the order of `skeleton.COCO_18`; -1 is a keypoint that is missing.
Pairs are a CSV `from,to`, lists have a name per line. Who is in a picture is the part of its name before the first `_`.
"""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.errors import UserError
from pipeline.files import atomic_file, write_text
from pipeline.skeleton import COCO_18

HEADER = ("name", "keypoints_y", "keypoints_x")
PAIRS_HEADER = ("from", "to")
MISSING = -1
COUNT = len(COCO_18)
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
    """Who is in the picture called `name`."""
    return name.partition("_")[0].partition(".")[0]


def read_annotations(path: Path) -> Annotations:
    """Read a file of keypoints; raise UserError with the line where it holds something else."""
    points: dict[str, np.ndarray] = {}
    empty, damaged = [], []
    for number, row in _rows(path, ":", HEADER):
        name, *lists = (cell.strip() for cell in row)
        where = f"{path}, line {number}, {name}"
        if name in points or name in empty or name in damaged:
            raise UserError(f"{where}: this picture stands twice; remove the line that should not count")
        if any(_NUMPY_2.search(text) for text in lists):
            damaged.append(name)
            continue
        y, x = (_numbers(text, where) for text in lists)
        found = np.array([x, y], np.float32).T
        found[(found == MISSING).any(axis=1)] = np.nan
        if np.isnan(found).all():
            empty.append(name)
        else:
            points[name] = found
    return Annotations(points, tuple(empty), tuple(damaged))


def write_annotations(path: Path, points: Mapping[str, np.ndarray]) -> None:
    """Write keypoints, name -> (18, 2), x and y in px, NaN where missing, rounded to whole px, sorted by name."""
    with atomic_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        file.write(":".join(HEADER) + "\n")
        for name in sorted(points):
            x, y = np.nan_to_num(np.rint(points[name]), nan=MISSING).astype(int).T.tolist()
            file.write(f"{name}: {json.dumps(y)}: {json.dumps(x)}\n")


def read_pairs(path: Path) -> list[tuple[str, str]]:
    """Read pairs of names, source and target; raise UserError where a line holds something else, or two different people."""
    pairs = []
    for number, (source, target) in _rows(path, ",", PAIRS_HEADER):
        if identity(source) != identity(target):
            raise UserError(f"{path}, line {number}: expected two pictures of one person, found {identity(source)} and {identity(target)}")
        pairs.append((source, target))
    return pairs


def write_pairs(path: Path, pairs: Sequence[tuple[str, str]]) -> None:
    """Write pairs of names, source and target."""
    with atomic_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([PAIRS_HEADER, *pairs])


def read_list(path: Path) -> list[str]:
    """Read a list of names, one per line; blank lines do not count."""
    return [line.strip() for line in _text(path).splitlines() if line.strip()]


def write_list(path: Path, names: Sequence[str]) -> None:
    """Write a list of names."""
    write_text(path, "".join(f"{name}\n" for name in names))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: expected a text file, {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: expected text in UTF-8, found something else") from None


def _rows(path: Path, delimiter: str, header: Sequence[str]) -> list[tuple[int, list[str]]]:
    """The rows after the header, with the numbers of their lines; raise UserError where one has other columns."""
    lines = list(csv.reader(_text(path).splitlines(), delimiter=delimiter, quoting=csv.QUOTE_NONE))
    if not lines or [cell.strip() for cell in lines[0]] != list(header):
        found = delimiter.join(lines[0]) if lines else "nothing"
        raise UserError(f"{path}: expected the header {delimiter.join(header)}, found {found[:80]}")
    rows = [(number, row) for number, row in enumerate(lines[1:], start=2) if row]
    for number, row in rows:
        if len(row) != len(header):
            raise UserError(f"{path}, line {number}: expected {len(header)} columns between `{delimiter}`, found {len(row)}")
    return rows


def _numbers(text: str, where: str) -> list[float]:
    try:
        values = json.loads(text)
    except ValueError:
        raise UserError(f"{where}: expected a JSON list of {COUNT} numbers, found {text[:60]}") from None
    if not isinstance(values, list) or len(values) != COUNT or not all(isinstance(value, int | float) for value in values):
        found = f"{len(values)} entries" if isinstance(values, list) else text[:60]
        raise UserError(f"{where}: expected a list of {COUNT} numbers, found {found}")
    return values
