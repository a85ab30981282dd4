"""PCKh and OKS-AP: values worked out by hand, and what must hold of any."""

import numpy as np
import pytest
from people import STANDING, two_people

from pipeline.pose.skeleton import COCO_18, H36M_17
from pipeline.pose_estimation.decode import Person
from pipeline.pose_estimation.scores import AREA, average_precision, head_size, pckh, pckh_hits, sigmas, similarity

HEAD = 20.0  # px from STANDING's thorax to the top of its head


def test_a_head_is_as_long_as_it_is() -> None:
    assert head_size(STANDING[None]) == HEAD
    coco = np.full((18, 2), np.nan)
    coco[[COCO_18.index(name) for name in ("neck", "right_ear", "left_ear")]] = [(10, 40), (4, 22), (18, 24)]
    assert head_size(coco[None]) == 18
    assert np.isnan(head_size(np.full((1, 18, 2), np.nan)))


def test_half_a_head_away_is_the_last_that_counts() -> None:
    for away, hit in ((HEAD / 2, 1), (HEAD / 2 + 0.01, 0)):
        moved = STANDING + np.array((away, 0))
        assert (pckh_hits(moved[None], STANDING[None]) == hit).all()


def test_a_joint_that_was_not_found_is_a_miss_and_one_without_truth_does_not_count() -> None:
    estimate, truth = STANDING.copy(), STANDING.copy()
    estimate[H36M_17.index("left_wrist")] = np.nan
    truth[H36M_17.index("right_wrist")] = np.nan
    hits = pckh_hits(estimate[None], truth[None])[0]
    assert hits[H36M_17.index("left_wrist")] == 0
    assert np.isnan(hits[H36M_17.index("right_wrist")])
    assert pckh(estimate[None], truth[None]) == pytest.approx(15 / 16)
    assert np.isnan(pckh(estimate[None], np.full((1, 17, 2), np.nan)))


def test_the_similarity_is_that_of_the_formula() -> None:
    assert similarity(STANDING, STANDING) == 1
    moved = STANDING + np.array((3.0, 4.0))
    area = AREA * np.prod(np.ptp(STANDING, axis=0))
    deviation = sigmas(17)[~np.isnan(sigmas(17))]
    assert len(deviation) == 13  # nose, shoulders, elbows, wrists, hips, knees, ankles
    assert similarity(moved, STANDING) == pytest.approx(np.exp(-25 / (2 * area * (2 * deviation) ** 2)).mean())
    missing = STANDING.copy()
    missing[H36M_17.index("nose")] = np.nan
    assert similarity(missing, STANDING) == pytest.approx(12 / 13)


def test_perfect_people_have_an_average_precision_of_one_and_misses_cost() -> None:
    left, right = two_people()
    truth = [[left, right], [left]]
    perfect = [[Person(left, 0.9), Person(right, 0.8)], [Person(left, 0.7)]]
    assert average_precision(perfect, truth) == 1
    assert average_precision([perfect[0], []], truth) == pytest.approx(67 / 101)  # recalls from 0 to 2/3
    assert average_precision([[], []], truth) == 0
    assert np.isnan(average_precision([[]], [[]]))


def test_a_person_is_found_once_and_a_surer_false_one_costs_precision() -> None:
    false = Person(STANDING[::-1].copy(), 0.95)
    assert average_precision([[Person(STANDING, 0.9), Person(STANDING, 0.8)]], [[STANDING]]) == 1
    assert average_precision([[false, Person(STANDING, 0.9)]], [[STANDING]]) == pytest.approx(0.5)
