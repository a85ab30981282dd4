"""Which twins demonstrate depth: by their labels and by clear pixels, on small known examples."""

import numpy as np
import pytest

from pipeline.evaluation.examples.demonstrations import KINDS, OTHER_SIDE, choose, fits, front_in_twin
from pipeline.pose.skeleton import CHAIN_LIMBS, CHAIN_NAMES, LIMB_NAMES

RIGHT_LEG, LEFT_LEG, LEFT_ARM, RIGHT_ARM = range(4)


def limbs(right_leg=(0, 0), left_leg=(0, 0), left_arm=(0, 0), right_arm=(0, 0)):
    """Labels of all limbs, (1, L): thigh and calf, upper arm and forearm; 0 of others."""
    label = np.zeros((1, len(LIMB_NAMES)), dtype=np.int8)
    label[:, np.ravel(CHAIN_LIMBS)] = [*right_leg, *left_leg, *left_arm, *right_arm]
    return label


def fit(first, second, chain):
    return fits(first, second, np.array([chain]))[:, 0].tolist()


def test_the_other_side():
    assert [CHAIN_NAMES[other] for other in OTHER_SIDE] == ["left_leg", "right_leg", "right_arm", "left_arm"]


@pytest.mark.parametrize(
    ("first", "second", "chain", "expected"),
    [
        (limbs((1, 1), (-1, -1)), limbs((-1, -1), (1, 1)), RIGHT_LEG, [4, 6, 0]),  # both limbs change places with the other leg's
        (limbs((-1, -1), (1, 1)), limbs((1, 1), (-1, -1)), LEFT_LEG, [4, 6, 0]),
        (limbs((0, 1), (0, -1)), limbs((0, -1), (0, 1)), RIGHT_LEG, [2, 4, 0]),  # the calves alone
        (limbs((1, 1)), limbs((-1, -1)), RIGHT_LEG, [2, 8, 0]),  # only this leg is told behind
        (limbs((-1, -1)), limbs((1, 1)), RIGHT_LEG, [2, 8, 0]),
        (limbs((1, -1)), limbs((-1, 1)), RIGHT_LEG, [2, 5, 0]),  # never both behind
        (limbs((1, 0)), limbs((0, -1)), RIGHT_LEG, [0, 0, 0]),  # nothing turns
        (limbs(left_leg=(1, 1)), limbs(left_leg=(-1, -1)), RIGHT_LEG, [0, 0, 0]),  # the leg that was not mirrored
        (limbs(right_arm=(1, 1)), limbs(right_arm=(-1, -1)), RIGHT_ARM, [0, 0, 2]),
        (limbs(right_arm=(0, -1)), limbs(right_arm=(0, 1)), RIGHT_ARM, [0, 0, 1]),
        (limbs(right_arm=(1, 0)), limbs(right_arm=(-1, 0)), RIGHT_ARM, [0, 0, 0]),  # the forearm stays
        (limbs(left_arm=(1, 1)), limbs(left_arm=(-1, -1)), LEFT_ARM, [0, 0, 0]),  # the thesis shows the right one
    ],
)
def test_how_well_labels_fit_each_demonstration(first, second, chain, expected):
    assert fit(first, second, chain) == expected


def test_the_front_comes_first():
    label, twin = np.concatenate([limbs((1, 0)), limbs((-1, 0))]), np.concatenate([limbs((-1, 0)), limbs((1, 0))])
    assert front_in_twin(label, twin, np.array([RIGHT_LEG, RIGHT_LEG])).tolist() == [False, True]


def test_the_best_fit_then_the_clearest_of_two_people():
    fit = np.array([[2, 4, 4, 4, 0, 4], [0, 8, 8, 8, 8, 8], [0, 0, 0, 0, 0, 0]])
    pixels = np.array([900, 50, 70, 60, 80, 0])
    identity = np.array(["ann", "ann", "bob", "bob", "cat", "dan"])
    chosen, kind = choose(fit, pixels, identity)
    # legs: bob's clearest, then ann's that fits best, not his second; then cat's (80), and bob's second, as each twin is shown once
    assert [(KINDS[k], int(i)) for k, i in zip(kind, chosen, strict=True)] == [(KINDS[0], 2), (KINDS[0], 1), (KINDS[1], 4), (KINDS[1], 3)]


def test_ties_go_to_the_first():
    fit = np.ones((3, 4), dtype=int)
    chosen, kind = choose(fit, np.full(4, 9), np.array(["ann", "ann", "bob", "bob"]))
    assert (chosen.tolist(), kind.tolist()) == ([0, 2, 1, 3], [0, 0, 1, 1])


def test_without_twins_nothing_is_chosen():
    none = np.zeros((0, len(LIMB_NAMES)), dtype=np.int8)
    fit = fits(none, none, np.zeros(0, dtype=np.int8))
    chosen, kind = choose(fit, np.zeros(0, dtype=int), np.zeros(0, dtype=str))
    assert fit.shape == (3, 0)
    assert (len(chosen), len(kind)) == (0, 0)
