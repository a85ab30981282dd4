"""Read pictures that other people made: upright, opaque, and of a size that memory holds."""

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from pipeline.utils.errors import UserError
from pipeline.utils.files import machine_faults
from pipeline.utils.images import decode

MOST_PIXELS = 50_000_000  # a larger picture is not decoded: it would take gigabytes
MOST_SIDE = 32_767  # px; libraries count further in other numbers
MOST_BYTES = 2**29  # of a file; 50 Mpx without any compression take fewer
_SIDEWAYS = (5, 6, 7, 8)  # values of EXIF's orientation that exchange width and height
_ORIENTATION = 0x0112


class PictureError(UserError):
    """A picture that cannot be used, and why; work on the others goes on."""


class TooLargeError(PictureError):
    """A picture that is not decoded, since it would take gigabytes."""


def picture_size(path: Path) -> tuple[int, int]:
    """(width, height) px of a picture as it is shown, from its header: the pixels are not read.

    Raises PictureError where it is missing, no picture, a damaged one, or too large; MachineError where it may not be read.
    """
    with _open(path) as file:
        return _header(path, file)[0]


def read_picture(path: Path) -> np.ndarray:
    """A picture as it is shown, (h, w, 3) uint8 RGB: turned as its EXIF data say, what is transparent white.

    Raises as `picture_size`.
    """
    with _open(path) as file:
        content = file.read()
    size, transparent = _header(path, io.BytesIO(content))
    image = _over_white(content) if transparent else decode(content)
    if image is None or image.shape[:2] != (size[1], size[0]):
        raise PictureError(f"{path}: no picture, or a damaged one")
    return image


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    """The file of a picture, of at most `MOST_BYTES`."""
    _check_kind(path)
    try:
        with machine_faults(path), path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > MOST_BYTES:
                raise TooLargeError(f"{path}: a file of {size} bytes is too large; reduce it")
            yield file
    except OSError as error:
        raise PictureError(f"{path}: expected a picture, {error.strerror}") from None


def _header(path: Path, file: BinaryIO) -> tuple[tuple[int, int], bool]:
    """The size of a picture as it is shown, and whether a part of it is transparent."""
    try:
        with warnings.catch_warnings(), machine_faults(path):
            warnings.simplefilter("ignore")
            with Image.open(file) as image:
                _check_size(path, *image.size)
                transparent, orientation = image.has_transparency_data, _orientation(image)
                width, height = image.size
    except Image.DecompressionBombError:
        raise TooLargeError(f"{path}: more than {MOST_PIXELS} px are too large; reduce it") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError, EOFError):
        raise PictureError(f"{path}: no picture, or a damaged one") from None
    return ((height, width) if orientation in _SIDEWAYS else (width, height)), transparent


def _check_kind(path: Path) -> None:
    """Raise PictureError where a pipe or a device stands, which might be read for ever."""
    with machine_faults(path):
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise PictureError(f"{path}: expected a picture, found a pipe or a device")


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > MOST_PIXELS or max(width, height) > MOST_SIDE:
        raise TooLargeError(f"{path}: {width} x {height} px is too large; reduce it")


def _orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1 where there is none. Pillow would decode a whole PNG to look behind its pixels, where hardly any program writes it."""
    return 1 if image.format == "PNG" and "exif" not in image.info else image.getexif().get(_ORIENTATION, 1)


def _over_white(content: bytes) -> np.ndarray | None:
    """A picture with transparent parts, laid over white."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            orientation, picture = _orientation(image), image.convert("RGBA")
    except (OSError, ValueError, SyntaxError):
        return None
    white = Image.alpha_composite(Image.new("RGBA", picture.size, (255, 255, 255, 255)), picture).convert("RGB")
    return _upright(np.asarray(white), orientation)


def _upright(image: np.ndarray, orientation: int) -> np.ndarray:
    """Turn and mirror an image as EXIF's orientation says (CIPA DC-008, table of tag 0112)."""
    if orientation in _SIDEWAYS:
        image = image.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return np.ascontiguousarray(image)
