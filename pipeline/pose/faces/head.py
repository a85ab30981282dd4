"""An average head as a surface, and how it stands in an image: what lies where in one view is found in another.

Frame of the head, mm: x to the right of a picture that shows the face from the front, y down, z away from the viewer; the face looks along -z,
the eyes are at y = 0. Breadth, length and height of the skull are about those of adults (150, 190 and 225 mm; Poston 2000, "Human engineering design
data digest"), with a little hair around it.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from pipeline.pose.faces.raster import Drawn, draw
from pipeline.pose.skeleton import IBUG_68

HALF = (75.0, 112.0, 96.0)  # of the skull's breadth, height and length, mm
HAIR = 6.0  # mm around the skull, where the face is not
ROUND = (0.43, 0.31)  # exponents of the girth above and below the eyes; 0.5 is an ellipsoid
TRUNK = ((60.0, 54.0, 54.0), (150.0, 54.0, 54.0), (210.0, 194.0, 100.0), (420.0, 194.0, 100.0))  # height, half of breadth and of depth, mm
TRUNK_AXIS = 22.0  # mm behind the middle of the skull
ROWS, COLUMNS = 40, 48  # of the grid of each surface
REACH = 15.0  # mm: how far what a landmark tells spreads over the surface
STIFF = 0.03  # of the surface: with 0 it passes through every landmark, however wrong one is
LEAST = 6  # landmarks that a pose of the head takes

# The landmarks on an average head, mm: those of the right half and of the middle of the picture's person; the others mirror them.
_RIGHT = {
    **dict(
        enumerate([(-75, 4, -3), (-72, 32, -18), (-66, 54, -30), (-56, 72, -39), (-45, 86, -45), (-34, 96, -48), (-23, 102, -51), (-13, 106, -53)])
    ),
    8: (0, 107, -56),
    **dict(enumerate([(-55, -21, -65), (-46, -27, -74), (-35, -29, -83), (-24, -27, -91), (-14, -23, -95)], 17)),
    **dict(enumerate([(0, -2, -101), (0, 14, -107), (0, 28, -107), (0, 44, -115), (-15, 50, -97), (-8, 54, -99), (0, 56, -95)], 27)),
    **dict(enumerate([(-45, 1, -74), (-37, -5, -80), (-26, -5, -86), (-17, 2, -91), (-26, 5, -86), (-37, 5, -80)], 36)),
    **dict(enumerate([(-25, 75, -76), (-16, 69, -83), (-6, 66, -87), (0, 68, -87)], 48)),
    **dict(enumerate([(0, 88, -76), (-6, 87, -76), (-16, 82, -76), (-21, 75, -78), (-8, 74, -85), (0, 74, -85)], 57)),
    **dict(enumerate([(0, 77, -84), (-8, 77, -83)], 66)),
}


@dataclass(frozen=True)
class Surface:
    """The average head and trunk.

    point : (V, 3) float32, mm; triangle : (T, 3) int32, corners clockwise for who sees them from outside; flip : (V,) the mirrored point of each
    landmark : (68, 3) float32, mm; near : (V, 68) float32, how much of each landmark's displacement a point takes (radial basis functions)
    """

    point: Tensor
    triangle: np.ndarray
    flip: Tensor
    landmark: Tensor
    near: Tensor


@cache
def surface() -> Surface:
    """Of everybody."""
    landmark = _landmarks()
    grids = [_skull(), _trunk()]
    point = np.concatenate([grid.reshape(-1, 3) for grid in grids])
    near = _bell(point, landmark) @ np.linalg.inv(_bell(landmark, landmark) + STIFF * np.eye(len(landmark)))
    point += near @ (landmark - _on_skull(landmark))  # nose, lips and chin stand out of the smooth skull
    corner = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS)
    triangle = _triangles(corner)
    flip = corner[:, ::-1].ravel()
    both = np.concatenate([triangle, triangle + ROWS * COLUMNS]).astype(np.int32)
    flips = np.concatenate([flip, flip + ROWS * COLUMNS])
    return Surface(_tensor(point), both, torch.from_numpy(flips), _tensor(landmark), _tensor(near))


def _bell(point: np.ndarray, landmark: np.ndarray) -> np.ndarray:
    """Of radial basis functions: 1 where a point (n, 3) is a landmark (m, 3), next to 0 beyond their reach; (n, m)."""
    return np.exp(-0.5 * ((point[:, None] - landmark) ** 2).sum(axis=-1) / REACH**2)


def _landmarks() -> np.ndarray:
    """(68, 3) mm."""
    found = np.zeros((len(IBUG_68), 3))
    for number, place in _RIGHT.items():
        found[number] = place
        found[IBUG_68.flip[number]] = np.array(place) * (-1, 1, 1)
    return found


def _girth(y: np.ndarray) -> np.ndarray:
    """How wide the skull is at a height, as a share of its greatest width."""
    return np.clip(1 - (y / HALF[1]) ** 2, 0, 1) ** np.where(y < 0, *ROUND)


def _on_skull(point: np.ndarray) -> np.ndarray:
    """Points (n, 3) of the face moved along z to the smooth skull."""
    x, y, _ = point.T
    return np.stack([x, y, -HALF[2] * np.sqrt(np.clip(_girth(y) ** 2 - (x / HALF[0]) ** 2, 0, None))], axis=1)


def _skull() -> np.ndarray:
    """(ROWS, COLUMNS, 3) mm: rows down, columns from the back around by the face to the back."""
    around = np.linspace(-np.pi, np.pi, COLUMNS)[None, :]
    y = HALF[1] * np.sin(np.linspace(-np.pi / 2, np.pi / 2, ROWS))[:, None]
    face = np.exp(-0.5 * ((around / 0.9) ** 2 + ((y - 30) / 60) ** 2))
    wide, high, deep = (half + HAIR * (1 - face) for half in HALF)
    return np.stack(np.broadcast_arrays(wide * _girth(y) * np.sin(around), y * high / HALF[1], -deep * _girth(y) * np.cos(around)), axis=-1)


def _trunk() -> np.ndarray:
    """(ROWS, COLUMNS, 3) mm, the same way round."""
    heights, wide, deep = np.array(TRUNK).T
    y = np.linspace(heights[0], heights[-1], ROWS)
    around = np.linspace(-np.pi, np.pi, COLUMNS)[None, :]
    breadth, depth = (np.interp(y, heights, half)[:, None] for half in (wide, deep))
    return np.stack(np.broadcast_arrays(breadth * np.sin(around), y[:, None], TRUNK_AXIS - depth * np.cos(around)), axis=-1)


def _triangles(corner: np.ndarray) -> np.ndarray:
    a, b, c, d = (part.ravel() for part in (corner[:-1, :-1], corner[:-1, 1:], corner[1:, :-1], corner[1:, 1:]))
    return np.concatenate([np.stack([a, b, c], axis=1), np.stack([c, b, d], axis=1)])


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))


@dataclass(frozen=True)
class Head:
    """The surface as it stands in images of `size` (height, width).

    pixel : (B, V, 2) float32, px; depth : (B, V) float32, mm along the line of sight; known : (B,) bool, whether there were landmarks enough
    drawn : what of it is seen
    """

    pixel: Tensor
    depth: Tensor
    known: Tensor
    drawn: Drawn


def place(landmarks: Tensor, size: tuple[int, int]) -> Head:
    """The head where landmarks (B, 68, 2), px, say; those that are missing (NaN) say nothing.

    The pose is the scaled orthographic one nearest to the affine map that fits the landmarks best. Where the landmarks then lie elsewhere, the
    surface around them follows them.
    """
    head = surface()
    there = landmarks.isfinite().all(dim=2)  # (B, 68)
    known = there.sum(dim=1) >= LEAST
    weight = (there | ~known[:, None]).float()[..., None]
    seen = torch.where(weight.bool(), landmarks.nan_to_num(), 0.0).double().cpu()
    weight = weight.double().cpu()
    average = head.landmark.double()
    middle, centre = ((weight * of).sum(dim=1, keepdim=True) / weight.sum(dim=1, keepdim=True) for of in (average, seen))
    flat = weight * (average - middle)
    affine = (flat.mT @ (seen - centre)).mT @ torch.linalg.inv(flat.mT @ (average - middle) + 1e-6 * torch.eye(3, dtype=torch.float64))
    rotation, scale = nearest_rotation(affine)

    def to_image(point: Tensor) -> Tensor:
        return scale * (point - middle) @ rotation[:, :2].mT + centre

    left = weight * (seen - to_image(average.expand_as(flat)))
    pixel = to_image(head.point.double().expand(len(seen), -1, -1)) + head.near.double() @ left
    depth = (head.point.double() - middle) @ rotation[:, 2:].mT
    pixel, depth = pixel.float(), depth[..., 0].float()
    return Head(pixel, depth, known.cpu(), draw(pixel, depth, head.triangle, size))


def nearest_rotation(affine: Tensor) -> tuple[Tensor, Tensor]:
    """The rotation (B, 3, 3) and the scale (B, 1, 1) whose first two rows come nearest to affine maps (B, 2, 3): their polar decomposition."""
    square = affine @ affine.mT
    determinant = torch.linalg.det(square).clamp_min(1e-12).sqrt()[:, None, None]
    trace = square.diagonal(dim1=1, dim2=2).sum(dim=1)[:, None, None]
    root = (square + determinant * torch.eye(2, dtype=affine.dtype)) / (trace + 2 * determinant).sqrt()
    rows = torch.linalg.solve(root, affine)
    third = torch.linalg.cross(rows[:, :1], rows[:, 1:])
    return torch.cat([rows, third], dim=1), root.diagonal(dim1=1, dim2=2).mean(dim=1)[:, None, None]
