"""The images of packs: they stay in their files, and those of a batch are read when it is made.

They are read, not mapped: what a process has touched of a mapped file counts as its memory, and a disk that fails kills it without a word.
"""

import os
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import h5py
import numpy as np

from pipeline.utils.errors import UserError
from pipeline.utils.files import machine_faults
from pipeline.utils.hdf5 import Damaged


class Images(Protocol):
    """Images (N, H, W, C) uint8 behind one index: an array in memory, or what acts like one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, H, W, C)."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> Any:
        """Some of them in memory, rows : whatever NumPy takes as an index of the first axis."""


class ImageFile:
    """A dataset of images, which lies in its file in one piece. The file stays open, and what it was even when another takes its name.

    offset : of the first image, bytes
    """

    def __init__(self, dataset: h5py.Dataset) -> None:
        self.path, self.shape, self.offset = Path(dataset.file.filename), dataset.shape, dataset.id.get_offset() or 0
        self.descriptor = os.dup(dataset.file.id.get_vfd_handle())
        weakref.finalize(self, os.close, self.descriptor)
        if dataset.nbytes and not 0 < self.offset <= os.fstat(self.descriptor).st_size - dataset.nbytes:
            raise Damaged(f"and in it `{dataset.name.lstrip('/')}` in one piece, found others")

    def __len__(self) -> int:
        return self.shape[0]

    def read(self, rows: Sequence[int], images: Sequence[np.ndarray]) -> None:
        """Read each of these rows into the array (H, W, C) beside it."""
        with machine_faults(self.path):
            for row, image in zip(rows, images, strict=True):
                if os.preadv(self.descriptor, [image.data], self.offset + row * image.nbytes) != image.nbytes:
                    raise UserError(f"{self.path}: expected {len(self)} images, found fewer; run the stage `pack` again")


class StoredImages:
    """The images of several files, one file after the other."""

    def __init__(self, files: Sequence[ImageFile]) -> None:
        self._files, self._start = files, np.cumsum([0, *map(len, files)])
        self.shape: tuple[int, ...] = (int(self._start[-1]), *files[0].shape[1:])
        self._numbers = np.arange(len(self))  # whatever NumPy takes as an index chooses among them

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        numbers = self._numbers[rows]
        if not numbers.ndim:
            return self[numbers[None]][0]
        images = np.empty((len(numbers), *self.shape[1:]), np.uint8)
        for file, start in zip(self._files, self._start, strict=False):
            here = np.flatnonzero((numbers >= start) & (numbers < start + len(file)))
            file.read((numbers[here] - start).tolist(), [images[place] for place in here])
        return images


class HalvedImages:
    """Images as `halve_images` makes them of others, when they are asked for."""

    def __init__(self, images: Images) -> None:
        self._images = images
        count, height, width, channels = images.shape
        self.shape: tuple[int, ...] = (count, height // 2, width // 2, channels)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        return halve_images(self._images[rows])


def halve_images(images: np.ndarray) -> np.ndarray:
    """Images (..., H, W, C) uint8, H and W even, half as high and wide: means of four pixels, rounded, half of them up."""
    *count, height, width, channels = images.shape
    below = images.reshape(-1, width, channels)  # one image below the other: OpenCV halves them in one call
    halved = cv2.resize(below, (width // 2, len(below) // 2), interpolation=cv2.INTER_AREA) if len(below) else below
    return halved.reshape(*count, height // 2, width // 2, channels)
