"""The pose studio's painter: a trained model that answers one request at a time."""

import threading
import time
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from pipeline.inference.generator import Generator
from pipeline.inference.transfer import Photo, transfer
from pipeline.page.folder import PhotoFolder
from pipeline.pose.labels import known_labels
from pipeline.pose.pose_file import LabelledPose, decode_pose
from pipeline.utils.images import encode

SHOWN_HEIGHT = 512  # px of a painted picture that is shown


class PoseStudio:
    """Paints the people of a folder's photos in the poses that are asked for.

    margin : `data.margin` of training, None for a model of photos (`transfer.transfer`)
    """

    def __init__(self, folder: PhotoFolder, generator: Generator, margin: float | None) -> None:
        self.folder, self.generator, self.margin = folder, generator, margin
        self._lock = threading.Lock()

    def paint(self, name: str, pose: Any, also: Sequence[str] = ()) -> tuple[bytes, float]:
        """The person of a photo in another pose: a PNG, and how long it took, s.

        pose : the content of a pose file; also : more photos of the person

        Raises UserError where the pose is not of that form or cannot be painted, CannotShowError where the photo cannot be read.
        """
        target = decode_pose(pose, "pose")
        (image, source), *further = photos_of(self.folder, (name, *also))
        with self._lock:
            since = time.perf_counter()
            painted = transfer(self.generator, image, source, target, self.margin, further=further)
            taken = time.perf_counter() - since
        return encode_shown(painted), taken


def photos_of(folder: PhotoFolder, names: Sequence[str]) -> list[Photo]:
    """Pictures of a folder with the poses in them; raise CannotShowError where one cannot be read."""
    return [(folder.read(name), source_pose(folder, name)) for name in names]


def source_pose(folder: PhotoFolder, name: str) -> LabelledPose:
    """The pose in a photo, with the labels that it has by now."""
    photo = folder.photos[name]
    return LabelledPose(photo.pose_2d.astype(np.float64), known_labels(folder.labels(name), photo.pose_2d))


def encode_shown(painted: np.ndarray) -> bytes:
    """A painted picture (H, W, 3) uint8 RGB as a PNG that is large enough to look at."""
    scale = max(1, round(SHOWN_HEIGHT / painted.shape[0]))
    return encode(cv2.resize(painted, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), ".png")
