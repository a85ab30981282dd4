"""Who is whom from frame to frame."""

import numpy as np

from pipeline.datasets.videos.detections import Person
from pipeline.datasets.videos.tracks import link

GAP = 5


def person(x: float, number: int | None = None) -> Person:
    """Somebody 20 px wide and 60 px high whose left edge is at x."""
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 1, (18, 2)) * (20, 60)
    points[:2] = ((0, 0), (20, 60))
    return Person((points + np.array((x, 0))).astype(np.float32), number)


def lefts(frames: dict[int, list[Person]]) -> list[dict[int, int]]:
    return [{frame: round(float(points[0, 0])) for frame, points in track.frames.items()} for track in link(frames, GAP)]


def test_people_are_followed_by_overlap_whatever_order_they_are_listed_in() -> None:
    frames = {frame: [person(2 * frame), person(100 - 2 * frame)][:: 1 if frame % 2 else -1] for frame in range(10)}
    first, second = sorted(lefts(frames), key=lambda track: track[0])
    assert first == {frame: 2 * frame for frame in range(10)}
    assert second == {frame: 100 - 2 * frame for frame in range(10)}


def test_the_best_of_all_matches_counts_not_the_first() -> None:
    """Two who stand close: each overlaps with the other more than the limit asks for."""
    assert lefts({0: [person(0), person(8)], 1: [person(6), person(14)]}) == [{0: 0, 1: 6}, {0: 8, 1: 14}]


def test_who_is_out_of_sight_for_long_is_somebody_else() -> None:
    assert lefts({0: [person(0)], 1 + GAP: [person(1)]}) == [{0: 0, 1 + GAP: 1}]
    assert lefts({0: [person(0)], 2 + GAP: [person(1)]}) == [{0: 0}, {2 + GAP: 1}]


def test_who_is_elsewhere_is_somebody_else() -> None:
    assert lefts({0: [person(0)], 1: [person(40)]}) == [{0: 0}, {1: 40}]


def test_the_numbers_of_a_tracker_count_before_places_and_gaps() -> None:
    frames = {0: [person(0, 7), person(50, 2)], 1: [person(50, 7), person(0, 2)], 90: [person(300, 7), person(200)]}
    assert lefts(frames) == [{0: 0, 1: 50, 90: 300}, {0: 50, 1: 0}, {90: 200}]


def test_nobody_is_nobody() -> None:
    assert lefts({}) == lefts({0: [], 1: []}) == []
