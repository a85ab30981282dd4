import pytest

from pipeline.datasets.human36m.frames import kept_frames


@pytest.mark.parametrize(
    ("fps", "wanted", "poses", "expected"),
    [
        (50, 10, 16, [0, 5, 10, 15]),
        (50, 10, 15, [0, 5, 10]),
        (60, 10, 13, [0, 6, 12]),
        (50, 50, 3, [0, 1, 2]),
        (50, 100, 3, [0, 1, 2]),  # a rate above the video's own keeps every frame
        (29.97, 10, 7, [0, 3, 6]),
        (49.999, 10, 6, [0, 5]),
        (50, 10, 1, [0]),
        (50, 10, 0, []),
    ],
)
def test_every_kth_frame_that_has_a_pose(fps, wanted, poses, expected):
    assert list(kept_frames(fps, wanted, poses)) == expected
