"""Pictures are read as a viewer shows them, or refused by name."""

import io
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.utils.pictures import PictureError, picture_size, read_picture

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def corners() -> np.ndarray:
    """(4, 6, 3): black but for a red pixel at the top left and a blue one at the bottom left."""
    image = np.zeros((4, 6, 3), np.uint8)
    image[0, 0], image[-1, 0] = RED, BLUE
    return image


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("transparent", [False, True])
def test_exif_orientation_is_followed(tmp_path: Path, orientation: int, transparent: bool) -> None:
    picture = Image.fromarray(corners())
    if transparent:
        picture.putalpha(255)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.png"
    picture.save(path, exif=exif)
    place = {1: (0, 0), 2: (0, 5), 3: (3, 5), 4: (3, 0), 5: (0, 0), 6: (0, 3), 7: (5, 3), 8: (5, 0)}[orientation]  # of the red pixel
    image = read_picture(path)
    assert image.shape[:2] == ((6, 4) if orientation > 4 else (4, 6))
    assert tuple(image[place]) == RED
    assert picture_size(path) == image.shape[1::-1]


def test_what_is_transparent_is_white_whatever_is_hidden_there(tmp_path: Path) -> None:
    image = np.dstack([corners(), np.full((4, 6), 255, np.uint8)])
    image[0, 0, 3] = 0
    Image.fromarray(image).save(tmp_path / "a.png")
    palette = Image.fromarray(corners()).quantize(4)
    palette.save(tmp_path / "b.png", transparency=palette.getpixel((0, 0)))
    for name in ("a.png", "b.png"):
        shown = read_picture(tmp_path / name)
        assert tuple(shown[0, 0]) == WHITE
        assert tuple(shown[-1, 0]) == BLUE


def test_grey_and_palette_pictures_are_rgb(tmp_path: Path) -> None:
    for mode in ("L", "P", "1", "I;16"):
        Image.fromarray(corners()).convert("L" if mode == "I;16" else mode).convert(mode).save(tmp_path / f"{mode}.png")
        assert read_picture(tmp_path / f"{mode}.png").shape == (4, 6, 3)


def huge_png(width: int, height: int) -> bytes:
    """The head of a PNG that claims to be this large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(40_000, 30_000), (20_000, 20_000), (1, 49_000), (2**31 - 1, 2**31 - 1)])
def test_sizes_are_judged_before_anything_is_decoded(tmp_path: Path, size: tuple[int, int]) -> None:
    (tmp_path / "a.png").write_bytes(huge_png(*size))
    for read in (picture_size, read_picture):
        with pytest.raises(PictureError, match="too large; reduce it"):
            read(tmp_path / "a.png")


def test_the_size_is_known_without_reading_the_pixels(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(corners()).save(path)
    with path.open("r+b") as file:
        file.truncate(2**28)  # a hole, which takes no place on the disk
    tracemalloc.start()
    try:
        assert picture_size(path) == (6, 4)
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


def test_what_is_no_picture_is_refused_by_name(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(buffer, "JPEG")
    for content in (b"", b"text", buffer.getvalue()[:100], b"\x89PNG\r\n\x1a\n" + b"\0" * 100):
        (tmp_path / "a.jpg").write_bytes(content)
        with pytest.raises(PictureError, match=r"a\.jpg: no picture, or a damaged one"):
            read_picture(tmp_path / "a.jpg")
    for missing in (tmp_path / "b.jpg", tmp_path):
        with pytest.raises(PictureError, match="expected a picture"):
            read_picture(missing)
