"""Pixels: pictures' bytes to arrays and back, mirrored, at another size, side by side. Images are (H, W, 3) uint8 RGB.

`tensors.py` has what networks take and give.
"""

import base64
from collections.abc import Sequence

import cv2
import numpy as np

_OPTIONS = {".jpg": (cv2.IMWRITE_JPEG_QUALITY, 88), ".png": ()}
_GAP, _TITLE_HEIGHT = 6, 26  # of an image grid, px


def decode(content: bytes | np.ndarray) -> np.ndarray | None:
    """The image in the bytes of a file ((bytes,) uint8 in an array); None where they are no image."""
    data = np.frombuffer(content, np.uint8) if isinstance(content, bytes) else content
    try:
        return cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if len(data) else None
    except cv2.error:  # of a size that cannot be
        return None


def encode(image: np.ndarray, suffix: str, options: Sequence[int] | None = None) -> bytes:
    """A file's bytes: `.png`, or `.jpg` at quality 88; options : others for OpenCV's encoder."""
    return cv2.imencode(suffix, image[..., ::-1], _OPTIONS[suffix] if options is None else options)[1].tobytes()


def as_jpeg(content: bytes) -> bytes:
    """A picture of any format, as bytes, as a JPEG's bytes."""
    image = decode(content)
    assert image is not None
    return encode(image, ".jpg")


def data_uri(content: bytes, kind: str) -> str:
    """The bytes as an address that a page can hold in itself; kind : the MIME type."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def mirror_image(image: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
    """A copy of the images (B, H, W, C) of which those chosen by `mirrored` (B,) bool are mirrored left to right."""
    image = image.copy()
    image[mirrored] = image[mirrored, :, ::-1]
    return image


def enlarge(image: np.ndarray, height: int) -> np.ndarray:
    """The image at another height, smoothly: by area where it shrinks, bicubic where it grows."""
    width = max(1, round(image.shape[1] * height / image.shape[0]))
    method = cv2.INTER_AREA if height < image.shape[0] else cv2.INTER_CUBIC
    return cv2.resize(image, (width, height), interpolation=method)


def difference_map(refined: np.ndarray, coarse: np.ndarray) -> np.ndarray:
    """What the refinement added, twice as strong: grey is no change, brighter is more, darker is less."""
    return np.clip(128 + 2 * (refined.astype(np.int16) - coarse), 0, 255).astype(np.uint8)


def image_grid(titles: Sequence[str], rows: Sequence[Sequence[np.ndarray]], height: int) -> np.ndarray:
    """One picture of rows of images, each `height` px high, in columns with titles; narrower images stand in the middle."""
    tiles = [[enlarge(image, height) for image in row] for row in rows]
    widths = [max([_text_width(title), *(row[i].shape[1] for row in tiles if i < len(row))]) for i, title in enumerate(titles)]
    left = np.cumsum([_GAP, *(width + _GAP for width in widths)])
    canvas = np.full((_TITLE_HEIGHT + len(tiles) * (height + _GAP), int(left[-1]), 3), 255, dtype=np.uint8)
    for i, title in enumerate(titles):
        cv2.putText(canvas, title, (int(left[i]), _TITLE_HEIGHT - 9), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (60, 60, 60), 1, cv2.LINE_AA)
    for number, row in enumerate(tiles):
        top = _TITLE_HEIGHT + number * (height + _GAP)
        for i, image in enumerate(row):
            start = int(left[i]) + (widths[i] - image.shape[1]) // 2
            canvas[top : top + height, start : start + image.shape[1]] = image
    return canvas


def _text_width(text: str) -> int:
    return cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)[0][0]
