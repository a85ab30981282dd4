"""What is stored comes back, and a damaged file says so."""

from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest

from pipeline.packs.frame_store import FrameStore, store_path, views_in, write_frames
from pipeline.utils.errors import UserError
from pipeline.utils.images import encode


def smooth(seed: int) -> np.ndarray:
    """A colourful picture (24, 32, 3) without noise."""
    small = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return cv2.resize(small, (32, 24), interpolation=cv2.INTER_CUBIC)


def write(path: Path) -> Path:
    write_frames(path, (smooth(i) for i in range(3)), np.array([0, 5, 10]), (64, 48), (32, 24), 50.0)
    return path


def test_frames_come_back_nearly_as_they_were_with_their_numbers(tmp_path: Path) -> None:
    with FrameStore(write(tmp_path / "a.h5")) as store:
        assert (len(store), store.frame.tolist(), store.frame.dtype) == (3, [0, 5, 10], np.int32)
        assert (store.size, store.stored, store.fps) == ((64, 48), (32, 24), 50.0)
        for row in range(3):
            assert np.abs(store[row].astype(int) - smooth(row)).mean() < 2


def test_colour_is_stored_as_finely_as_brightness(tmp_path: Path) -> None:
    stripes = np.zeros((16, 16, 3), np.uint8)
    stripes[:, ::2], stripes[:, 1::2] = (200, 80, 80), (80, 80, 200)
    write_frames(tmp_path / "a.h5", [stripes], np.zeros(1, np.int32), (16, 16), (16, 16), 50.0)
    with FrameStore(tmp_path / "a.h5") as store:
        assert np.abs(store[0].astype(int) - stripes).max() < 30


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    assert write(tmp_path / "a.h5").read_bytes() == write(tmp_path / "b.h5").read_bytes()


def test_names_with_spaces_and_dots_come_back(tmp_path: Path) -> None:
    for sequence, camera in (("Walking 1", "58860488"), ("Photo", "54138969"), ("a.b", "1")):
        store_path(tmp_path, sequence, camera).touch()
    (tmp_path / "report.json").touch()
    assert views_in(tmp_path) == [("Photo", "54138969"), ("Walking 1", "58860488"), ("a.b", "1")]


def test_a_file_that_is_missing_or_no_frames_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("text", encoding="utf-8")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["pose"] = 1
    for name in ("missing.h5", "text.h5", "other.h5"):
        with pytest.raises(UserError, match=rf"{name}: expected a file of frames.*run the stage `extract` again"):
            FrameStore(tmp_path / name)


def test_a_damaged_image_names_file_and_row(tmp_path: Path) -> None:
    with h5py.File(write(tmp_path / "a.h5"), "r+") as file:
        file["jpeg"][1] = file["jpeg"][1][:0]
        file["jpeg"][2] = np.frombuffer(encode(smooth(0)[:, :16], ".jpg"), np.uint8)
    with FrameStore(tmp_path / "a.h5") as store:
        store[0]
        for row in (1, 2):
            with pytest.raises(UserError, match=rf"a\.h5: image {row} is damaged"):
                store[row]
