"""From OpenCV's lens to that of the data set, which has another tangential term (`pose/camera.py`)."""

import cv2
import numpy as np

from pipeline.datasets.recordings.calibration import FoundCamera
from pipeline.utils.errors import UserError

_GRID = 25  # points along each side of the picture
_SURE = 1.0  # px; where OpenCV does not find its way back, the model is used beyond its bounds
_WORST = 2.0  # px


def fit_distortion(camera: FoundCamera) -> tuple[np.ndarray, float]:
    """The coefficients (5,) k1, k2, k3, p1, p2 that fit best all over the picture, by least squares, and the largest error, px.

    The focal lengths and the principal point stay. Raises UserError where the lens cannot be told within 2 px.
    """
    ray, seen = _samples(camera)
    focal, centre = camera.matrix[[0, 1], [0, 1]], camera.matrix[:2, 2]
    offset = (seen - centre) / focal - ray
    terms = _terms(ray)
    distortion, *_ = np.linalg.lstsq((terms * focal[:, None]).reshape(-1, 5), (offset * focal).ravel(), rcond=None)
    error = float(np.linalg.norm((terms @ distortion - offset) * focal, axis=1).max())
    if error > _WORST:
        raise UserError(
            f"camera {camera.name}: expected a lens that Human3.6M's model can tell within {_WORST:g} px, found {error:.1f} px in the corners; "
            "undistort its video and calibrate again, or leave it out (--cameras)"
        )
    return distortion, error


def _samples(camera: FoundCamera) -> tuple[np.ndarray, np.ndarray]:
    """Undistorted points (n, 2) of length 1 along the axis, and where they are seen (n, 2) px, all over the picture."""
    sides = (np.linspace(-0.5, side - 0.5, _GRID) for side in camera.size)
    pixels = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 1, 2)
    ray = cv2.undistortPoints(pixels, camera.matrix, camera.distortions)[:, 0]
    back = project(camera, np.concatenate([ray, np.ones_like(ray[:, :1])], axis=1))
    sure = np.abs(back - pixels[:, 0]).max(axis=1) < _SURE
    if sure.mean() < 0.5:
        raise UserError(
            f"camera {camera.name}: expected a lens that maps one to one, found distortions {camera.distortions.tolist()}; calibrate again"
        )
    return ray[sure], back[sure]


def project(camera: FoundCamera, points: np.ndarray) -> np.ndarray:
    """Where OpenCV's model sees points (n, 3) of the camera's frame: (n, 2) px."""
    return cv2.projectPoints(points, np.zeros(3), np.zeros(3), camera.matrix, camera.distortions)[0][:, 0]


def _terms(ray: np.ndarray) -> np.ndarray:
    """What each coefficient moves points (n, 2) by, per unit: (n, 2, 5)."""
    r2 = np.sum(ray * ray, axis=1, keepdims=True)
    u, v = ray[:, :1], ray[:, 1:]
    radial = [ray * r2, ray * r2**2, ray * r2**3]
    return np.stack([*radial, ray * v + r2 * np.array([0, 1]), ray * u + r2 * np.array([1, 0])], axis=-1)
