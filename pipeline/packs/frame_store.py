"""Stored frames: JPEG images of one video in one HDF5 file, written by `extract`, read by `pack` and `report`."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np

from pipeline.utils.errors import UserError
from pipeline.utils.hdf5 import BYTES, WHOLE, Damaged, check_range, find_dataset, hdf5_faults, open_own, read_dataset, write_hdf5
from pipeline.utils.images import decode, encode

# Quality 95 without chroma subsampling: a reduced frame has as much colour detail as brightness detail.
_JPEG = (cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
_MOST_SIDE = 2**15 - 1  # px, of a picture
_UNITS = "jpeg: RGB image; frame: index in the video, from 0; width, height: px of the video; stored_width, stored_height: px of the images; fps: 1/s"


def store_path(folder: Path, sequence: str, camera: str) -> Path:
    """Where the frames of one view stand below `folder`."""
    return folder / f"{sequence}.{camera}.h5"


def views_in(folder: Path) -> list[tuple[str, str]]:
    """(sequence, camera) of every file of frames in `folder`, sorted; the camera is what follows the last dot."""
    names = (path.name.removesuffix(".h5").rpartition(".") for path in folder.glob("*.h5"))
    return sorted((sequence, camera) for sequence, _, camera in names)


def write_frames(path: Path, images: Iterable[np.ndarray], frame: np.ndarray, size: tuple[int, int], stored: tuple[int, int], fps: float) -> None:
    """Write `images` ((h, w, 3) uint8 RGB, as many as `frame` has numbers) as JPEG.

    frame : (n,) int32, index of each image in the video; size, stored : (width, height) px of the video and of the images;
    fps : of the video. The same input gives the same bytes.
    """
    with write_hdf5(path) as file:
        file.attrs.update({"width": size[0], "height": size[1], "stored_width": stored[0], "stored_height": stored[1], "fps": fps, "units": _UNITS})
        file.create_dataset("frame", data=np.asarray(frame, dtype=np.int32))
        jpeg = file.create_dataset("jpeg", shape=(len(frame),), dtype=h5py.vlen_dtype(np.uint8))
        for row, image in enumerate(images):
            jpeg[row] = np.frombuffer(encode(image, ".jpg", _JPEG), np.uint8)


class FrameStore:
    """One file of frames, open for reading: `store[row]` is an (h, w, 3) uint8 RGB image. Use it in a `with` block.

    frame : (n,) int32, index in the video; size, stored : (width, height) px of the video and of the images; fps : of the video.
    """

    def __init__(self, path: Path):
        self.path = path
        if not path.is_file():
            raise UserError(f"{path}: expected a file of frames, found none; run the stage `extract` again")
        with self._faults():
            self._file = open_own(path)
            try:
                self._read_header(self._file)
            except BaseException:
                self._file.close()
                raise

    def _faults(self) -> AbstractContextManager[None]:
        return hdf5_faults(self.path, "a file of frames", "extract")

    def _read_header(self, file: h5py.File) -> None:
        self.frame: np.ndarray = read_dataset(file, "frame", (None,), WHOLE)
        self._jpeg: Any = find_dataset(file, "jpeg", self.frame.shape, BYTES)
        check_range(self.frame, 0, np.iinfo(np.int32).max, "frame")
        if (np.diff(self.frame.astype(np.int64)) <= 0).any():
            raise Damaged("and in it `frame` rising, found others")
        self.size = (_side(file, "width"), _side(file, "height"))
        self.stored = (_side(file, "stored_width"), _side(file, "stored_height"))
        self.fps = _number(file, "fps", 1e6)

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, row: int) -> np.ndarray:
        with self._faults():
            data = self._jpeg[row]
        image = decode(data) if data.dtype == np.uint8 else None
        if image is None or image.shape != (self.stored[1], self.stored[0], 3):
            raise UserError(f"{self.path}: image {row} is damaged; run the stage `extract` again")
        return image

    def __enter__(self) -> "FrameStore":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _side(file: h5py.File, name: str) -> int:
    return int(_number(file, name, _MOST_SIDE))


def _number(file: h5py.File, name: str, most: float) -> float:
    """An attribute that is a number from just above 0 to `most`."""
    try:
        value = float(file.attrs[name])
    except (TypeError, ValueError):
        value = float("nan")
    if not 0 < value <= most:
        raise Damaged(f"and in it `{name}` above 0 and at most {most:g}, found {file.attrs[name]}")
    return value
