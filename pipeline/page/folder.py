"""A folder of photos as the page knows it: pictures by name alone, their keypoints, and the depth labels, which are saved at once."""

import threading
import warnings
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from pipeline.errors import UserError
from pipeline.files import file_hash
from pipeline.frame_store import decode_image
from pipeline.photos.annotations import read_annotations
from pipeline.photos.depth import FILE_NAME, NOT_YET, Labels, read_depth, write_depth
from pipeline.photos.joints import to_h36m_17
from pipeline.photos.layout import find_pictures
from pipeline.pictures import encode
from pipeline.skeleton import LIMBS

MOST_PIXELS = 50_000_000  # a larger picture is not decoded: it would take gigabytes
SHOWN_SIDE = 1400  # px; larger pictures are sent reduced


class CannotShowError(Exception):
    """Why a picture cannot be shown; labelling goes on with the next one."""


class ConflictError(Exception):
    """The labels of a picture were changed on disk by somebody else."""


@dataclass(frozen=True)
class Photo:
    """A picture with keypoints: pose_2d (17, 2) float32 px of the picture, NaN where a joint is missing."""

    name: str
    path: Path
    pose_2d: np.ndarray

    @property
    def visible(self) -> list[bool]:
        """Which limbs have both joints."""
        there = ~np.isnan(self.pose_2d[:, 0])
        return [bool(there[list(limb)].all()) for limb in LIMBS]


class PhotoFolder:
    """The photos of a folder that have keypoints, by name, and the labels in a file beside them."""

    def __init__(self, root: Path, depth: Path | None = None) -> None:
        """Raise UserError where there are no pictures or no keypoints, or where a file is damaged; nothing is written then."""
        pictures = find_pictures(root)
        files = sorted(root.glob("*annotation*.csv"))
        if not files:
            how = f"python -m stages.find_keypoints {root} {root}/annotation.csv"
            raise UserError(f"{root}: expected keypoints, *annotation*.csv, found none; find them with {how}")
        points = {name: place for file in files for name, place in read_annotations(file).points.items()}
        self.root, self.depth = root, depth or root / FILE_NAME
        self.photos = {name: Photo(name, path, to_h36m_17(points[name])) for name, path in pictures.items() if name in points}
        self.without = [name for name in pictures if name not in points]
        if not self.photos:
            raise UserError(
                f"{root}: none of the {len(pictures)} pictures has keypoints in {', '.join(file.name for file in files)}; check the names"
            )
        self._lock = threading.Lock()
        self._labels = read_depth(self.depth) if self.depth.is_file() else {}
        self._hash = self._on_disk()

    def labels(self, name: str) -> Labels:
        """What is known of the labels of a photo."""
        return self._labels.get(name, NOT_YET)

    def is_done(self, name: str) -> bool:
        """Whether every limb that can be seen has its label."""
        return all(label is not None for label, there in zip(self.labels(name), self.photos[name].visible, strict=True) if there)

    @property
    def done(self) -> int:
        """How many photos are labelled."""
        return sum(self.is_done(name) for name in self.photos)

    def save(self, name: str, labels: Labels) -> None:
        """Write the labels of a photo to disk, whole or not at all.

        What somebody else wrote meanwhile about other photos stays; raises ConflictError where it was about this one.
        """
        with self._lock:
            if self._on_disk() != self._hash:
                theirs = read_depth(self.depth) if self.depth.is_file() else {}
                changed = theirs.get(name, NOT_YET) != self.labels(name)
                self._labels, self._hash = theirs, self._on_disk()
                if changed:
                    raise ConflictError(
                        f"{self.depth} was changed by somebody else: {name} has other labels there now; look at them and answer again"
                    )
            self._labels = {**self._labels, name: labels}
            write_depth(self.depth, self._labels)
            self._hash = self._on_disk()

    def size(self, name: str) -> tuple[int, int]:
        """Width and height of a picture, from its head alone; raise CannotShowError where it is none, or too large."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                with Image.open(self.photos[name].path) as image:
                    width, height = image.size
        except Image.DecompressionBombError:
            raise CannotShowError(f"{name}: too large to be shown; reduce it") from None
        except (UnidentifiedImageError, OSError, ValueError):
            raise CannotShowError(f"{name}: no picture, or a damaged one") from None
        if width * height > MOST_PIXELS:
            raise CannotShowError(f"{name}: {width} x {height} px is too large to be shown; reduce it")
        return width, height

    def read(self, name: str) -> np.ndarray:
        """A picture, (h, w, 3) uint8 RGB; raise CannotShowError."""
        self.size(name)
        image = decode_image(np.frombuffer(self.photos[name].path.read_bytes(), np.uint8))
        if image is None:
            raise CannotShowError(f"{name}: no picture, or a damaged one")
        return image

    def shown(self, name: str) -> bytes:
        """A picture as JPEG, no larger than a page needs; raise CannotShowError."""
        image = self.read(name)
        scale = SHOWN_SIDE / max(image.shape[:2])
        if scale < 1:
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        return encode(image, ".jpg")

    def _on_disk(self) -> str | None:
        return file_hash(self.depth) if self.depth.is_file() else None
