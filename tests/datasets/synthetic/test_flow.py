"""True flow: along it a picture hardly changes, and what does not move stays where it is."""

import cv2
import numpy as np

from pipeline.datasets.synthetic.body import build_body
from pipeline.datasets.synthetic.dataset import invent_take
from pipeline.datasets.synthetic.flow import follow
from pipeline.datasets.synthetic.names import sequences
from pipeline.datasets.synthetic.renderer import Renderer, screen_bounds
from pipeline.datasets.synthetic.room import CAMERA_IDS, SUPERSAMPLING, look, room_cameras

SIZE = 128


def test_pictures_hardly_change_along_the_flow() -> None:
    person, pose, seat = invent_take(1, sequences("S9", 1)[0], 2, 10)
    view = look(room_cameras(SIZE, 1, 9)[CAMERA_IDS[0]], SIZE)
    renderer = Renderer(build_body(person, pose, seat), person.materials)
    bounds = screen_bounds(renderer.solids, view.camera)
    first, second = (renderer.picture(view, bounds, t).astype(np.float32) for t in (0, 1))
    buffers = renderer.buffers(view, bounds, 0), renderer.buffers(view, bounds, 1)
    pixels = np.stack(np.meshgrid(np.arange(SIZE), np.arange(SIZE)), axis=-1)
    moved, seen = follow(renderer, view, 0, buffers, pixels)
    body = buffers[0].solid[::SUPERSAMPLING, ::SUPERSAMPLING] >= 0
    body = cv2.erode(body.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0  # outlines are mixed of both sides
    warped = cv2.remap(second, moved.astype(np.float32), None, cv2.INTER_LINEAR)
    where = body & seen
    assert where.sum() > 0.5 * body.sum() > 100
    assert np.linalg.norm(moved - pixels, axis=-1)[where].mean() > 1
    assert np.abs(warped - first)[where].mean() < 0.5 * np.abs(second - first)[where].mean()
    away = np.full((2, 2, 2), 3)  # a corner, where nobody is
    still, there = follow(renderer, view, 0, buffers, away)
    assert there.all()
    np.testing.assert_array_equal(still, away)
