import cv2
import numpy as np
import pytest

from pipeline.datasets.recordings.calibration import FoundCamera
from pipeline.datasets.recordings.lens import fit_distortion
from pipeline.pose.camera import Camera
from pipeline.utils.errors import UserError

K = np.array([[800.0, 0, 322], [0, 810, 236], [0, 0, 1]])


def camera(*distortions: float) -> FoundCamera:
    return FoundCamera("cam01", (640, 480), K, np.array(distortions), np.eye(3), np.zeros(3))


def farthest(found: FoundCamera, distortion: np.ndarray) -> float:
    """How far the two models lie apart, px, at points all over the picture."""
    ray = np.concatenate([np.random.default_rng(0).uniform((-0.4, -0.29), (0.39, 0.3), (500, 2)), np.ones((500, 1))], axis=1)
    seen = cv2.projectPoints(ray, np.zeros(3), np.zeros(3), K, found.distortions)[0][:, 0]
    return float(np.linalg.norm(Camera(K, distortion, np.eye(3), np.zeros(3)).project(ray) - seen, axis=1).max())


@pytest.mark.parametrize("distortions", [(0, 0, 0, 0), (-0.2, 0.24, 0, 0), (-0.2, 0.24, 0, 0, -0.01)])
def test_a_radial_lens_is_the_same_in_both_models(distortions: tuple[float, ...]) -> None:
    distortion, error = fit_distortion(camera(*distortions))
    np.testing.assert_allclose(distortion[:2], distortions[:2], atol=1e-9)
    assert error < 1e-6


@pytest.mark.parametrize("distortions", [(-0.1, 0.05, 0.001, -0.002, 0.01), (-0.05, 0.14, 0.0006, 0.0007), (0.1, 0.2, 0, 0, 0.1, 0.2, 0.25, 0.05)])
def test_other_lenses_are_told_within_the_error_that_is_said(distortions: tuple[float, ...]) -> None:
    found = camera(*distortions)
    distortion, error = fit_distortion(found)
    assert farthest(found, distortion) <= error + 0.02 < 0.5


def test_a_lens_that_cannot_be_told_is_refused() -> None:
    with pytest.raises(UserError, match=r"camera cam01: expected a lens that Human3.6M's model can tell within 2 px, found [0-9.]+ px"):
        fit_distortion(camera(-0.1, 0.05, 0.05, -0.05))
