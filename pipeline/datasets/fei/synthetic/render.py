"""Pictures of invented heads: triangles with a depth buffer, several samples per pixel, one light."""

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.datasets.fei.synthetic.head import Face, Mesh
from pipeline.utils.compiled import compiled

DISTANCE = 1400.0  # mm from the camera to the head's middle
SHARE = 0.6  # of the picture's height that a skull of 224 mm fills
SAMPLES = 2  # per pixel and axis
DIFFUSE = 0.62  # of the light


@dataclass(frozen=True)
class HeadPose:
    """How a head is seen: yaw (to the right of the picture is positive), pitch and roll in radians, shift (x, y) mm, size as a share."""

    yaw: float
    pitch: float
    roll: float
    shift: tuple[float, float]
    size: float

    @property
    def rotation(self) -> np.ndarray:
        """(3, 3), from the head's frame to the camera's."""
        (cos_yaw, cos_pitch, cos_roll), (sin_yaw, sin_pitch, sin_roll) = ((f(self.yaw), f(self.pitch), f(self.roll)) for f in (np.cos, np.sin))
        yaw = np.array([[cos_yaw, 0, -sin_yaw], [0, 1, 0], [sin_yaw, 0, cos_yaw]])
        pitch = np.array([[1, 0, 0], [0, cos_pitch, -sin_pitch], [0, sin_pitch, cos_pitch]])
        roll = np.array([[cos_roll, -sin_roll, 0], [sin_roll, cos_roll, 0], [0, 0, 1]])
        return roll @ pitch @ yaw

    def to_camera(self, point: np.ndarray) -> np.ndarray:
        """Points (n, 3) of the head in the camera's frame, mm."""
        return self.size * point @ self.rotation.T + np.array([*self.shift, DISTANCE])


def project(point: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Points (n, 3) of the camera's frame in px of a picture of `size` (height, width), (n, 2); pixel centres at whole numbers."""
    focal = SHARE * size[0] * DISTANCE / 224
    return focal * point[:, :2] / point[:, 2:] + (size[1] / 2 - 0.5, 0.44 * size[0] - 0.5)


def render(mesh: Mesh, face: Face, view: HeadPose, size: tuple[int, int]) -> np.ndarray:
    """A picture of `size` (height, width), (h, w, 3) uint8 RGB."""
    large = size[0] * SAMPLES, size[1] * SAMPLES
    point, normal = view.to_camera(mesh.point), mesh.normal @ view.rotation.T
    pixel = project(point, large)
    canvas = _background(face, large)
    _fill(canvas, np.full(large, np.inf), pixel, 1 / point[:, 2], _lit(mesh, normal, point, face), mesh.triangle)
    small = cv2.resize(canvas, size[::-1], interpolation=cv2.INTER_AREA)
    return np.rint(255 * small.clip(0, 1)).astype(np.uint8)


def _lit(mesh: Mesh, normal: np.ndarray, point: np.ndarray, face: Face) -> np.ndarray:
    """Colours (V, 3) under the light: diffuse, with a little gloss (Blinn-Phong)."""
    light, towards = np.array(face.light), -point / np.linalg.norm(point, axis=1, keepdims=True)
    facing = np.where((normal * towards).sum(axis=1, keepdims=True) < 0, -normal, normal)  # hair and frames are seen from both sides
    half = light + towards
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    shine = mesh.gloss[:, None] * np.clip((facing * half).sum(axis=1, keepdims=True), 0, None) ** 24
    return mesh.colour * (face.ambient + DIFFUSE * np.clip(facing @ light, 0, None)[:, None]) + shine


def _background(face: Face, size: tuple[int, int]) -> np.ndarray:
    """A wall that is darker towards the corners, (h, w, 3) float64."""
    y, x = np.linspace(-1, 1, size[0])[:, None], np.linspace(-1, 1, size[1])[None, :]
    return (1 - 0.06 * (x**2 + y**2))[..., None] * np.array(face.background)


@compiled
def _fill(canvas: np.ndarray, depth: np.ndarray, pixel: np.ndarray, nearness: np.ndarray, colour: np.ndarray, triangle: np.ndarray) -> None:
    """Draw the triangles into `canvas`, the nearest in front; nearness : (V,), 1 / depth, which is linear over the picture."""
    height, width = depth.shape
    for number in range(len(triangle)):
        a, b, c = triangle[number]
        ax, ay, bx, by, cx, cy = pixel[a, 0], pixel[a, 1], pixel[b, 0], pixel[b, 1], pixel[c, 0], pixel[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(area) < 1e-9:
            continue
        for row in range(max(0, int(np.ceil(min(ay, by, cy)))), min(height - 1, int(np.floor(max(ay, by, cy)))) + 1):
            for column in range(max(0, int(np.ceil(min(ax, bx, cx)))), min(width - 1, int(np.floor(max(ax, bx, cx)))) + 1):
                u = ((bx - column) * (cy - row) - (by - row) * (cx - column)) / area
                v = ((cx - column) * (ay - row) - (cy - row) * (ax - column)) / area
                w = 1 - u - v
                if u < -1e-9 or v < -1e-9 or w < -1e-9:
                    continue
                far = 1 / (u * nearness[a] + v * nearness[b] + w * nearness[c])
                if far < depth[row, column]:
                    depth[row, column] = far
                    for channel in range(3):
                        canvas[row, column, channel] = u * colour[a, channel] + v * colour[b, channel] + w * colour[c, channel]
