"""Pictures that a model painted: PNG files with a mark, by which they are known again."""

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pipeline.utils.errors import UserError
from pipeline.utils.files import atomic_file, check_file_place
from pipeline.utils.pictures import PictureError, read_picture

MARK = "pose25d"  # the key of a PNG's text by which a picture that was painted here is known


def check_name(path: Path) -> None:
    """Raise UserError where a painted picture cannot be written to `path`, before anything is painted."""
    check_file_place(path)
    if path.suffix.lower() != ".png":
        raise UserError(f"{path}: the image is written as PNG; expected a name that ends in .png")


def write_picture(path: Path, image: np.ndarray) -> None:
    """Write (h, w, 3) uint8 RGB as PNG, marked as painted here, whole or not at all; raises as `check_name`."""
    check_name(path)
    text = PngInfo()
    text.add_text(MARK, _digest(image))
    with atomic_file(path) as partial:
        Image.fromarray(image).save(partial, "PNG", pnginfo=text)


def is_painted(path: Path) -> bool:
    """Whether the file holds just what `write_picture` wrote: nobody drew on it since. Raises MachineError where it may not be read."""
    try:
        image = read_picture(path)
        with Image.open(path) as file:
            return file.info.get(MARK) == _digest(image)
    except (PictureError, OSError, ValueError, SyntaxError):
        return False


def _digest(image: np.ndarray) -> str:
    return hashlib.sha256(f"{image.shape}".encode() + image.tobytes()).hexdigest()
