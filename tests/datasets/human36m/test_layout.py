import shutil

import pytest

from pipeline.datasets.human36m.layout import CAMERA, PIXELS, WORLD, find_layout


def fetch(folder):
    """Move the pose folders of a subject to where h36m-fetch puts them."""
    for kind in (WORLD, CAMERA, PIXELS):
        (folder / "MyPoseFeatures" / kind).rename(folder / f"Poses_{kind}")
    (folder / "MyPoseFeatures").rmdir()


def test_both_layouts_are_found_by_looking(root):
    assert find_layout(root / "S1").world_pose("Sitting 1") == root / "S1/MyPoseFeatures/D3_Positions/Sitting 1.cdf"
    fetch(root / "S1")
    assert find_layout(root / "S1").world_pose("Sitting 1") == root / "S1/Poses_D3_Positions/Sitting 1.cdf"
    assert find_layout(root / "S9").pose_folder(CAMERA) == root / "S9/MyPoseFeatures/D3_Positions_mono"


@pytest.mark.parametrize("left", [WORLD, CAMERA])
def test_one_pose_folder_is_enough(root, left):
    fetch(root / "S1")
    for kind in {WORLD, CAMERA, PIXELS} - {left}:
        shutil.rmtree(root / "S1" / f"Poses_{kind}")
    assert find_layout(root / "S1").pose_folder(left).is_dir()


def test_names_with_a_blank_and_a_dot(root):
    layout = find_layout(root / "S1")
    assert layout.video("SittingDown 2", "55011271") == root / "S1/Videos/SittingDown 2.55011271.mp4"
    assert layout.view_pose(PIXELS, "Sitting 1", "54138969").name == "Sitting 1.54138969.cdf"
    assert layout.view_pose(PIXELS, "Sitting 1", "54138969").is_file()
    assert layout.truth == root / "S1/truth.h5"
