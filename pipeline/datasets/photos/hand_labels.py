"""Depth labels made by hand: `depth.csv`, one row per picture.

    name,right_thigh,right_calf,left_thigh,left_calf,left_upper_arm,left_forearm,right_upper_arm,right_forearm
    WOMENDressesid0000553705_4full.jpg,0,-1,0,0,1,1,,

A limb is in front (1), in the plane of the torso (0), occluded (-1), or nobody has said so yet (empty).
"""

import csv
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.datasets.photos.tables import read_table
from pipeline.pose.labels import UNLABELLED, Labels
from pipeline.pose.skeleton import LIMB_NAMES
from pipeline.utils.errors import UserError, printable
from pipeline.utils.files import atomic_file
from pipeline.utils.locks import locked

FILE_NAME = "depth.csv"
HEADER = ("name", *LIMB_NAMES)
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
        return f"{printable(self.name)}, {self.limb}: {_WORDS[self.first]} in the first, {_WORDS[self.second]} in the second"


def read_label_file(path: Path) -> dict[str, Labels]:
    """Read labels by the name of the picture; raise UserError with the line where the file holds something else."""
    found: dict[str, Labels] = {}
    for number, row in read_table(path, "a file of depth labels", HEADER):
        name, labels = _read_line(row, f"{path}, line {number}")
        if name in found:
            raise UserError(f"{path}, line {number}: {printable(name)} stands twice; remove the line that should not count")
        found[name] = labels
    return found


def _read_line(row: list[str], where: str) -> tuple[str, Labels]:
    name, *cells = row
    if len(cells) != len(LIMB_NAMES):
        raise UserError(f"{where}: expected a name and {len(LIMB_NAMES)} labels, found {len(cells)} labels")
    for limb, cell in zip(LIMB_NAMES, cells, strict=True):
        if cell not in _VALUES:
            raise UserError(f"{where}, {limb}: expected -1, 0, 1 or nothing, found {printable(cell, 60)}")
    return name, tuple(_VALUES[cell] for cell in cells)


@contextmanager
def locked_label_file(path: Path) -> Iterator[None]:
    """Hold the lock of a file of labels, `.<name>.lock` beside it, so that no other process of this project reads and writes it meanwhile.

    Where `path` is a link, the lock lies beside the file that it leads to. Who may write the labels may hold the lock.
    """
    target = Path(os.path.realpath(path))
    lock = target.with_name(f".{target.name}.lock")
    with locked(lock):
        with suppress(OSError):  # the lock is another user's, or there are no labels yet
            was = target.stat()
            os.chown(lock, -1, was.st_gid)
            os.chmod(lock, stat.S_IMODE(was.st_mode) | stat.S_IRUSR | stat.S_IWUSR)
        yield


def write_label_file(path: Path, labels: Mapping[str, Labels], durable: bool = False) -> None:
    """Write labels, sorted by name, whole or not at all; pictures of which nothing is known have no row. `durable`: as for `atomic_file`."""
    with atomic_file(path, durable) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for name in sorted(labels):
            if labels[name] != UNLABELLED:
                writer.writerow([name, *("" if label is None else label for label in labels[name])])


def check_label_file(path: Path) -> None:
    """Raise UserError where something is there that is no file of labels: it is not to be replaced."""
    if path.exists():
        try:
            read_table(path, "a file of depth labels", HEADER)
        except UserError as error:
            raise UserError(f"{error}; nothing was changed, give another name") from None


def merge_labels(first: Mapping[str, Labels], second: Mapping[str, Labels]) -> tuple[dict[str, Labels], list[Disagreement]]:
    """Bring the labels of two people together; where they disagree the limb is left empty, to be looked at again, and listed."""
    merged: dict[str, Labels] = {}
    faults: list[Disagreement] = []
    for name in sorted({*first, *second}):
        pairs = list(zip(LIMB_NAMES, first.get(name, UNLABELLED), second.get(name, UNLABELLED), strict=True))
        faults += [Disagreement(name, limb, a, b) for limb, a, b in pairs if a is not None and b is not None and a != b]
        merged[name] = tuple(a if b is None or a == b else b if a is None else None for _, a, b in pairs)
    return merged, faults
