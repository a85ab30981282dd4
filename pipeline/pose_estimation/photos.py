"""Keypoints for a folder of photos that nobody has annotated: of each the surest person, in the order of `skeleton.COCO_18`."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.datasets.photos.joints import to_coco_18
from pipeline.datasets.photos.layout import find_pictures
from pipeline.networks.checkpoint import load_network
from pipeline.networks.openpose import PoseNet
from pipeline.pose.skeleton import COCO_18, H36M_17
from pipeline.pose_estimation.estimate import estimate
from pipeline.pose_estimation.onnx_pose import OnnxPose
from pipeline.utils.errors import UserError
from pipeline.utils.images import PictureError, read_picture
from pipeline.utils.progress import track

Finder = Callable[[np.ndarray], np.ndarray]  # a picture (h, w, 3) uint8 RGB to keypoints (18, 2) px, NaN where not found
FEWEST = 4  # keypoints; with fewer nobody was found
NOBODY = "nobody was found"


@dataclass(frozen=True)
class FoundPoses:
    """points : name of a picture -> (18, 2) px, NaN where not found; left_out : name -> why."""

    points: Mapping[str, np.ndarray]
    left_out: Mapping[str, str]


def load_finder(path: Path) -> Finder:
    """What finds keypoints: a network that was trained here (`.safetensors`), or somebody's pose model in ONNX (`.onnx`)."""
    if path.suffix == ".onnx":
        return OnnxPose(path).find
    network = load_network(path, PoseNet)
    if network.config["joints"] not in (len(H36M_17), len(COCO_18)):
        raise UserError(f"{path}: expected a pose estimator of {len(H36M_17)} or {len(COCO_18)} joints, found one of {network.config['joints']}")

    def find(image: np.ndarray) -> np.ndarray:
        people = estimate(network, image)
        if not people:
            return np.full((len(COCO_18), 2), np.nan, np.float32)
        pose = people[0].pose_2d
        return to_coco_18(pose) if len(pose) == len(H36M_17) else pose

    return find


def find_keypoints(root: Path, find: Finder, known: Collection[str] = ()) -> FoundPoses:
    """Look at every picture of the folder but those that are `known`."""
    pictures = find_pictures(root)
    points: dict[str, np.ndarray] = {}
    left_out = dict(pictures.left_out)
    new = {name: path for name, path in pictures.paths.items() if name not in known}
    for name, path in track(new.items(), "keypoints", len(new)):
        try:
            found = find(read_picture(path))
        except PictureError as error:
            left_out[name] = f"it cannot be read: {str(error).removeprefix(f'{path}: ')}"
            continue
        if (~np.isnan(found[:, 0])).sum() < FEWEST:
            left_out[name] = NOBODY
        else:
            points[name] = found
    return FoundPoses(points, left_out)
