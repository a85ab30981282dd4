"""The room where everything happens: four cameras, floor, walls and light."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import RectBivariateSpline

from pipeline.datasets.synthetic.rig import unit
from pipeline.pose.camera import Camera

CAMERA_IDS = ("54138969", "55011271", "58860488", "60457274")
SUPERSAMPLING = 2  # rays per pixel along each side

_CENTRES = ((1900.0, 4750.0, 1520.0), (-1950.0, 4600.0, 1580.0), (1850.0, -4650.0, 1490.0), (-1900.0, -4800.0, 1550.0))  # mm
_AIM = (0.0, 0.0, 960.0)  # mm, where the cameras look
_FOCAL = 2.0  # focal length over picture height
_LENSES = (
    (-0.205, 0.246, -0.003, -0.0014, -0.0010),
    (-0.196, 0.238, 0.007, -0.0027, -0.0016),
    (-0.208, 0.253, -0.002, -0.0008, 0.0015),
    (-0.199, 0.219, -0.009, -0.0018, -0.0006),
)

HALF_ROOM = (4200.0, 6000.0)  # mm, half length along x and y
CEILING = 3300.0  # mm
LIGHT = unit(np.array((0.40, 0.28, 0.87)))  # direction to the lamp

_FLOOR = np.array((0.60, 0.565, 0.52))
_RUG = np.array((0.475, 0.495, 0.515))
_WALLS = np.array(((0.70, 0.70, 0.67), (0.66, 0.69, 0.70), (0.71, 0.69, 0.66), (0.67, 0.70, 0.68)))  # +x, -x, +y, -y


@dataclass(frozen=True)
class EmptyRoom:
    """What a camera sees of the empty room; S is the height and width of the picture.

    rays : (2 S, 2 S, 3) float64, through four points of each pixel, world frame, of length 1 along the camera's axis
    picture : (S, S, 3) float32 RGB in [0, 1]
    floor : (S, S, 2) float32, mm, the point of the floor behind each pixel; not a number where there is a wall
    """

    camera: Camera
    rays: np.ndarray
    picture: np.ndarray
    floor: np.ndarray


def room_cameras(size: int, seed: int, subject: int) -> Mapping[str, Camera]:
    """The four cameras, for pictures of `size` x `size`: lenses fixed by the seed, positions a little different for each subject."""
    return {
        number: _camera(index, size, np.random.default_rng((seed, index)), np.random.default_rng((seed, subject, index)))
        for index, number in enumerate(CAMERA_IDS)
    }


def _camera(index: int, size: int, lens: np.random.Generator, stand: np.random.Generator) -> Camera:
    focal = _FOCAL * size * lens.uniform(0.995, 1.005, 2)
    centre = (size - 1) / 2 + lens.uniform(-0.012, 0.012, 2) * size
    K = np.array(((focal[0], 0, centre[0]), (0, focal[1], centre[1]), (0, 0, 1)))
    T = np.array(_CENTRES[index]) + stand.normal(0, 70, 3)
    forward = unit(np.array(_AIM) + stand.normal(0, 20, 3) - T)
    level = unit(np.cross(forward, (0, 0, 1)))
    roll = np.radians(stand.normal(0, 0.8))
    right = np.cos(roll) * level + np.sin(roll) * np.cross(forward, level)
    return Camera(K=K, distortion=np.array(_LENSES[index]), R=np.stack([right, np.cross(forward, right), forward]), T=T)


def look(camera: Camera, size: int) -> EmptyRoom:
    """What the camera sees of the empty room."""
    rays = camera_rays(camera, size)
    point, wall = _hit_room(camera.T, rays)
    colour = np.where((wall == 4)[..., None], _floor_colour(point), _wall_colour(point, np.minimum(wall, 3)))
    blocks = (size, SUPERSAMPLING, size, SUPERSAMPLING)
    floor = np.where((wall == 4)[..., None], point[..., :2], np.nan).reshape(*blocks, 2).mean(axis=(1, 3))
    return EmptyRoom(camera, rays, colour.reshape(*blocks, 3).mean(axis=(1, 3)).astype(np.float32), floor.astype(np.float32))


def camera_rays(camera: Camera, size: int) -> np.ndarray:
    """Rays (2 size, 2 size, 3) float64 through four points of each pixel, world frame, of length 1 along the camera's axis.

    The lens is inverted on a coarse grid and interpolated by a cubic spline (error below a thousandth of a pixel).
    """
    knots = np.linspace(-1, size, 33)
    coarse = camera.unproject(np.stack(np.meshgrid(knots, knots), axis=-1), np.ones((33, 33)))
    fine = (np.arange(SUPERSAMPLING * size) + 0.5) / SUPERSAMPLING - 0.5
    flat = [RectBivariateSpline(knots, knots, coarse[..., axis])(fine, fine) for axis in (0, 1)]
    return np.stack([*flat, np.ones_like(flat[0])], axis=-1) @ camera.R


def _hit_room(origin: np.ndarray, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where rays (..., 3) meet the room from inside: points (..., 3) in mm and which plane: walls 0 to 3, floor 4, ceiling 5."""
    low, high = np.array((-HALF_ROOM[0], -HALF_ROOM[1], 0)), np.array((*HALF_ROOM, CEILING))
    with np.errstate(divide="ignore"):
        reach = np.where(rays > 0, high - origin, low - origin) / rays
    axis = np.argmin(reach, axis=-1)
    point = origin + np.take_along_axis(reach, axis[..., None], axis=-1) * rays
    positive = np.take_along_axis(rays, axis[..., None], axis=-1)[..., 0] > 0
    return point, 2 * axis + np.where(axis < 2, ~positive, positive).astype(int)


def _floor_colour(point: np.ndarray) -> np.ndarray:
    """Planks, and a round rug in the middle. RGB (..., 3) at points (..., 3) in mm."""
    plank, along = np.floor(point[..., 0] / 240), point[..., 1]
    board = np.floor(along / 1400 + 0.37 * (plank % 3))
    tone = 1 + 0.035 * np.sin(12.9 * plank + 7.7 * board)
    seam = 1 - 0.12 * (np.abs((point[..., 0] / 240) % 1 - 0.5) > 0.47)
    radius = np.hypot(point[..., 0], point[..., 1])
    edge = 1 - 0.12 * (np.abs(radius - 1560) < 45)
    colour = np.where((radius < 1650)[..., None], _RUG * edge[..., None], _FLOOR * (tone * seam)[..., None])
    return colour * np.clip(1.04 - (radius / 9000) ** 2, 0, 1)[..., None]


def _wall_colour(point: np.ndarray, wall: np.ndarray) -> np.ndarray:
    """Painted walls with a darker lower part, a skirting board, and one large panel each. RGB (..., 3)."""
    along = np.where(wall < 2, point[..., 1], point[..., 0])
    height = point[..., 2]
    colour = _WALLS[wall] * np.where(height < 900, 0.92, 1.0)[..., None]
    colour = np.where((height < 110)[..., None], colour * 0.72, colour)
    panel = (np.abs(along - 900 * (wall - 1.5)) < 800) & (height > 1050) & (height < 2300)
    tint = np.array(((0.98, 0.94, 0.86), (0.86, 0.95, 0.98), (0.90, 0.97, 0.90), (0.97, 0.92, 0.95)))[wall]
    colour = np.where(panel[..., None], colour * tint * 0.93, colour)
    return colour * (0.88 + 0.12 * np.clip(height / CEILING, 0, 1))[..., None]
