"""TRC, the text file of 3D markers of Pose2Sim, OpenSim and Caliscope: five lines of header, then a line per frame, cells between tabs."""

import math
import re
from pathlib import Path

import numpy as np

from pipeline.datasets.recordings.recording import Markers
from pipeline.utils.errors import UserError, shown
from pipeline.utils.files import read_text
from pipeline.utils.numbers import check_numbers

_HEADER = 5  # lines
_FRAME, _TIME = 0, 1  # columns before the coordinates
_MOST = 1e7  # no coordinate is larger, in any unit


def read_trc(path: Path) -> Markers:
    """The markers of a file; a cell that is empty or no number, or three zeros, is a marker that was not seen.

    Raises UserError where the file is missing, no TRC, empty or damaged. The unit that it names is not read: body heights tell it better.
    """
    lines = read_text(path, "3D poses as TRC").splitlines()
    if len(lines) < _HEADER or not lines[0].startswith("PathFileType"):
        found = shown(lines[0]) if lines else "an empty file"
        raise UserError(f"{path}: expected a TRC file, which begins with PathFileType, found {found}; export the poses again")
    rate = _rate(path, lines)
    names = tuple(cell.strip() for cell in lines[3].split("\t")[2:] if cell.strip())
    rows = [(number, line.split("\t")) for number, line in enumerate(lines[_HEADER:], _HEADER + 1) if line.strip()]
    if not names or not rows:
        raise UserError(f"{path}: expected markers and frames, found {len(names)} markers and {len(rows)} frames; triangulate again")
    values = np.array([_numbers(path, number, cells, 2 + 3 * len(names)) for number, cells in rows])
    positions = values[:, 2:].reshape(len(rows), -1, 3)
    check_numbers(positions, _MOST, str(path), "coordinates", missing=True)
    positions[~np.isfinite(positions).all(axis=-1) | (positions == 0).all(axis=-1)] = np.nan
    return Markers(str(path), names, positions, rate, _first(path, values, rate))


def _rate(path: Path, lines: list[str]) -> float:
    said = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=False))
    try:
        rate = float(said.get("DataRate", ""))
    except ValueError:
        rate = math.nan
    if not 0 < rate < 1e6:
        raise UserError(f"{path}, line 3: expected DataRate in frames per second, found {shown(said.get('DataRate', 'nothing'))}; write it there")
    return rate


def _numbers(path: Path, number: int, cells: list[str], count: int) -> list[float]:
    while len(cells) > count and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) != count:
        raise UserError(f"{path}, line {number}: expected {count} cells, three for each marker, found {len(cells)}; export the poses again")
    return [_number(path, number, cell.strip()) for cell in cells]


def _number(path: Path, number: int, cell: str) -> float:
    if not cell:
        return math.nan
    try:
        return float(cell)
    except ValueError:
        comma = re.fullmatch(r"-?[0-9]*,[0-9]+(e[-+]?[0-9]+)?", cell, re.IGNORECASE)
        todo = "export with decimal points" if comma else "export the poses again"
        raise UserError(f"{path}, line {number}: expected a number with a decimal point, found {shown(cell)}; {todo}") from None


def _first(path: Path, values: np.ndarray, rate: float) -> int:
    """The number of the first frame, from 0, after checking that frames follow one another. Frames are counted from 0 or 1: time tells."""
    frames, start = values[:, _FRAME], values[0, _TIME] * rate
    if not (np.diff(frames) == 1).all() or not np.isfinite(frames[0]):
        place = int(np.argmin(np.diff(frames) == 1)) + 1
        found = f"{frames[place - 1]:g} and then {frames[min(place, len(frames) - 1)]:g}"
        raise UserError(f"{path}: expected frames that follow one another, found {found}; leave cells empty where nothing was seen")
    for first in (frames[0], frames[0] - 1):
        if abs(first - start) < 0.5:
            return int(first)
    raise UserError(
        f"{path}: expected Time = Frame# / DataRate in the first frame, found {values[0, _TIME]:g} s, frame {frames[0]:g} and {rate:g} frames/s; "
        "correct what is wrong: it says which frame of the videos the poses begin at"
    )
