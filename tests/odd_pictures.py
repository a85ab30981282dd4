"""Pictures that people have and programs stumble over: turned by EXIF, transparent, enormous."""

import io
import struct
import zlib

import numpy as np
from PIL import Image


def png_head(width: int, height: int) -> bytes:
    """A PNG that says how large it is, and holds a handful of its bytes."""
    parts = (b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"IDAT" + zlib.compress(bytes(64)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part)) for part in parts)


def turned(upright: np.ndarray) -> bytes:
    """A JPEG of a phone that was held upright (EXIF orientation 6): stored lying, seen as `upright` (h, w, 3) uint8 RGB."""
    stored = Image.fromarray(np.rot90(upright))
    exif = stored.getexif()
    exif[0x0112] = 6
    file = io.BytesIO()
    stored.save(file, format="JPEG", exif=exif, quality=95)
    return file.getvalue()


def transparent(image: np.ndarray, there: np.ndarray) -> bytes:
    """A PNG of `image` (h, w, 3) uint8 RGB of which only a part, (h, w) bool, is to be seen."""
    file = io.BytesIO()
    Image.fromarray(np.dstack([image, np.where(there, 255, 0).astype(np.uint8)])).save(file, format="PNG")
    return file.getvalue()
