"""A calibrated camera of Human3.6M: rigid motion, perspective, and the data set's own lens distortion."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.utils.errors import UserError

# Fixed-point steps that undo the distortion. Each gains a digit or two; inside the picture it stands still long before.
_STEPS = 100


@dataclass(frozen=True, eq=False)
class Camera:
    """One camera as seen by one subject: the intrinsics are the camera's, the pose in the room is the subject's.

    K : (3, 3) float64, px, without skew
    distortion : (5,) float64, k1, k2, k3, p1, p2 in the data set's order
    R : (3, 3) float64, world to camera; T : (3,) float64, mm, the camera's centre: X_camera = R (X_world - T)

    World: z up. Camera: x right, y down, z forward.
    """

    K: np.ndarray
    distortion: np.ndarray
    R: np.ndarray
    T: np.ndarray

    def __post_init__(self) -> None:
        for name, shape in (("K", (3, 3)), ("distortion", (5,)), ("R", (3, 3)), ("T", (3,))):
            value = np.array(getattr(self, name), np.float64)
            if value.shape != shape or not np.isfinite(value).all():
                raise ValueError(f"camera: expected {name} of shape {shape} and finite, found shape {value.shape}")
            object.__setattr__(self, name, value)

    def to_camera(self, world: np.ndarray) -> np.ndarray:
        """Bring points (..., 3) in mm from the world into the camera's frame, float64."""
        return (np.asarray(world, np.float64) - self.T) @ self.R.T

    def to_world(self, pose_3d: np.ndarray) -> np.ndarray:
        """Bring points (..., 3) in mm from the camera's frame into the world, float64; undoes `to_camera`."""
        return np.asarray(pose_3d, np.float64) @ self.R + self.T

    def project(self, pose_3d: np.ndarray) -> np.ndarray:
        """Where points (..., 3) of the camera's frame (mm, z > 0) are seen: (..., 2) float64 px."""
        points = np.asarray(pose_3d, np.float64)
        seen = distort(points[..., :2] / points[..., 2:], self.distortion)
        return seen * self.K[[0, 1], [0, 1]] + self.K[:2, 2]

    def unproject(self, pixels: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """The points (..., 3) in mm, camera's frame, seen at `pixels` (..., 2) and `depth` (...) mm along z; undoes `project`."""
        seen = (np.asarray(pixels, np.float64) - self.K[:2, 2]) / self.K[[0, 1], [0, 1]]
        ray = undistort(seen, self.distortion)
        return np.concatenate([ray, np.ones_like(ray[..., :1])], axis=-1) * np.asarray(depth, np.float64)[..., None]

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, as they stand in a manifest."""
        return {name: getattr(self, name).tolist() for name in ("K", "distortion", "R", "T")}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Camera":
        """Undo `to_dict`; raise UserError where a part is missing or has another shape."""
        try:
            return cls(**{name: np.asarray(values[name], np.float64) for name in ("K", "distortion", "R", "T")})
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"camera: expected K (3, 3), distortion (5,), R (3, 3) and T (3,), found {error}") from None


def distort(x: np.ndarray, distortion: np.ndarray) -> np.ndarray:
    """The data set's distortion of normalised image points (..., 2).

    With x = (u, v): x' = x (1 + k1 r2 + k2 r2^2 + k3 r2^3 + p1 v + p2 u) + (p2, p1) r2. This is not OpenCV's model, which has a
    factor 2 on p1 v + p2 u (github.com/una-dinosauria/3d-pose-baseline, src/cameras.py, project_point_radial).
    """
    scale, shift = _terms(x, distortion)
    return x * scale + shift


def undistort(seen: np.ndarray, distortion: np.ndarray) -> np.ndarray:
    """Undo `distort` on points (..., 2) by fixed-point steps; exact to rounding wherever the lens model is usable."""
    x = seen
    for _ in range(_STEPS):
        scale, shift = _terms(x, distortion)
        previous, x = x, (seen - shift) / scale
        if np.array_equal(previous, x):
            break
    return x


def _terms(x: np.ndarray, distortion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The factor (..., 1) and the offset (..., 2) of the distortion at the undistorted points (..., 2)."""
    k1, k2, k3, p1, p2 = distortion
    r2 = np.sum(x * x, axis=-1, keepdims=True)
    scale = 1 + r2 * (k1 + r2 * (k2 + r2 * k3)) + p1 * x[..., 1:] + p2 * x[..., :1]
    return scale, r2 * np.array([p2, p1])
