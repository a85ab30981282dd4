"""The pictures that `dvc plots` shows: grids of examples and of extracted frames."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from pipeline.evaluation.examples.cases import Cases, Demonstrations
from pipeline.report.frame_tiles import TILE
from pipeline.report.image_rows import (
    DEMONSTRATION_COLUMNS,
    STEP_COLUMNS,
    TWIN_COLUMNS,
    appearance_columns,
    appearance_rows,
    pair_columns,
    pair_rows,
    step_rows,
    twin_rows,
)
from pipeline.utils.images import encode, enlarge, image_grid

PICTURE_FILES = ("*.png", "demonstrations.jpg", "contact_sheet.jpg")
ROW = 192  # height of an image in the grids of examples, px
PAINTED = [column for column, name in enumerate(DEMONSTRATION_COLUMNS) if name == "painted"]
RIGHT, WRONG, UNDECIDED = (26, 127, 55), (198, 40, 40), (150, 155, 165)  # frames around painted images


def write_pictures(folder: Path, cases: Cases, frames: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """Grids of samples, best and worst pairs, twins, steps, appearances (PNG), demonstrations, frames (JPEG); nothing of what is empty.

    frames : as `frame_tiles` gives them
    """
    folder.mkdir(parents=True, exist_ok=True)
    grids: list[tuple[str, Sequence[str], list[list[np.ndarray]]]]
    grids = [(name, pair_columns(cases.samples), pair_rows(getattr(cases, name))) for name in ("samples", "best", "worst")]
    grids += [("twins", TWIN_COLUMNS, twin_rows(cases.twins)), ("steps", STEP_COLUMNS, step_rows(cases.steps))]
    grids += [("appearances", appearance_columns(cases.appearances), appearance_rows(cases.appearances))]
    for name, titles, rows in grids:
        if rows:
            (folder / f"{name}.png").write_bytes(encode(image_grid(titles, rows, ROW), ".png"))
    if len(cases.demonstrations.kind):
        (folder / "demonstrations.jpg").write_bytes(encode(draw_demonstrations(cases.demonstrations), ".jpg"))
    cameras = sorted({camera for views in frames.values() for camera in views})
    blank = np.full((TILE, TILE, 3), 255, dtype=np.uint8)
    tiles = [[views.get(camera, blank) for camera in cameras] for views in frames.values() if views]
    if tiles:
        (folder / "contact_sheet.jpg").write_bytes(encode(image_grid(cameras, tiles, TILE), ".jpg"))


def draw_demonstrations(shown: Demonstrations) -> np.ndarray:
    """One picture of the demonstrations: what each shows, then as in `DEMONSTRATION_COLUMNS`; returns (H, W, 3) uint8.

    A painted image has a green frame where its order is right, a red one where it is wrong.
    """
    rows = []
    for kind, right, row in zip(shown.kind, shown.right, twin_rows(shown), strict=True):
        for column, one in zip(PAINTED, right, strict=True):
            row[column] = _framed(enlarge(row[column], ROW), one)
        rows.append([_words(kind, ROW), *row])
    return image_grid(("", *DEMONSTRATION_COLUMNS), rows, ROW)


def _framed(image: np.ndarray, right: float) -> np.ndarray:
    """A copy of the image (H, W, 3) with a frame that says whether its order is right: 1 is, 0 is not, anything between is undecided."""
    colour = {1.0: RIGHT, 0.0: WRONG}.get(float(right), UNDECIDED)
    return cv2.rectangle(image.copy(), (0, 0), (image.shape[1] - 1, image.shape[0] - 1), colour, 7)


def _words(text: str, height: int) -> np.ndarray:
    """The text on white, in short lines: (height, W, 3) uint8."""
    tile, line = np.full((height, 112, 3), 255, dtype=np.uint8), 20
    lines = textwrap.wrap(text, 12)
    for number, words in enumerate(lines):
        below = height // 2 + round((number - len(lines) / 2 + 0.75) * line)
        cv2.putText(tile, words, (4, below), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (60, 60, 60), 1, cv2.LINE_AA)
    return tile
