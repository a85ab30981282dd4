"""Guessed labels: how many are right, and that doubtful ones are wrong more often. `pytest -s` prints the figures of the docs."""

from pathlib import Path

import numpy as np
import pytest
from invented_video import ACTIONS, facing_camera
from standing import POSE

from pipeline.datasets.photos.joints import to_h36m_17
from pipeline.datasets.photos.scene import Scene
from pipeline.datasets.photos.synthetic import plain_wall
from pipeline.datasets.synthetic.motion import invent_motion
from pipeline.datasets.synthetic.person import invent_person
from pipeline.datasets.videos.guesses import NO_GUESS, DepthGuess, read_confidence, read_guesses, write_guesses
from pipeline.page.guess import confident_guess, guess_from_file
from pipeline.pose.labels import UNLABELLED, Labels
from pipeline.pose.skeleton import H36M_17, LIMB_NAMES
from pipeline.utils.errors import UserError
from pose25d.weights import pretrained_file

PEOPLE, MOMENTS, SIDE = 60, np.arange(0, 12, 0.8), 256


def seen() -> list[tuple[np.ndarray, Labels]]:
    """Joints (17, 2) px and true labels of invented people who were never trained on, from all sides."""
    found = []
    for seed in range(PEOPLE):
        rng = np.random.default_rng(seed)
        person = invent_person(rng)
        motion = invent_motion(ACTIONS[seed % len(ACTIONS)], person.build, rng, MOMENTS)
        scene = Scene(person, plain_wall(facing_camera(motion.joints, rng.uniform(-3, 3), SIDE), np.full(3, 0.9), SIDE))
        for moment in range(len(MOMENTS)):
            points = scene.keypoints(motion[moment : moment + 1])
            found.append((to_h36m_17(points), scene.labels(motion[moment : moment + 1], points, POSE)))
    return found


def test_guessed_labels_are_right_mostly_and_doubtful_ones_are_wrong_more_often() -> None:
    guess = confident_guess(pretrained_file("lifter"), POSE)
    wrong, known, confidence = [], 0, []
    for pose_2d, labels in seen():
        guessed = guess(pose_2d)
        wrong.append(sum(mine != true for mine, true in zip(guessed.labels, labels, strict=True) if None not in (mine, true)))
        known += sum(None not in pair for pair in zip(guessed.labels, labels, strict=True))
        confidence.append(guessed.confidence)
    quarters = [float(part.mean()) for part in np.array_split(np.array(wrong)[np.argsort(confidence, kind="stable")], 4)]
    print(f"\n{1 - sum(wrong) / known:.3f} of {known} guessed labels agree with the truth; wrong per picture, by quarters of confidence: {quarters}")
    assert sum(wrong) / known < 0.13
    assert quarters == sorted(quarters, reverse=True)
    assert quarters[0] > 2.5 * quarters[-1]


def test_limbs_that_are_seen_are_guessed_where_the_torso_is() -> None:
    guess, (pose_2d, _) = confident_guess(pretrained_file("lifter"), POSE), seen()[0]
    without = pose_2d.copy()
    without[H36M_17.index("left_wrist")] = np.nan
    assert guess(without).labels[LIMB_NAMES.index("left_forearm")] is None
    assert guess(without).labels.count(None) == guess(pose_2d).labels.count(None) + 1
    without[H36M_17.index("right_hip")] = np.nan
    assert guess(without) == NO_GUESS


def test_guesses_come_back_from_their_files(tmp_path: Path) -> None:
    labels = (0, 1, -1, None, 0, 0, 1, 0)
    write_guesses(tmp_path, {"b_1.jpg": DepthGuess(labels, 0.25), "a_1.jpg": NO_GUESS})
    assert read_guesses(tmp_path) == {"b_1.jpg": labels}
    assert read_confidence(tmp_path) == {"a_1.jpg": 0.0, "b_1.jpg": 0.25}
    guess = guess_from_file(tmp_path)
    assert guess is not None
    assert guess("b_1.jpg", np.zeros((17, 2))) == labels
    assert guess("a_1.jpg", np.zeros((17, 2))) is None
    assert UNLABELLED not in read_guesses(tmp_path).values()


def test_a_folder_without_guesses_has_none(tmp_path: Path) -> None:
    assert guess_from_file(tmp_path) is None
    assert read_confidence(tmp_path) == {}


@pytest.mark.parametrize("row", ["a.jpg", "a.jpg,2", "a.jpg,nan", "a.jpg,sure", "a.jpg,0.5,0.5"])
def test_a_confidence_that_is_none_is_one_line(tmp_path: Path, row: str) -> None:
    (tmp_path / "guess-confidence.csv").write_text(f"name,confidence\n{row}\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"line 2: expected a name and a confidence from 0 to 1, found a\.jpg"):
        read_confidence(tmp_path)
