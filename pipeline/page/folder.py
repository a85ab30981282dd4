"""A folder of photos as the page knows it: pictures by name alone, their keypoints, and the depth labels, which are saved at once."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pipeline.datasets.photos.annotations import check_points, read_all_annotations
from pipeline.datasets.photos.hand_labels import FILE_NAME, locked_label_file, read_label_file, write_label_file
from pipeline.datasets.photos.joints import to_h36m_17
from pipeline.datasets.photos.layout import find_pictures
from pipeline.datasets.videos.guesses import read_confidence
from pipeline.pose.labels import UNLABELLED, Labels
from pipeline.pose.skeleton import LIMBS
from pipeline.utils.errors import UserError
from pipeline.utils.files import check_file_place, machine_faults
from pipeline.utils.images import encode
from pipeline.utils.pictures import picture_size, read_picture

SHOWN_SIDE = 1400  # px; larger pictures are sent reduced


class CannotShowError(Exception):
    """Why a picture cannot be shown; labelling goes on with the next one."""


class ConflictError(Exception):
    """The labels of a picture were changed on disk by somebody else."""


@dataclass(frozen=True)
class Photo:
    """A picture with keypoints: points (18, 2) and pose_2d (17, 2) float32 px of the picture, NaN where one is missing."""

    name: str
    path: Path
    points: np.ndarray
    pose_2d: np.ndarray

    @property
    def visible(self) -> list[bool]:
        """Which limbs have both joints."""
        there = ~np.isnan(self.pose_2d[:, 0])
        return [bool(there[list(limb)].all()) for limb in LIMBS]


class PhotoFolder:
    """The photos of a folder that have keypoints, the doubtful guesses first, then by name; and the labels in a file beside them."""

    def __init__(self, root: Path, depth: Path | None = None) -> None:
        """Raise UserError where there are no pictures or no keypoints, or where a file is damaged; nothing is written then."""
        pictures, files = find_pictures(root), _annotation_files(root)
        points, confidence = read_all_annotations(files).points, read_confidence(root)
        paths = {name: pictures.paths[name] for name in sorted(pictures.paths, key=lambda name: (confidence.get(name, 1.0), name))}
        self.root, self.label_file = root, depth or root / FILE_NAME
        self.photos = {name: Photo(name, path, points[name], to_h36m_17(points[name])) for name, path in paths.items() if name in points}
        self.without = [name for name in pictures.paths if name not in points]
        self.left_out: Mapping[str, str] = pictures.left_out
        if not self.photos:
            found = f"none of the {len(pictures.paths)} pictures has keypoints in {', '.join(file.name for file in files)}"
            raise UserError(f"{root}: {found}; check the names")
        self._lock = threading.Lock()
        self._labels = self._on_disk()

    def labels(self, name: str) -> Labels:
        """What is known of the labels of a photo."""
        return self._labels.get(name, UNLABELLED)

    def is_done(self, name: str) -> bool:
        """Whether every limb that can be seen has its label."""
        return all(label is not None for label, there in zip(self.labels(name), self.photos[name].visible, strict=True) if there)

    @property
    def done(self) -> int:
        """How many photos are labelled."""
        return sum(self.is_done(name) for name in self.photos)

    def save(self, name: str, labels: Labels, before: Labels | None = None) -> None:
        """Write the labels of a photo to disk, whole or not at all; they count only after they have reached it.

        What somebody else, in this process or another, wrote meanwhile about other photos stays; raises ConflictError where it was about this one.
        before : the labels that whoever answers has seen, by default what is known here.
        """
        with self._lock, locked_label_file(self.label_file):
            theirs = self._on_disk()
            seen = self.labels(name) if before is None else before
            if theirs.get(name, UNLABELLED) not in (seen, labels):
                self._labels = theirs
                raise ConflictError(
                    f"{self.label_file} was changed by somebody else: {name} has other labels there now; look at them and answer again"
                )
            mine = {**theirs, name: labels}
            write_label_file(self.label_file, mine, durable=True)
            self._labels = mine

    def size(self, name: str) -> tuple[int, int]:
        """Width and height of a picture as it is shown, from its head alone; raise CannotShowError where it is none, too large, or another's."""
        photo = self.photos[name]
        try:
            size = picture_size(photo.path)
            check_points(photo.points, size, photo.path)
        except UserError as error:
            raise _cannot_show(photo, error) from None
        return size

    def read(self, name: str) -> np.ndarray:
        """A picture as it is shown, (h, w, 3) uint8 RGB; raise CannotShowError."""
        try:
            return read_picture(self.photos[name].path)
        except UserError as error:
            raise _cannot_show(self.photos[name], error) from None

    def shown(self, name: str) -> bytes:
        """A picture as JPEG, no larger than a page needs; raise CannotShowError."""
        image = self.read(name)
        height, width = image.shape[:2]
        scale = SHOWN_SIDE / max(height, width)
        if scale < 1:
            image = cv2.resize(image, (max(round(width * scale), 1), max(round(height * scale), 1)), interpolation=cv2.INTER_AREA)
        return encode(image, ".jpg")

    def _on_disk(self) -> dict[str, Labels]:
        check_file_place(self.label_file)
        return read_label_file(self.label_file) if self.label_file.exists() else {}


def _annotation_files(root: Path) -> list[Path]:
    """The files of keypoints in a folder; those whose names begin with a dot (a Mac's, unfinished ones) are none."""
    with machine_faults(root):
        files = sorted(path for path in root.glob("*annotation*.csv") if not path.name.startswith(".") and path.is_file())
    if not files:
        how = f"pose25d find-keypoints {root} {root}/annotation.csv"
        raise UserError(f"{root}: expected keypoints, *annotation*.csv, found none; find them with {how}")
    return files


def _cannot_show(photo: Photo, error: UserError) -> CannotShowError:
    return CannotShowError(f"{photo.name}: {str(error).removeprefix(f'{photo.path}: ')}")
