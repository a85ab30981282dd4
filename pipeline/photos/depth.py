"""Depth labels made by hand: `depth.csv`, one row per picture.

    name,right_thigh,right_calf,left_thigh,left_calf,left_upper_arm,left_forearm,right_upper_arm,right_forearm
    WOMENDressesid0000553705_4full.jpg,0,-1,0,0,1,1,,

A limb is in front (1), in the plane of the torso (0), occluded (-1), or nobody has said so yet (empty).
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import UserError
from pipeline.files import atomic_file
from pipeline.skeleton import LIMB_NAMES

FILE_NAME = "depth.csv"
HEADER = ("name", *LIMB_NAMES)
Labels = tuple[int | None, ...]  # of the eight limbs, in the order of `skeleton.LIMB_NAMES`
NOT_YET: Labels = (None,) * len(LIMB_NAMES)
_VALUES = {"-1": -1, "0": 0, "1": 1, "+1": 1, "": None}
_WORDS = {-1: "occluded", 0: "in the plane", 1: "in front"}


@dataclass(frozen=True)
class Disagreement:
    """A limb that two files label differently."""

    name: str
    limb: str
    first: int
    second: int

    def __str__(self) -> str:
        return f"{self.name}, {self.limb}: {_WORDS[self.first]} in the first, {_WORDS[self.second]} in the second"


def read_depth(path: Path) -> dict[str, Labels]:
    """Read labels by the name of the picture; raise UserError with the line where the file holds something else."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: expected a file of depth labels, {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: expected text in UTF-8, found something else") from None
    lines = list(csv.reader(text.splitlines()))
    if not lines or tuple(cell.strip() for cell in lines[0]) != HEADER:
        raise UserError(f"{path}: expected the header {','.join(HEADER)}, found {','.join(lines[0])[:80] if lines else 'nothing'}")
    found: dict[str, Labels] = {}
    for number, row in enumerate(lines[1:], start=2):
        if not row:
            continue
        name, labels = _row(row, f"{path}, line {number}")
        if name in found:
            raise UserError(f"{path}, line {number}: {name} stands twice; remove the line that should not count")
        found[name] = labels
    return found


def _row(row: list[str], where: str) -> tuple[str, Labels]:
    name, *cells = (cell.strip() for cell in row)
    if len(cells) != len(LIMB_NAMES):
        raise UserError(f"{where}: expected a name and {len(LIMB_NAMES)} labels, found {len(cells)} labels")
    for limb, cell in zip(LIMB_NAMES, cells, strict=True):
        if cell not in _VALUES:
            raise UserError(f"{where}, {limb}: expected -1, 0, 1 or nothing, found {cell}")
    return name, tuple(_VALUES[cell] for cell in cells)


def write_depth(path: Path, labels: Mapping[str, Labels]) -> None:
    """Write labels, sorted by name, whole or not at all; pictures of which nothing is known have no row."""
    with atomic_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for name in sorted(labels):
            if labels[name] != NOT_YET:
                writer.writerow([name, *("" if label is None else label for label in labels[name])])


def merge_depth(first: Mapping[str, Labels], second: Mapping[str, Labels]) -> tuple[dict[str, Labels], list[Disagreement]]:
    """Bring the labels of two people together; where they disagree the limb is left empty, to be looked at again, and listed."""
    merged: dict[str, Labels] = {}
    faults: list[Disagreement] = []
    for name in sorted({*first, *second}):
        pairs = list(zip(LIMB_NAMES, first.get(name, NOT_YET), second.get(name, NOT_YET), strict=True))
        faults += [Disagreement(name, limb, a, b) for limb, a, b in pairs if a is not None and b is not None and a != b]
        merged[name] = tuple(a if b is None or a == b else b if a is None else None for _, a, b in pairs)
    return merged, faults
