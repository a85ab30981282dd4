"""The photos of the demo: people of the built-in data whom no network was trained on, two photos of each, from two cameras.

They lie in the files that people keep beside photos (`annotations.py`, `hand_labels.py`), with the twins of each (`twins.py`), by which the order of
limbs is scored. Here photos show the room of the recordings, for which the networks were trained.
"""

from pathlib import Path

import numpy as np

from pipeline.config.pose import PoseConfig
from pipeline.config.synthetic import SyntheticConfig
from pipeline.datasets.photos.annotations import FILE_NAME, write_annotations
from pipeline.datasets.photos.hand_labels import FILE_NAME as LABELS
from pipeline.datasets.photos.hand_labels import write_label_file
from pipeline.datasets.photos.scene import Scene, write_twins
from pipeline.datasets.photos.twins import FOLDER
from pipeline.datasets.synthetic.dataset import invent_take
from pipeline.datasets.synthetic.names import sequences
from pipeline.datasets.synthetic.room import CAMERA_IDS, look, room_cameras
from pipeline.pose.labels import Labels
from pipeline.utils.images import encode

TAKES = (4, 17)  # of each subject, chosen by eye: people and poses that differ, limbs that cross
CAMERAS = (0, 1)  # of the photos, in turn
APART = 0.7  # s from one photo to the next
KINDS = ("*.jpg", FILE_NAME, LABELS, f"{FOLDER}/*.jpg", f"{FOLDER}/{LABELS}")  # the files that are written


def write_demo(root: Path, subjects: tuple[str, ...], config: SyntheticConfig, rule: PoseConfig) -> None:
    """Write photos of some people of each of the `subjects` into the new folder `root`, with their keypoints, their labels and their twins."""
    (root / FOLDER).mkdir(parents=True)
    points: dict[str, np.ndarray] = {}
    labels: dict[str, Labels] = {}
    twins: dict[str, Labels] = {}
    for subject in subjects:
        for number in TAKES:
            take = sequences(subject, number + 1)[number]
            person, poses, seat = invent_take(config.seed, take, len(CAMERAS), 1 / APART)
            cameras = room_cameras(config.video_size, config.seed, take.subject_number)
            for index, camera in enumerate(CAMERAS):
                scene = Scene(person, look(cameras[CAMERA_IDS[camera]], config.video_size), seat)
                name, pose = f"{take.identity}_{index + 1}.jpg", poses[index : index + 1]
                (root / name).write_bytes(encode(scene.shoot(pose), ".jpg"))
                points[name] = scene.keypoints(pose)
                labels[name] = scene.labels(pose, points[name], rule)
                twins |= write_twins(root, name, scene, pose, points[name], rule)
    write_annotations(root / FILE_NAME, points)
    write_label_file(root / LABELS, labels)
    write_label_file(root / FOLDER / LABELS, twins)
