"""Depth scores: the truth is right, its twin is wrong, and who sees only 2D is right half of the time."""

import numpy as np
import pytest

from pipeline.evaluation.scores.depth import clear_pixels, judge_order, label_accuracy, label_confusion, lift_figures, order_accuracy
from pipeline.pose.bodies.pose_space import labels_differ
from pipeline.pose.skeleton import LIMBS

RNG = np.random.default_rng(0)
PEOPLE = np.repeat(["ann", "bob", "cid"], 4)  # whose the twelve twins are


@pytest.fixture
def truths():
    """Twelve twins: (12, 2, 32, 16, 3), equal but for 8x6 px, where an arm of one colour is before or behind a shirt of another."""
    images = RNG.integers(0, 256, (12, 1, 32, 16, 3)).repeat(2, axis=1)
    images[:, 0, 10:18, 4:10] = RNG.integers(0, 100, (12, 1, 1, 3))
    images[:, 1, 10:18, 4:10] = RNG.integers(150, 256, (12, 1, 1, 3))
    return images.astype(np.uint8)


def test_the_truth_is_always_right_and_its_twin_never(truths):
    chain, counted = np.arange(12) % 4, np.ones(12, dtype=bool)
    right = judge_order(truths, truths)
    assert order_accuracy(right, chain, counted, PEOPLE)["order_accuracy"] == 1
    wrong = judge_order(truths[:, ::-1], truths)
    assert order_accuracy(wrong, chain, counted, PEOPLE)["order_accuracy"] == 0
    assert clear_pixels(*truths.swapaxes(0, 1)).sum((1, 2)).tolist() == [48] * 12


def test_who_sees_only_2d_scores_exactly_one_half(truths):
    blind = RNG.integers(0, 256, (12, 1, 32, 16, 3)).repeat(2, axis=1).astype(np.uint8)
    blind[:3] = (truths[:3].sum(1, keepdims=True) // 2).astype(np.uint8)  # nearly between both
    right = judge_order(blind, truths)
    assert order_accuracy(right, RNG.integers(0, 4, 12), np.ones(12, dtype=bool), PEOPLE)["order_accuracy"] == 0.5


def test_an_image_just_between_both_truths_is_half_right():
    truths = np.zeros((1, 2, 8, 8, 3), dtype=np.uint8)
    truths[:, 1] = 100
    painted = np.full_like(truths, 50)
    assert judge_order(painted, truths).tolist() == [[0.5, 0.5]]


def test_only_pixels_that_differ_clearly_are_judged(truths):
    right = judge_order(truths, truths)
    noisy = truths.copy()
    noisy[:, :, 20:] = RNG.integers(0, 256, noisy[:, :, 20:].shape)  # the truths agree there
    np.testing.assert_array_equal(judge_order(noisy, truths), right)
    faint = np.full((1, 2, 8, 8, 3), 100, dtype=np.uint8)
    faint[:, 1, 0] = 125  # 25 levels: not clear
    faint[:, 1, 1] = 126  # 26: clear
    assert clear_pixels(*faint.swapaxes(0, 1)).sum((1, 2)).tolist() == [8]
    faint[:, 1, 2] = 250
    near = faint.copy()
    near[:, 0, 0] = 125  # what is not clear is not judged
    np.testing.assert_array_equal(judge_order(near, faint), [[1, 1]])


def test_easy_arms_do_not_hide_blind_legs():
    """Three chains always right with 10 cases each, one always wrong with a single case: the mean over chains is 0.75."""
    chain = np.array([0] * 10 + [2] * 10 + [3] * 10 + [1])
    right = np.where(chain == 1, 0.0, 1.0)[:, None].repeat(2, axis=1)
    figures = order_accuracy(right, chain, np.ones(31, dtype=bool), np.full(31, "ann"))
    assert figures["order_accuracy"] == 0.75
    assert figures["order_by_chain"]["left_leg"] == {"order_accuracy": 0.0, "order_cases": 1}


def test_twins_that_do_not_count_are_told():
    chain, right = np.array([0, 0, 2, 2]), np.array([[1, 1], [0, 0], [1, 0], [0, 0]], dtype=float)
    figures = order_accuracy(right, chain, np.array([True, False, True, False]), np.array(["ann", "bob", "ann", "bob"]))
    assert (figures["order_accuracy"], figures["order_cases"], figures["order_left_out"]) == (0.75, 2, 0.5)
    assert figures["order_by_chain"]["right_arm"] == {"order_accuracy": None, "order_cases": 0}


def test_without_twins_nothing_is_claimed():
    figures = order_accuracy(np.zeros((0, 2)), np.zeros(0, dtype=int), np.zeros(0, dtype=bool), np.zeros(0, dtype=str))
    assert (figures["order_accuracy"], figures["order_cases"], figures["order_left_out"]) == (None, 0, None)
    assert (figures["order_low"], figures["order_high"]) == (None, None)


def answers(people, rng, cases=8):
    """Right answers of as many people, each with cases of all chains, and each of them right with a chance of their own."""
    right = (rng.random((people, cases, 2)) < rng.random((people, 1, 1))).astype(float)
    return right.reshape(-1, 2), np.tile(np.arange(cases) % 4, people), np.ones(people * cases, dtype=bool), np.repeat(np.arange(people), cases)


@pytest.mark.parametrize("people", [2, 5, 40])
def test_the_interval_encloses_the_mean(people):
    for seed in range(10):
        figures = order_accuracy(*answers(people, np.random.default_rng(seed)))
        assert 0 <= figures["order_low"] <= figures["order_accuracy"] <= figures["order_high"] <= 1


def test_more_people_make_the_interval_narrower():
    """By the root of their number: sixteen times the people, a quarter of the width."""
    few, many = (order_accuracy(*answers(people, np.random.default_rng(1))) for people in (25, 400))
    width = [figures["order_high"] - figures["order_low"] for figures in (few, many)]
    assert width[1] == pytest.approx(width[0] / 4, rel=0.3)


def test_more_cases_of_the_same_person_say_nothing_new():
    right, chain, counted, person = answers(6, np.random.default_rng(2))
    once = order_accuracy(right, chain, counted, person)
    again = order_accuracy(right.repeat(9, axis=0), chain.repeat(9), counted.repeat(9), person.repeat(9))
    for name in ("order_accuracy", "order_low", "order_high"):
        assert again[name] == once[name]
    alone = order_accuracy(right, chain, counted, np.arange(len(right)))  # as if each case were another person's
    assert alone["order_high"] - alone["order_low"] < once["order_high"] - once["order_low"]


def test_the_interval_of_one_person_is_their_own_mean():
    right, chain, counted, person = answers(1, np.random.default_rng(3))
    figures = order_accuracy(right, chain, counted, person)
    assert figures["order_low"] == figures["order_accuracy"] == figures["order_high"]


def test_the_interval_of_two_people_spans_both():
    """One is always right, one never. Of four draws of two people one has only the first, one only the second."""
    right = np.array([[1, 1], [0, 0]], dtype=float)
    figures = order_accuracy(right, np.array([3, 3]), np.ones(2, dtype=bool), np.array(["ann", "bob"]))
    assert (figures["order_low"], figures["order_accuracy"], figures["order_high"]) == (0, 0.5, 1)


def test_the_interval_depends_neither_on_the_order_of_cases_nor_on_those_that_do_not_count():
    right, chain, counted, person = answers(7, np.random.default_rng(4))
    shuffled = np.random.default_rng(5).permutation(len(right))
    figures = order_accuracy(right, chain, counted, person)
    assert order_accuracy(right[shuffled], chain[shuffled], counted, person[shuffled]) == figures
    more = order_accuracy(np.vstack([right, 1 - right]), np.tile(chain, 2), np.repeat([True, False], len(right)), np.tile(person, 2))
    assert {**more, "order_left_out": 0.0} == figures


@pytest.mark.parametrize(("levels", "clear"), [(76, False), (77, True)])
def test_pixels_are_clear_from_a_tenth_of_the_range_on(levels, clear):
    """76.5 levels, summed over RGB; the sign does not matter."""
    first, second = np.full((2, 2, 1, 3, 3), 100, dtype=np.uint8)
    second[0, 0, 1] = 100 + np.array([levels - 50, 30, 20])
    expected = np.zeros((2, 1, 3), dtype=bool)
    expected[0, 0, 1] = clear
    np.testing.assert_array_equal(clear_pixels(first, second), expected)
    np.testing.assert_array_equal(clear_pixels(second, first), expected)


def test_a_twin_counts_if_a_label_of_its_own_chain_differs():
    label = np.zeros((3, len(LIMBS)), dtype=np.int8)
    twin = label.copy()
    twin[0, 5] = 1  # left forearm
    twin[1, 0] = -1  # right thigh
    assert labels_differ(label, twin, np.array([2, 2, 2])).tolist() == [True, False, False]
    assert labels_differ(label, twin, np.array([0, 0, 0])).tolist() == [False, True, False]


def test_label_accuracy_by_hand():
    truth = np.zeros((2, len(LIMBS)), dtype=np.int8)
    truth[0, :4] = [1, 1, -1, -1]
    label = truth.copy()
    label[0, 0] = 0  # a limb in front is missed: 1 of 2
    label[1, 7] = 1  # wrong, but not clear
    clear = np.ones((2, len(LIMBS)), dtype=bool)
    clear[1, 7] = False
    figures = label_accuracy(label, truth, clear)
    assert figures["label_accuracy"] == pytest.approx(1 - 1 / (2 * len(LIMBS) - 1), abs=1e-6)
    assert figures["label_accuracy_all"] == pytest.approx(1 - 2 / (2 * len(LIMBS)), abs=1e-6)
    assert figures["label_accuracy_balanced"] == pytest.approx((1 + 1 + 0.5) / 3, abs=1e-6)


def test_label_confusion_counts_truth_by_label():
    truth = np.array([[1] * len(LIMBS), [-1] * len(LIMBS)], dtype=np.int8)
    label = np.array([[0] * len(LIMBS), [-1] * len(LIMBS)], dtype=np.int8)
    counted = np.ones((2, len(LIMBS)), dtype=bool)
    counted[:, 3] = False
    confusion = label_confusion(label, truth, counted)
    assert confusion.shape == (len(LIMBS), 3, 3)
    assert confusion[0].tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 0]]
    assert confusion[3].sum() == 0


def test_always_answering_zero_is_seen_by_the_balanced_figure():
    truth = np.zeros((10, len(LIMBS)), dtype=np.int8)
    truth[0] = 1
    truth[1] = -1
    figures = label_accuracy(np.zeros_like(truth), truth, np.ones((10, len(LIMBS)), dtype=bool))
    assert figures["label_accuracy"] == 0.8
    assert figures["label_accuracy_balanced"] == pytest.approx(1 / 3, abs=1e-6)


def test_lifted_depths_by_hand():
    pose_3d = np.zeros((2, 17, 3))
    pose_3d[..., 2] = 4000
    pose_3d[:, 5, 2] = 3800  # left knee, 200 mm nearer
    pose_3d[:, 6, 2] = 3750  # left ankle: the calf is only 50 mm deep
    pose_2d, label = np.zeros((2, 17, 2)), np.zeros((2, len(LIMBS)), np.int8)
    label[:, 2:4] = 1  # left thigh and calf
    depth = np.zeros((2, 17))
    depth[0] = pose_3d[0, :, 2] + 123  # only differences to the hips count
    depth[1, 5] = 40  # on the wrong side
    figures = lift_figures(depth, pose_2d, pose_3d, label)
    assert figures["lift_error"] == pytest.approx((240 + 250) / 32, abs=1e-6)
    assert figures["lift_error_flat"] == pytest.approx((200 + 250) / 16, abs=1e-6)
    assert figures["lift_sign"] == 0.5  # the thighs; the calves are not deep, the other limbs have no label
    pose_2d[1, 5] = np.nan
    assert lift_figures(depth, pose_2d, pose_3d, label)["lift_error"] == pytest.approx(250 / 31, abs=1e-4)
    assert lift_figures(depth, pose_2d, pose_3d, 0 * label)["lift_sign"] is None
