import json

import cv2
import numpy as np
import pytest

from pipeline.pose.camera import Camera, distort, undistort
from pipeline.utils.errors import UserError

# A camera like those of the data set: strong barrel distortion, so that a wrong model is seen.
K = np.array([[1145.0, 0, 512.0], [0, 1143.0, 515.0], [0, 0, 1]])
LENS = np.array([-0.2, 0.24, -0.003, -0.0014, -0.001])  # k1, k2, k3, p1, p2
R = cv2.Rodrigues(np.array([1.9, 0.2, -0.9]))[0]
T = np.array([1800.0, 3700.0, 1500.0])
CAMERA = Camera(K, LENS, R, T)


def points() -> np.ndarray:
    """Points (20, 17, 3) in mm before the camera, all over a picture of 1000 x 1000 px."""
    rng = np.random.default_rng(0)
    depth = rng.uniform(2000, 7000, (20, 17, 1))
    return np.concatenate([rng.uniform(-0.42, 0.42, (20, 17, 2)) * depth, depth], axis=-1)


def test_distortion_of_a_point_computed_by_hand():
    # x = (0.3, -0.4), r2 = 0.25; radial = 1 + 0.1 / 4 - 0.2 / 16 + 0.4 / 64 = 1.01875; p1 v + p2 u = 0.01 (-0.4) + 0.02 (0.3) = 0.002
    # x' = (0.3, -0.4) 1.02075 + (0.02, 0.01) 0.25
    seen = distort(np.array([0.3, -0.4]), np.array([0.1, -0.2, 0.4, 0.01, 0.02]))
    np.testing.assert_allclose(seen, [0.311225, -0.4058], rtol=0, atol=1e-12)


def test_distortion_is_opencvs_without_the_factor_two():
    rays = points()[..., :2] / points()[..., 2:]
    k1, k2, k3, p1, p2 = LENS
    other_order = np.array([k1, k2, p1, p2, k3])
    opencv = cv2.projectPoints(points().reshape(-1, 3), np.zeros(3), np.zeros(3), K, other_order)[0].reshape(20, 17, 2)
    cross = (p1 * rays[..., 1:] + p2 * rays[..., :1]) * rays * [1145, 1143]
    difference = opencv - CAMERA.project(points())
    np.testing.assert_allclose(difference, cross, rtol=0, atol=1e-9)
    assert np.abs(difference).max() > 0.2  # px


def test_without_distortion_it_is_a_pinhole():
    camera = Camera(K, np.zeros(5), R, T)
    np.testing.assert_allclose(camera.project(np.array([100.0, -200.0, 1000.0])), [512 + 114.5, 515 - 228.6])


def test_unproject_undoes_project():
    pose_3d = points()
    np.testing.assert_allclose(CAMERA.unproject(CAMERA.project(pose_3d), pose_3d[..., 2]), pose_3d, rtol=0, atol=1e-6)  # mm
    rays = pose_3d[..., :2] / pose_3d[..., 2:]
    np.testing.assert_allclose(undistort(distort(rays, LENS), LENS), rays, rtol=0, atol=1e-12)


def test_world_and_camera_frames():
    world = points()
    seen = CAMERA.to_camera(world)
    np.testing.assert_allclose(CAMERA.to_camera(T), np.zeros(3), atol=1e-9)  # T is the camera's centre
    np.testing.assert_allclose(seen[3, 5], R @ (world[3, 5] - T))
    np.testing.assert_allclose(CAMERA.to_world(seen), world, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(seen[:, 0] - seen[:, 1], axis=-1), np.linalg.norm(world[:, 0] - world[:, 1], axis=-1))


def test_float32_poses_are_computed_in_float64():
    assert CAMERA.project(points().astype(np.float32)).dtype == np.float64
    assert CAMERA.to_camera(points().astype(np.float32)).dtype == np.float64


def test_dict_and_back_through_json():
    other = Camera.from_dict(json.loads(json.dumps(CAMERA.to_dict())))
    for name in ("K", "distortion", "R", "T"):
        np.testing.assert_array_equal(getattr(other, name), getattr(CAMERA, name))


@pytest.mark.parametrize("change", [{"T": [1, 2]}, {"K": [[1, 2, 3]]}, {"R": "north"}, {"distortion": [0, 0, 0, 0, float("nan")]}, {"R": None}])
def test_a_damaged_dict_is_one_line(change):
    with pytest.raises(UserError, match=r"^camera: expected [^\n]+$"):
        Camera.from_dict(CAMERA.to_dict() | change)


def test_a_dict_without_a_part_is_one_line():
    values = CAMERA.to_dict()
    del values["R"]
    with pytest.raises(UserError, match="'R'"):
        Camera.from_dict(values)


def test_a_camera_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="expected distortion of shape"):
        Camera(K, np.zeros(4), R, T)
