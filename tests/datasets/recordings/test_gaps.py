import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.datasets.recordings.gaps import fill_gaps, runs, whole_runs


def moving(frames: int = 60) -> np.ndarray:
    """Two joints that swing once a second at 60 frames/s, mm."""
    time = np.arange(frames)[:, None] / 60
    return np.stack([300 * np.sin(2 * np.pi * time + np.arange(3)), 200 * np.cos(2 * np.pi * time + np.arange(3))], axis=1)


@given(st.integers(2, 50), st.integers(1, 5))
def test_a_short_gap_is_filled_within_a_millimetre(start: int, length: int) -> None:
    poses = moving()
    poses[start : start + length, 1] = np.nan
    filled, done = fill_gaps(poses, 5)
    np.testing.assert_allclose(filled, moving(), atol=1.0)
    np.testing.assert_array_equal(filled[:, 0], poses[:, 0])
    assert done == {1: [(start, start + length - 1)]}


def test_longer_gaps_and_both_ends_stay_as_they_are() -> None:
    poses = moving()
    poses[:2, 0] = poses[20:26, 0] = poses[-1:, 0] = np.nan
    filled, done = fill_gaps(poses, 5)
    assert done == {}
    assert whole_runs(filled) == [(2, 19), (26, 58)]


@given(st.lists(st.booleans(), max_size=20))
def test_runs_are_the_true_values(flags: list[bool]) -> None:
    places = [i for a, b in runs(np.array(flags, bool)) for i in range(a, b + 1)]
    assert places == [i for i, flag in enumerate(flags) if flag]
