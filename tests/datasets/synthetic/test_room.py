import numpy as np
import pytest

from pipeline.datasets.synthetic.room import CAMERA_IDS, CEILING, HALF_ROOM, LIGHT, camera_rays, look, room_cameras

SIZE = 64


@pytest.fixture(scope="module")
def cameras():
    return room_cameras(SIZE, 1, 9)


def test_rays_go_through_the_points_that_they_are_named_after(cameras):
    """Four per pixel, a quarter of a pixel from its middle, which has whole coordinates."""
    for camera in cameras.values():
        rays = camera_rays(camera, SIZE)
        assert rays.shape == (2 * SIZE, 2 * SIZE, 3)
        seen = camera.project(camera.to_camera(camera.T + 3000 * rays))
        x, y = np.meshgrid(np.arange(2 * SIZE) / 2 - 0.25, np.arange(2 * SIZE) / 2 - 0.25)
        np.testing.assert_allclose(seen, np.stack([x, y], axis=-1), atol=1e-3)


def test_rays_have_length_one_along_the_axis(cameras):
    camera = cameras[CAMERA_IDS[0]]
    np.testing.assert_allclose(camera.to_camera(camera.T + camera_rays(camera, SIZE))[..., 2], 1)


def test_cameras_look_at_the_middle_from_four_corners(cameras):
    assert tuple(cameras) == CAMERA_IDS
    assert {tuple(np.sign(camera.T[:2])) for camera in cameras.values()} == {(1, 1), (-1, 1), (1, -1), (-1, -1)}
    for camera in cameras.values():
        np.testing.assert_allclose(camera.R @ camera.R.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(camera.R) == pytest.approx(1)
        middle = camera.project(camera.to_camera(np.array((0.0, 0, 960))))
        np.testing.assert_allclose(middle, SIZE / 2, atol=SIZE * 0.05)
        up = camera.project(camera.to_camera(np.array((0.0, 0, 1500))))
        assert up[1] < middle[1]
        assert (np.abs(camera.T) < (*HALF_ROOM, CEILING)).all()


def test_lenses_are_the_same_for_all_subjects_and_places_are_not(cameras):
    other = room_cameras(SIZE, 1, 5)
    for number in CAMERA_IDS:
        np.testing.assert_array_equal(other[number].K, cameras[number].K)
        np.testing.assert_array_equal(other[number].distortion, cameras[number].distortion)
        assert 1 < np.linalg.norm(other[number].T - cameras[number].T) < 500
    again = room_cameras(SIZE, 1, 9)
    assert all((again[number].R == cameras[number].R).all() for number in CAMERA_IDS)
    assert (room_cameras(SIZE, 2, 9)[CAMERA_IDS[0]].K != cameras[CAMERA_IDS[0]].K).any()


def test_the_empty_room(cameras):
    view = look(cameras[CAMERA_IDS[1]], SIZE)
    assert view.picture.shape == (SIZE, SIZE, 3)
    assert view.picture.dtype == np.float32
    assert view.picture.min() > 0.1
    assert view.picture.max() < 1
    floor = np.isfinite(view.floor[..., 0])
    assert floor[-1].all()  # below is the floor
    assert not floor[0].any()  # above is a wall
    y, x = 50, 30
    point = view.camera.project(view.camera.to_camera(np.array((*view.floor[y, x], 0))))
    np.testing.assert_allclose(point, (x, y), atol=0.2)


def test_the_lamp_hangs_above():
    assert np.linalg.norm(LIGHT) == pytest.approx(1)
    assert LIGHT[2] > 0.7
