"""The pose studio's painter: a trained model that answers one request at a time."""

import threading
import time
from typing import Any

import cv2
import numpy as np

from pipeline.config.section import parse
from pipeline.inference.generator import Generator
from pipeline.inference.transfer import LabelledPose, PoseFile, transfer
from pipeline.page.folder import PhotoFolder
from pipeline.pose.skeleton import H36M_17, LIMB_NAMES
from pipeline.utils.images import encode
from pipeline.utils.numbers import MOST_PX, check_numbers

SHOWN_HEIGHT = 512  # px of a painted picture that is shown


class PoseStudio:
    """Paints the people of a folder's photos in the poses that are asked for.

    margin : `data.margin` of training, None for a model of photos (`transfer.transfer`)
    """

    def __init__(self, folder: PhotoFolder, generator: Generator, margin: float | None) -> None:
        self.folder, self.generator, self.margin = folder, generator, margin
        self._lock = threading.Lock()

    def paint(self, name: str, pose: Any) -> tuple[bytes, float]:
        """The person of a photo in another pose: a PNG, and how long it took, s. `pose` is the content of a pose file.

        Raises UserError where the pose is not of that form or cannot be painted, CannotShowError where the photo cannot be read.
        """
        content = parse(PoseFile, pose, "pose", hint="see examples/pose.json")
        joints = [getattr(content.joints, joint) or (np.nan, np.nan) for joint in H36M_17.names]
        places = np.array(joints, np.float64)
        check_numbers(places, MOST_PX, "pose", "joints", missing=True)
        target = LabelledPose(places, np.array([getattr(content.labels, limb) for limb in LIMB_NAMES], np.int8))
        photo = self.folder.photos[name]
        known = np.array([label or 0 for label in self.folder.labels(name)], np.int8)
        image = self.folder.read(name)
        with self._lock:
            since = time.perf_counter()
            painted = transfer(self.generator, image, LabelledPose(photo.pose_2d.astype(np.float64), known), target, self.margin)
            taken = time.perf_counter() - since
        scale = max(1, round(SHOWN_HEIGHT / painted.shape[0]))
        return encode(cv2.resize(painted, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), ".png"), taken
