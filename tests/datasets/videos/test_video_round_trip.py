"""Invented people -> a video and OpenPose's files -> import -> packs: the same people in the same poses."""

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from importing_video import Held, run_video
from invented_video import FRAMES, SIDE
from ruamel.yaml import YAML

from pipeline.config.parallel import ParallelConfig
from pipeline.config.photos import PhotoDataConfig
from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config
from pipeline.datasets.human36m.extract import read_frames
from pipeline.datasets.photos.hand_labels import read_label_file
from pipeline.datasets.photos.joints import to_h36m_17
from pipeline.datasets.photos.pack import pack_photos
from pipeline.packs.pack import read_packs
from pipeline.pose.crop import middle_box
from pipeline.pose.labels import known_labels
from pipeline.utils.pictures import read_picture

PARAMS = Path(__file__).resolve().parents[3] / "recipes" / "deepfashion" / "params.yaml"
VALUES = YAML(typ="safe").load(PARAMS)
WHOLE_PX = 0.01  # px of the video: what the invented detector finds are whole px, and so are the borders of the pictures


def test_packs_hold_the_poses_of_the_video_and_the_labels_that_were_guessed(held: Held, tmp_path: Path, out: Path) -> None:
    run_video(held.video, out, "--keypoints", held.keypoints)
    files = {"annotations": ["annotation.csv"], "labels": "guess.csv", "train_list": None, "test_list": None, "test_pairs": None}
    data = PhotoDataConfig.model_validate(VALUES["data"] | {"root": str(out), **files})
    alone = ParallelConfig.model_validate(VALUES["parallel"] | {"workers": 1})
    pack_photos(tmp_path / "packed", data, load_config(PoseConfig, PARAMS, "pose"), alone)
    pack, guessed = read_packs(tmp_path / "packed", list(data.subjects)), read_label_file(out / "guess.csv")
    assert Counter(pack.identity.tolist()) == {"two-people-1": FRAMES / 4, "two-people-2": FRAMES / 4}
    frames = dict(zip(range(FRAMES), read_frames(held.video, range(FRAMES), (2 * SIDE, SIDE), SIDE), strict=True))
    for row, name in enumerate(pack.sequence.tolist()):
        who, frame = int(pack.identity[row][-1]) - 1, int(name[-10:-4])
        picture = read_picture(out / name)
        place = cv2.minMaxLoc(cv2.matchTemplate(frames[frame], picture, cv2.TM_SQDIFF))[2]  # where the picture was cut out of the video
        box = middle_box(picture.shape[:2], data.image_size)
        pose_2d = (pack.pose_2d[row] + 0.5) * ((box[2:] - box[:2]) / data.image_size[::-1]) + box[:2] + place
        truth = to_h36m_17(held.people[who][frame])
        assert (np.isnan(pose_2d) == np.isnan(truth)).all()
        assert np.nanmax(np.abs(pose_2d - truth)) < WHOLE_PX
        np.testing.assert_array_equal(pack.label[row], known_labels(guessed[name], pack.pose_2d[row]))
