"""Keypoints for a folder of photos that nobody has annotated: of each the surest person, in the order of `skeleton.COCO_18`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from pipeline.errors import UserError
from pipeline.estimation.estimate import estimate
from pipeline.estimation.onnx_pose import OnnxPose
from pipeline.frame_store import decode_image
from pipeline.networks.checkpoint import load_network
from pipeline.networks.openpose import PoseNet
from pipeline.photos.joints import to_coco_18
from pipeline.photos.layout import find_pictures
from pipeline.skeleton import COCO_18, H36M_17

Finder = Callable[[np.ndarray], np.ndarray]  # a picture (h, w, 3) uint8 RGB to keypoints (18, 2) px, NaN where not found
FEWEST = 4  # keypoints; with fewer nobody was found
NOBODY, DAMAGED = "nobody was found", "it cannot be read"


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


def find_keypoints(root: Path, find: Finder) -> FoundPoses:
    """Look at every picture of the folder."""
    points, left_out = {}, {}
    console = Console(stderr=True)
    for name, path in track(find_pictures(root).items(), "keypoints", console=console, disable=not console.is_terminal):
        image = decode_image(np.frombuffer(path.read_bytes(), np.uint8))
        if image is None:
            left_out[name] = DAMAGED
            continue
        found = find(image)
        if (~np.isnan(found[:, 0])).sum() < FEWEST:
            left_out[name] = NOBODY
        else:
            points[name] = found
    return FoundPoses(points, left_out)
