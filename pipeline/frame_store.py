"""Stored frames: JPEG images of one video in one HDF5 file, written by `extract`, read by `pack` and `report`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np

from pipeline.errors import UserError
from pipeline.hdf5 import write_hdf5

# Quality 95 without chroma subsampling: a reduced frame has as much colour detail as brightness detail.
_JPEG = (cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
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
            jpeg[row] = encode_jpeg(image)


def encode_jpeg(image: np.ndarray) -> np.ndarray:
    """JPEG of an (h, w, 3) uint8 RGB image: (bytes,) uint8."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), _JPEG)
    return data.reshape(-1)


def decode_image(data: np.ndarray) -> np.ndarray | None:
    """(h, w, 3) uint8 RGB from the bytes of a JPEG or PNG file ((bytes,) uint8); None where they are not an image."""
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    return None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


class FrameStore:
    """One file of frames, open for reading: `store[row]` is an (h, w, 3) uint8 RGB image. Use it in a `with` block.

    frame : (n,) int32, index in the video; size, stored : (width, height) px of the video and of the images; fps : of the video.
    """

    def __init__(self, path: Path):
        self.path = path
        try:
            self._file = h5py.File(path, "r")
        except OSError as error:
            raise UserError(f"{path}: expected a file of frames (HDF5), {error}; run the stage `extract` again") from None
        try:
            self._read_header(self._file)
        except KeyError as error:
            self._file.close()
            raise UserError(f"{path}: expected a file of frames, {error.args[0]}; run the stage `extract` again") from None

    def _read_header(self, file: h5py.File) -> None:
        self._jpeg: Any = file["jpeg"]
        self.frame: np.ndarray = file["frame"][()]
        self.size = (int(file.attrs["width"]), int(file.attrs["height"]))
        self.stored = (int(file.attrs["stored_width"]), int(file.attrs["stored_height"]))
        self.fps = float(file.attrs["fps"])

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, row: int) -> np.ndarray:
        image = decode_image(self._jpeg[row])
        if image is None or image.shape != (self.stored[1], self.stored[0], 3):
            raise UserError(f"{self.path}: image {row} is damaged; run the stage `extract` again")
        return image

    def __enter__(self) -> "FrameStore":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
