"""Extracted frames are cut around the person, or it is said why not."""

import h5py
import numpy as np
import pytest
from made_cases import write_views

from pipeline.packs.frame_store import store_path
from pipeline.report.frame_tiles import frame_tiles
from pipeline.utils.errors import UserError


def test_frames_are_cut_around_the_person(folders):
    tiles = frame_tiles(folders / "frames", folders / "poses", ["S1", "S9"])
    assert list(tiles) == ["S1", "S9"]
    for views in tiles.values():
        assert list(views) == ["54138969", "55011271"]
        for tile in views.values():
            red = (np.abs(tile - np.array([255, 0, 0])).max(-1) < 30).mean()
            assert tile.shape[0] == 220
            assert 0.2 < red < 0.8  # the square of the person fills much of the tile, the skeleton covers some of it


def test_a_view_without_frames_is_not_shown(folders):
    store_path(folders / "frames" / "S1", "Directions 1", "54138969").unlink()
    assert list(frame_tiles(folders / "frames", folders / "poses", ["S1"])["S1"]) == ["55011271"]


def test_frames_and_poses_that_do_not_belong_together(folders):
    write_views(folders, "S1", frames=(1, 2, 3))
    with pytest.raises(UserError, match=r"54138969\.h5: the middle frame has no pose"):
        frame_tiles(folders / "frames", folders / "poses", ["S1"])
    write_views(folders, "S1", reach=5000.0)
    with pytest.raises(UserError, match="the skeleton lies outside the picture"):
        frame_tiles(folders / "frames", folders / "poses", ["S1"])
    (folders / "poses" / "S1.h5").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"S1\.h5: expected poses"):
        frame_tiles(folders / "frames", folders / "poses", ["S1"])


def test_damaged_poses_are_one_line(folders):
    wrong = {"pose_2d": np.full((3, 17, 2), np.nan, np.float32), "label": np.zeros((3, 7), np.int8), "frame": np.zeros(2, np.int32)}
    for name, values in wrong.items():
        write_views(folders, "S9")
        with h5py.File(folders / "poses" / "S9.h5", "r+") as file:
            del file[f"Directions 1/54138969/{name}"]
            file[f"Directions 1/54138969/{name}"] = values
        with pytest.raises(UserError, match=r"S9\.h5: expected poses, and in it `Directions 1/54138969/.*; run the stage `project` again"):
            frame_tiles(folders / "frames", folders / "poses", ["S9"])
