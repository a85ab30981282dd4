"""Plates: the median of what a camera shows where the person is not."""

from pathlib import Path

import cv2
import numpy as np

from pipeline.datasets.human36m.plates import Take, crop_plate, make_plate
from pipeline.packs.frame_store import write_frames
from pipeline.pose.skeleton import H36M_17

SIZE, STORED = (160, 120), (80, 60)  # width and height


def room() -> np.ndarray:
    small = np.random.default_rng(1).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return cv2.resize(small, STORED, interpolation=cv2.INTER_CUBIC)


def joints(x: float) -> np.ndarray:
    """(17, 2) px of the video: somebody upright, 60 px tall."""
    pose = np.full((17, 2), (x, 60.0))
    for name, y in (("thorax", 40), ("nose", 34), ("head", 30), ("left_knee", 75), ("right_knee", 75), ("left_ankle", 90), ("right_ankle", 90)):
        pose[H36M_17.index(name), 1] = y
    return pose


def take(folder: Path, places: list[float]) -> Take:
    """Frames of the room in which somebody in red stands at `places`, px."""
    images = []
    for x in places:
        image = room()
        cv2.rectangle(image, (round(x / 2) - 3, 14), (round(x / 2) + 3, 46), (255, 0, 0), cv2.FILLED)
        images.append(image)
    write_frames(folder / "a.1.h5", images, np.arange(len(images)), SIZE, STORED, 25.0)
    return Take(folder / "a.1.h5", SIZE, np.array([joints(x) for x in places]))


def test_a_plate_shows_the_room_without_the_person(tmp_path: Path) -> None:
    plate = make_plate([take(tmp_path, [30, 50, 70, 90, 110, 130])])
    assert plate.shape == (60, 80, 4)
    assert (plate[..., 3] == 255).all()
    assert np.abs(plate[..., :3].astype(int) - room()).mean() < 3


def test_what_the_person_always_hides_is_not_known(tmp_path: Path) -> None:
    plate = make_plate([take(tmp_path, [80] * 8)])
    hidden = plate[..., 3] == 0
    assert hidden[14:46, 38:42].all()
    assert not hidden[:, :20].any()
    assert not plate[hidden].any()


def test_the_plate_of_a_crop_is_known_where_all_of_its_pixels_are(tmp_path: Path) -> None:
    plate = make_plate([take(tmp_path, [80] * 8)])
    crop = crop_plate(plate, np.array([20.0, 10, 140, 110]), SIZE, (50, 60))
    assert crop.shape == (50, 60, 4)
    assert set(np.unique(crop[..., 3])) == {0, 255}
    assert (crop[2:-2, 27:33, 3] == 0).any()
    assert (crop[:, :10, 3] == 255).all()
