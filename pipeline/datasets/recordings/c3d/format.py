"""C3D, the binary file of motion capture, in Pose2Sim's layout of a session."""

import struct
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.datasets.recordings.pose2sim.session import find_pose2sim
from pipeline.datasets.recordings.recording import Format, Markers
from pipeline.utils.errors import UserError
from pipeline.utils.files import file_hash

_BLOCK, _KEY = 512, 0x50  # bytes; what every C3D file has in its second one
_LAST = 2**16 - 1  # number of the last frame that the header has room for


def read_c3d(path: Path) -> Markers:
    """The points of a C3D file; raise UserError where it is missing or damaged, has no points, or the package `ezc3d` is not installed."""
    try:
        import ezc3d
    except ModuleNotFoundError:
        raise UserError(f"{path}: needs the package `ezc3d` to be read; install `pose25d[c3d]`, or export the poses as TRC") from None
    if not path.is_file():
        raise UserError(f"{path}: not found; expected 3D poses as C3D")
    file_hash(path)  # raises MachineError where not the file is at fault
    _check_length(path)
    try:
        content = ezc3d.c3d(str(path))
        points, header, parameters = content["data"]["points"], content["header"]["points"], content["parameters"]["POINT"]
        names = tuple(str(name).strip() for name in parameters["LABELS"]["value"])
        positions = np.array(points[:3].transpose(2, 1, 0), np.float64)
        rate, first = float(header["frame_rate"]), int(header["first_frame"])
    except Exception as error:  # a damaged file makes the library raise nearly any of Python's exceptions
        raise UserError(
            f"{path}: expected a C3D file with points, found {type(error).__name__}: {' '.join(str(error).split())}; export the poses again"
        ) from error
    if not positions.size or len(names) != positions.shape[1] or not rate > 0:
        raise UserError(f"{path}: expected frames of points with names, found {len(positions)} frames and {len(names)} names; export the poses again")
    positions[~np.isfinite(positions).all(axis=-1) | (positions == 0).all(axis=-1)] = np.nan
    return Markers(str(path), names, positions, rate, first)


def _check_length(path: Path) -> None:
    """Raise UserError where a file is no C3D, or shorter than its header says: the library would read on beyond its end, and never come back.

    The header's words, of the order of bytes that nearly all files have: points, analogue samples and frames, where the data begins, and a scale
    that is negative where numbers take 4 bytes.
    """
    with path.open("rb") as file:
        header = file.read(_BLOCK)
    if len(header) < _BLOCK or header[1] != _KEY:
        raise UserError(f"{path}: expected a C3D file with points, found something else; export the poses again")
    points, samples, first, last, _, scale, begin = struct.unpack_from("<HHHHHfH", header, 2)
    width = 4 if scale < 0 else 2
    needed = (begin - 1) * _BLOCK + max(0, last - first + 1) * (4 * points + samples) * width
    if path.stat().st_size < needed and last < _LAST:
        raise UserError(f"{path}: expected {needed} bytes, as its header says, found {path.stat().st_size}; it ends early, copy or export it again")


C3D = Format(
    name="c3d",
    about="such a session with pose-3d/*.c3d",
    find=partial(find_pose2sim, suffix=".c3d"),
    read=read_c3d,
    suffix=".c3d",
    axes="same",
)
