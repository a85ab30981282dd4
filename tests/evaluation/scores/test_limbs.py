"""Limbs that come to the front: whole, smeared, or in a neighbour's colour."""

import numpy as np
import pytest

from pipeline.evaluation.scores.limbs import KEYS, LEAST, judge_limb, limb_figures
from pipeline.pose.skeleton import LIMB_NAMES

LIMB, TORSO = 5, 1
SKIN, SHIRT, WALL = (200, 150, 120), (20, 40, 160), (240, 240, 240)


@pytest.fixture
def scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A limb across a shirt before a wall: the truth (H, W, 3), parts (H, W), and where the limb lies."""
    part = np.zeros((40, 30), np.int8)
    part[8:36, 5:25] = TORSO
    part[16:22, 3:27] = LIMB
    truth = np.array([WALL, SHIRT, SKIN], np.uint8)[np.select([part == LIMB, part == TORSO], [2, 1], 0)]
    return truth, part, part == LIMB


def test_the_truth_is_whole(scene: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    truth, part, changed = scene
    assert judge_limb(truth, truth, part, LIMB, changed).tolist() == [0, 0, 1, 1]


def test_a_smear_is_not_its_own_and_a_patterned_limb_has_a_spread(scene: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    truth, part, changed = scene
    painted = truth.copy()
    painted[16:19, 3:27] = SHIRT
    error, spread, own, own_truth = judge_limb(painted, truth, part, LIMB, changed)
    assert own == 0.5
    assert own_truth == 1
    assert spread == 0
    assert error == pytest.approx(np.abs(np.subtract(SKIN, SHIRT)).mean() / 255 / 2)
    striped = truth.copy()
    striped[20, 3:27] -= 60
    assert judge_limb(striped, striped, part, LIMB, changed)[1] == pytest.approx(60 / 255 / 6)


def test_only_what_changed_counts_and_neighbours_of_the_same_colour_say_nothing(scene: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    truth, part, changed = scene
    painted = truth.copy()
    painted[16:19, 3:27] = SHIRT
    half = changed.copy()
    half[16:19] = False
    assert judge_limb(painted, truth, part, LIMB, half).tolist() == [0, 0, 1, 1]
    alike = np.full_like(truth, SKIN)
    error, _, own, own_truth = judge_limb(alike, alike, part, LIMB, changed)
    assert error == 0
    assert np.isnan([own, own_truth]).all()
    few = np.zeros_like(changed)
    few[16, 3 : 3 + LEAST - 1] = True
    assert np.isnan(judge_limb(truth, truth, part, LIMB, few)).all()


def test_every_limb_counts_alike() -> None:
    judged = np.array([[0.1, 0.0, 1.0, 1.0], [0.1, 0.0, 1.0, 1.0], [0.3, 0.0, 0.5, np.nan], [np.nan] * 4])
    figures = limb_figures(judged, np.array([0, 0, 1, 1]))
    assert [figures[key] for key in KEYS] == pytest.approx([0.2, 0.0, 0.75, 1.0])
    assert figures["limbs"][LIMB_NAMES[0]]["cases"] == 2
    assert figures["limbs"][LIMB_NAMES[1]]["cases"] == 1
    assert figures["limbs"][LIMB_NAMES[2]]["limb_l1"] is None
