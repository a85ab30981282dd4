"""Calibrations in the TOML file that AniPose, Pose2Sim, Caliscope and FreeMoCap share: one table per camera, in OpenCV's lens model."""

import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.utils.errors import UserError, shown
from pipeline.utils.files import read_text

_KEY = "matrix"  # what tells the table of a camera from others
_COUNTS = (4, 5, 8, 12, 14)  # how many distortion coefficients OpenCV takes

Number = Annotated[float, Field(ge=-1e7, le=1e7)]
Row = Annotated[list[Number], Field(min_length=3, max_length=3)]


class _Table(BaseModel):
    """The table of one camera; keys that nobody reads are let through."""

    model_config = ConfigDict(allow_inf_nan=False)

    name: str | None = None
    size: Annotated[list[Annotated[float, Field(ge=16, le=32767)]], Field(min_length=2, max_length=2)]
    matrix: Annotated[list[Row], Field(min_length=3, max_length=3)]
    distortions: list[Number]
    rotation: Row
    translation: Row
    fisheye: Literal[False] = False


@dataclass(frozen=True)
class FoundCamera:
    """A camera as its file has it.

    size : (width, height) px of the pictures that it was calibrated with
    matrix : (3, 3) px, without skew; distortions : (n,) in OpenCV's order k1, k2, p1, p2, k3, ...
    R : (3, 3) and t : (3,), in the file's unit: X_camera = R X_world + t
    """

    name: str
    size: tuple[int, int]
    matrix: np.ndarray
    distortions: np.ndarray
    R: np.ndarray
    t: np.ndarray


def read_calibration(path: Path) -> tuple[FoundCamera, ...]:
    """The cameras of a file; raise UserError where it is no TOML, has no camera or one twice, or a camera cannot be used."""
    try:
        content = tomllib.loads(read_text(path, "a calibration in TOML", 2**24))
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: expected a calibration in TOML, found {error}; calibrate again, or take another file") from None
    tables = {key: table for key, table in content.items() if isinstance(table, dict) and _KEY in table}
    if not tables:
        raise UserError(f"{path}: expected a table with `{_KEY}` for each camera, found {shown(', '.join(content)) if content else 'nothing'}")
    cameras = tuple(_camera(path, key, table) for key, table in tables.items())
    for name, count in Counter(camera.name for camera in cameras).items():
        if count > 1:
            raise UserError(f"{path}: expected each camera once, found {shown(name)} {count} times; give each a name of its own")
    return cameras


def _camera(path: Path, key: str, table: dict[str, object]) -> FoundCamera:
    where = f"{path}: [{shown(key)[1:-1]}]"
    try:
        found = _Table.model_validate(table)
    except ValidationError as error:
        raise UserError(f"{where} {_fault(error)}") from None
    matrix = np.array(found.matrix)
    if matrix[0, 0] <= 0 or matrix[1, 1] <= 0 or not np.allclose(matrix[[0, 1, 2, 2, 2], [1, 0, 0, 1, 2]], (0, 0, 0, 0, 1)):
        raise UserError(f"{where} matrix: expected [[f, 0, c], [0, f, c], [0, 0, 1]], found {shown(found.matrix)}; calibrate without skew")
    if len(found.distortions) not in _COUNTS:
        raise UserError(f"{where} distortions: expected {' or '.join(map(str, _COUNTS))} numbers, found {len(found.distortions)}")
    R = cv2.Rodrigues(np.array(found.rotation))[0]
    size = (round(found.size[0]), round(found.size[1]))
    return FoundCamera(found.name or key, size, matrix, np.array(found.distortions), R, np.array(found.translation))


def _fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    key = ".".join(map(str, fault["loc"]))
    if key == "fisheye":
        return (
            "fisheye: expected a camera with a usual lens, found fisheye = true; undistort its video and calibrate again, or leave it out (--cameras)"
        )
    if fault["type"] == "missing":
        return f"expected `{key}`, found nothing; calibrate again, or take another file"
    return f"{key}: {fault['msg']}, found {shown(fault['input'])}"
