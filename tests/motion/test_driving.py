"""The motion of a driving video: the keypoints of whoever is seen longest, short gaps filled, and labels that the lifter guesses."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from invented_video import FPS, FRAMES, SIDE, film, side_by_side, write_coco, write_film, write_openpose
from standing import POSE, RULE

from pipeline.datasets.photos.joints import to_h36m_17
from pipeline.motion.driving import read_driving
from pipeline.motion.guess import guess_labels
from pipeline.motion.motion import Motion
from pipeline.networks.lifter import Lifter
from pipeline.pose.bodies.pose_space import LabelRule
from pipeline.utils.errors import UserError

ALL = (0.0, None)
LABEL_RULE = LabelRule.of(RULE)


@pytest.fixture(scope="module")
def lifter() -> Lifter:
    torch.manual_seed(0)
    return Lifter(16, 1, RULE)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[np.ndarray]]:
    """A folder with a video of two people, and the keypoints of each; the second is seen in the first half alone. Not to be changed."""
    folder = tmp_path_factory.mktemp("driving")
    frames, people = side_by_side([film(seed, POSE, np.arange(FRAMES) / FPS) for seed in (0, 1)])
    people[1][FRAMES // 2 :] = np.nan
    write_film(folder / "video.mp4", frames)
    write_openpose(folder / "openpose", people)
    write_coco(folder / "coco.json", [f"{frame:06d}.jpg" for frame in range(FRAMES)], people, (2 * SIDE, SIDE))
    return folder, people


@pytest.fixture
def held(pristine: tuple[Path, list[np.ndarray]], tmp_path: Path) -> tuple[Path, list[np.ndarray]]:
    return Path(shutil.copytree(pristine[0], tmp_path / "held")), pristine[1]


def read(folder: Path, lifter: Lifter, keypoints: str = "openpose", times: tuple[float, float | None] = ALL) -> Motion:
    return read_driving(folder / keypoints, folder / "video.mp4", times, lifter, LABEL_RULE)


def hide(folder: Path, frames: range, person: slice = slice(None)) -> None:
    """Take people out of some frames of OpenPose's files."""
    for frame in frames:
        path = next((folder / "openpose").glob(f"*_{frame:012d}_*.json"))
        content = json.loads(path.read_text(encoding="utf-8"))
        del content["people"][person]
        path.write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize("keypoints", ["openpose", "coco.json"])
def test_whoever_is_seen_longest_moves(held: tuple[Path, list[np.ndarray]], lifter: Lifter, keypoints: str) -> None:
    folder, people = held
    motion, truth = read(folder, lifter, keypoints), to_h36m_17(people[0])
    assert motion.fps == FPS
    assert len(motion) == FRAMES
    arms_and_legs = [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16]
    known = ~np.isnan(truth[:, arms_and_legs, 0])
    np.testing.assert_allclose(motion.pose_2d[:, arms_and_legs][known], truth[:, arms_and_legs][known], atol=0.01)
    assert motion.film is not None
    assert motion.film.frames == range(FRAMES)
    assert sum(picture.shape == (SIDE, 2 * SIDE, 3) for picture in motion.film.pictures()) == FRAMES


def test_labels_are_those_that_the_lifter_infers(held: tuple[Path, list[np.ndarray]], lifter: Lifter) -> None:
    motion = read(held[0], lifter)
    np.testing.assert_array_equal(motion.label, guess_labels(motion.pose_2d, lifter, LABEL_RULE, motion.fps))
    assert len(np.unique(motion.label)) > 1
    each = read_driving(held[0] / "openpose", held[0] / "video.mp4", ALL, lifter, LABEL_RULE, steady=False)
    alone = np.concatenate([guess_labels(pose[None], lifter, LABEL_RULE, None) for pose in motion.pose_2d])
    assert (alone == each.label).mean() > 0.99  # sums of a batch may differ in their last bits
    assert (motion.label[1:] != motion.label[:-1]).sum() <= (each.label[1:] != each.label[:-1]).sum()


def test_no_label_is_guessed_of_limbs_that_are_not_known(held: tuple[Path, list[np.ndarray]], lifter: Lifter) -> None:
    pose_2d = read(held[0], lifter).pose_2d.copy()
    pose_2d[0, 11] = np.nan  # a shoulder: the torso is not known
    pose_2d[1, 16] = np.nan  # a wrist
    label = guess_labels(pose_2d, lifter, LABEL_RULE, FPS)
    assert not label[0].any()
    assert label[1, 7] == 0


def test_a_short_gap_is_filled(held: tuple[Path, list[np.ndarray]], lifter: Lifter) -> None:
    folder, _ = held
    whole = read(folder, lifter)
    hide(folder, range(15, 19))
    motion = read(folder, lifter)
    assert len(motion) == FRAMES
    known = ~np.isnan(motion.pose_2d[15:19]) & ~np.isnan(whole.pose_2d[15:19])
    assert known.mean() > 0.7
    assert np.abs(motion.pose_2d[15:19] - whole.pose_2d[15:19])[known].max() < 4  # px


def test_a_long_gap_is_one_line_that_says_where(held: tuple[Path, list[np.ndarray]], lifter: Lifter) -> None:
    folder, _ = held
    hide(folder, range(5, 18))
    with pytest.raises(UserError) as error:
        read(folder, lifter)
    assert "frame 5: expected a pose, found nobody there and in frames around it; leave it out by --start and --stop" in str(error.value)
    part = read(folder, lifter, times=(0.9, None))
    assert len(part) == FRAMES - 18
    assert part.film is not None
    assert part.film.frames == range(18, FRAMES)


def test_nobody_and_no_frames_are_one_line(held: tuple[Path, list[np.ndarray]], lifter: Lifter) -> None:
    folder, _ = held
    with pytest.raises(UserError, match=r"expected frames between --start 50, found none in its 1\.20 s"):
        read(folder, lifter, times=(50.0, None))
    hide(folder, range(FRAMES))
    with pytest.raises(UserError, match=r"openpose: expected somebody in the frames of .*video\.mp4, found nobody"):
        read(folder, lifter)
