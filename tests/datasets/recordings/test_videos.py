from pathlib import Path

import pytest

from pipeline.datasets.recordings.videos import find_videos
from pipeline.utils.errors import UserError


def folder(path: Path, names: list[str]) -> Path:
    for name in names:
        (path / name).touch()
    return path


@pytest.mark.parametrize(
    ("cameras", "videos"),
    [
        (["cam1", "cam10", "cam100"], ["cam1.mp4", "cam10.mp4", "cam100.mp4"]),
        (["cam1", "cam10"], ["walk_cam1.MP4", "walk_cam10.MP4"]),
        (["cam_01", "cam_02"], ["cam01.mp4", "cam02.mp4"]),
        (["int_cam1_img", "int_cam2_img"], ["trial cam01.avi", "trial cam02.avi"]),
        (["0", "1"], ["Camera_000_synchronized.mp4", "Camera_001_synchronized.mp4"]),
        (["Left", "Right"], ["right.mov", "left.mov", "notes.txt"]),
    ],
)
def test_each_camera_has_its_video(tmp_path: Path, cameras: list[str], videos: list[str]) -> None:
    found = find_videos(folder(tmp_path, videos), cameras)
    expected = sorted(videos[: len(cameras)]) if cameras[0] == "Left" else videos
    assert [found[camera].name for camera in cameras] == expected


def test_what_belongs_to_none_is_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"expected one video of camera a, called as the camera is, found one.mp4, two.mp4; put it there$"):
        find_videos(folder(tmp_path, ["one.mp4", "two.mp4"]), ["a", "b"])
