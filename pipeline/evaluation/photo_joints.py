"""The score of a pose estimator on a small folder of photos."""

from pathlib import Path
from typing import Any

import numpy as np

from pipeline.evaluation.photo_scores import read_photos
from pipeline.inference.transfer import cut_out, seen_box
from pipeline.networks.openpose import PoseNet
from pipeline.pose.crop import to_crop
from pipeline.pose_estimation.estimate import locate_joints
from pipeline.pose_estimation.scores import pckh_hits
from pipeline.utils.numbers import mean


def score_joints(network: PoseNet, root: Path, margin: float) -> dict[str, Any]:
    """How many `photos` and known `joints` there are, and PCKh@0.5 over these; margin : share of each crop that is left free around the person."""
    photos, size = read_photos(root), (network.config["image_size"][0], network.config["image_size"][1])
    crops = np.stack([cut_out(photo.image, photo.pose, size, margin) for photo in photos])
    boxes = np.stack([seen_box(photo.pose, photo.image, size, margin) for photo in photos])
    truth = to_crop(np.stack([photo.pose.pose_2d for photo in photos]), boxes, size)
    hits = pckh_hits(locate_joints(network, crops), truth)
    return {"photos": len(photos), "joints": int((~np.isnan(hits)).sum()), "pckh": mean(hits)}
