"""Films that a model painted: .mp4 (H.264), .gif and .webp, with a mark by which they are known again.

The mark is the last thing in the file, behind the end that its format gives it: a box of MP4's that players skip. It holds the SHA-256 of all before
it, so a film that somebody has cut or written anew has none.
"""

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.datasets.human36m.encode import write_video
from pipeline.utils.errors import UserError
from pipeline.utils.files import atomic_file, check_file_place, machine_faults

CRF = 14  # constant rate factor of H.264: small pictures shall stay sharp
MOST_FRAMES = 1000  # of a .gif or .webp, whose frames Pillow holds in memory
_MARK = b"pose25d "
_BOX = struct.Struct(">I4s")  # size and kind of a box of MP4's
_DIGEST = hashlib.sha256().digest_size
_MARK_BYTES = _BOX.size + len(_MARK) + _DIGEST
_GIF_FASTEST = 50  # frames per second: browsers slow down what is faster

Frames = Iterable[np.ndarray]  # (H, W, 3) uint8 RGB each


def check_film(path: Path, frames: int, fps: Fraction) -> None:
    """Raise UserError where so many frames at this rate cannot be written to `path`, before any is painted."""
    check_file_place(path)
    suffix = path.suffix.lower()
    if suffix not in _WRITERS:
        raise UserError(f"{path}: films are written as {', '.join(_WRITERS)}; expected a name that ends in one of these")
    if suffix != ".mp4" and frames > MOST_FRAMES:
        raise UserError(f"{path}: expected at most {MOST_FRAMES} frames for {suffix}, found {frames}; write .mp4, or give --stop")
    if suffix == ".gif" and fps > _GIF_FASTEST:
        raise UserError(f"{path}: expected at most {_GIF_FASTEST} frames per second for .gif, found {float(fps):.4g}; write .webp or .mp4")


def write_film(path: Path, frames: Frames, fps: Fraction) -> None:
    """Write frames (H, W, 3) uint8 RGB, all of one size, in the format that the name of `path` ends in, marked, whole or not at all."""
    with atomic_file(path) as partial:
        _WRITERS[path.suffix.lower()](partial, iter(frames), fps)
        digest = _digest(partial, partial.stat().st_size)
        with partial.open("ab") as file:
            file.write(_BOX.pack(_MARK_BYTES, b"free") + _MARK + digest)


def is_painted_film(path: Path) -> bool:
    """Whether the file is just what `write_film` wrote. Raises MachineError where it may not be read."""
    with machine_faults(path):
        length = path.stat().st_size - _MARK_BYTES
        if length < 0:
            return False
        with path.open("rb") as file:
            file.seek(length)
            return file.read() == _BOX.pack(_MARK_BYTES, b"free") + _MARK + _digest(path, length)


def _digest(path: Path, length: int) -> bytes:
    """SHA-256 of the first bytes of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(min(2**20, length)):
            digest.update(block)
            length -= len(block)
    return digest.digest()


def _write_mp4(path: Path, frames: Iterator[np.ndarray], fps: Fraction) -> None:
    write_video(path, map(_even, frames), fps, CRF)


def _even(image: np.ndarray) -> np.ndarray:
    """With an even height and width, as H.264 needs them: the last row or column may stand twice."""
    height, width = image.shape[:2]
    return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def _write_gif(path: Path, frames: Iterator[np.ndarray], fps: Fraction) -> None:
    _write_animation(path, "GIF", frames, fps, 10, optimize=False)


def _write_webp(path: Path, frames: Iterator[np.ndarray], fps: Fraction) -> None:
    _write_animation(path, "WEBP", frames, fps, 1, quality=90, method=4)


def _write_animation(path: Path, kind: str, frames: Iterator[np.ndarray], fps: Fraction, unit: int, **options: object) -> None:
    """By Pillow, over and over; unit : ms that frames last a whole number of, so that some last longer than others."""
    pictures = [Image.fromarray(frame) for frame in islice(frames, MOST_FRAMES)]
    ends = [round(1000 * number / fps / unit) * unit for number in range(len(pictures) + 1)]
    durations = [end - start for start, end in pairwise(ends)]
    pictures[0].save(path, kind, save_all=True, append_images=pictures[1:], duration=durations, loop=0, **options)


_WRITERS: dict[str, Callable[[Path, Iterator[np.ndarray], Fraction], None]] = {".mp4": _write_mp4, ".gif": _write_gif, ".webp": _write_webp}
