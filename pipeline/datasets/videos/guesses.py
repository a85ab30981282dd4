"""Guessed depth labels beside the pictures: `guess.csv` has the form of labels made by hand, `guess-confidence.csv` says how sure each picture's are.

A guess is nobody's answer. It has a file of its own, which the page shows as a guess and never writes to, and which the graph reads where
`data.labels` names it.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.datasets.photos.hand_labels import read_label_file, write_label_file
from pipeline.datasets.photos.tables import read_table
from pipeline.pose.labels import UNLABELLED, Labels
from pipeline.utils.errors import UserError, printable
from pipeline.utils.files import atomic_file

FILE_NAME, CONFIDENCE_NAME = "guess.csv", "guess-confidence.csv"
_HEADER = ("name", "confidence")


@dataclass(frozen=True)
class DepthGuess:
    """labels : of the limbs, None where nothing can be said; confidence : of the least sure of them, 0 to 1."""

    labels: Labels
    confidence: float


NO_GUESS = DepthGuess(UNLABELLED, 0.0)


def write_guesses(folder: Path, guesses: Mapping[str, DepthGuess]) -> None:
    """Write the guesses of pictures, by their names, as two files of a folder."""
    write_label_file(folder / FILE_NAME, {name: guess.labels for name, guess in guesses.items()})
    with atomic_file(folder / CONFIDENCE_NAME) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_HEADER)
        writer.writerows([name, f"{guesses[name].confidence:.3f}"] for name in sorted(guesses))


def read_guesses(folder: Path) -> dict[str, Labels]:
    """The guessed labels of a folder by the names of its pictures, empty where it has none; raises as `read_label_file`."""
    path = folder / FILE_NAME
    return read_label_file(path) if path.exists() else {}


def read_confidence(folder: Path) -> dict[str, float]:
    """How sure the guesses of a folder are, 0 to 1, empty where it has none; raise UserError with the line that holds something else."""
    path = folder / CONFIDENCE_NAME
    if not path.exists():
        return {}
    found: dict[str, float] = {}
    for number, row in read_table(path, "a file of confidence", _HEADER):
        try:
            name, value = row[0], float(row[1])
        except (IndexError, ValueError):
            value = -1.0
        if len(row) != len(_HEADER) or not 0 <= value <= 1:
            raise UserError(f"{path}, line {number}: expected a name and a confidence from 0 to 1, found {printable(','.join(row), 60)}")
        found[name] = value
    return found
