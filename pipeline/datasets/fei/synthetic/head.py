"""An invented head: a surface with colours, and the 68 landmarks on it.

Frame of the head, mm: x to the right of a picture that shows the face from the front, y down, z away from the viewer; the face looks along -z,
the eyes are at y = 0. Everything is drawn from the same places in the plane of the face: the surface is raised and painted there, and the
landmarks lie there, so that they fit whatever is invented.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.path import Path as Outline

HEIGHT = 112.0  # half of a skull's height, mm
CROWN, JAW = 0.86, 0.62  # 1 is an ellipsoid; less is wider above or below the eyes
COLUMNS, ROWS = 360, 240  # of the grid on the head
FRONT = 12.0  # mm of depth over which what is raised on the face fades out towards its rim


@dataclass(frozen=True)
class Face:
    """What distinguishes one person; lengths are shares of the usual ones, or mm where said so, colours RGB in [0, 1]."""

    half_width: float  # mm
    half_depth: float  # mm
    jaw: float  # width of the jaw
    chin: float
    eye_distance: float
    eye_size: float
    brow_height: float  # mm above the usual place
    brow_thickness: float  # mm
    nose_length: float
    nose_width: float
    nose_height: float
    mouth_width: float
    lips: float
    cheeks: float
    skin: tuple[float, float, float]
    lip: tuple[float, float, float]
    iris: tuple[float, float, float]
    hair: tuple[float, float, float]
    hairline: float  # mm below the crown, at the forehead
    hair_end: float | None  # y where the hair ends at sides and back, mm; None is bald
    hair_thickness: float  # mm
    parting: float  # radians
    beard: float  # 0 none, 1 dark
    glasses: tuple[float, float, float] | None
    shirt: tuple[float, float, float]
    light: tuple[float, float, float]  # where it comes from, a unit vector
    ambient: float
    background: tuple[float, float, float]


@dataclass(frozen=True)
class Mesh:
    """Triangles: point (V, 3) float64 mm, colour (V, 3) float64 RGB in [0, 1], normal (V, 3) outwards, triangle (T, 3) int32, gloss (V,)."""

    point: np.ndarray
    colour: np.ndarray
    normal: np.ndarray
    triangle: np.ndarray
    gloss: np.ndarray


def landmark_plane(face: Face) -> np.ndarray:
    """The 68 landmarks (iBUG's order) in the plane of the face, (68, 2) mm; those of the jaw lie on the rim, as `_on_head` puts them there."""
    middle = np.array([(0, -2), (0, 14), (0, 28), (0, 42)], float) * (1, face.nose_length)
    nostrils = np.array([(-14, 50), (-7, 53), (0, 55), (7, 53), (14, 50)], float) * (face.nose_width, face.nose_length)
    brow = np.array([(-55, -21), (-46, -27), (-35, -29), (-24, -27), (-14, -23)], float) - (0, face.brow_height)
    eye = np.array([(-14, 1), (-6, -5), (5, -5), (14, 2), (5, 5), (-6, 5)], float) * face.eye_size - (31 * face.eye_distance, 0)
    outer = [(-25, 75), (-16, 69), (-6, 66), (0, 67.5), (6, 66), (16, 69), (25, 75), (16, 82), (6, 86), (0, 87), (-6, 86), (-16, 82)]
    inner = [(-21, 75), (-8, 73.5), (0, 74), (8, 73.5), (21, 75), (8, 76.5), (0, 77), (-8, 76.5)]
    mouth = np.array(outer + inner, float)
    mouth = (mouth - (0, 75)) * (face.mouth_width, face.lips) + (0, 75)
    other_eye = (eye * (-1, 1))[[3, 2, 1, 0, 5, 4]]
    return np.concatenate([_jaw(face), brow, (brow * (-1, 1))[::-1], middle, nostrils, eye, other_eye, mouth])


def _jaw(face: Face) -> np.ndarray:
    """From the right ear over the chin to the left ear, (17, 2)."""
    along = np.linspace(-1, 1, 17)
    y = 4 + (101 * face.chin) * (1 - np.abs(along) ** 2.4)
    around = np.radians(88) * np.sign(along) * np.abs(along) ** 0.75
    return np.stack([face.half_width * _girth(y, face) * np.sin(around), y], axis=1)


def _girth(y: np.ndarray, face: Face) -> np.ndarray:
    """How wide the skull is at a height, as a share of its greatest width."""
    jaw = 1 + (face.jaw - 1) * np.clip(y / 80, 0, 1)
    return jaw * np.clip(1 - (y / HEIGHT) ** 2, 0, 1) ** (np.where(y < 0, CROWN, JAW) / 2)


def landmarks(face: Face) -> np.ndarray:
    """The 68 landmarks on the surface, (68, 3) mm."""
    return _raise(_on_head(landmark_plane(face), face), face)


def _on_head(plane: np.ndarray, face: Face) -> np.ndarray:
    """Points (n, 2) of the plane of the face on the smooth skull, (n, 3)."""
    x, y = plane.T
    depth = np.sqrt(np.clip(_girth(y, face) ** 2 - (x / face.half_width) ** 2, 0, None))
    return np.stack([x, y, -face.half_depth * depth], axis=1)


def _raise(point: np.ndarray, face: Face) -> np.ndarray:
    """Points (..., 3) of the smooth skull where nose, lips and the rest of the face put them."""
    x, y, z = np.moveaxis(point, -1, 0)
    front = np.clip(-z / FRONT, 0, 1)
    raised = point.copy()
    for centre, spread, (aside, down, forward) in _reliefs(face):
        weight = front * np.exp(-0.5 * (((x - centre[0]) / spread[0]) ** 2 + ((y - centre[1]) / spread[1]) ** 2))
        raised += weight[..., None] * np.array([aside, down, -forward])
    return raised


def _reliefs(face: Face) -> Iterator[tuple[tuple[float, float], tuple[float, float], tuple[float, float, float]]]:
    """What stands out of the face: where (x, y), how wide, and by how much aside, down and forward, mm."""
    tip, wide = 42 * face.nose_length, face.nose_width
    yield (0, 16 * face.nose_length), (6.5 * wide, 15), (0, 0, 11 * face.nose_height)
    yield (0, tip), (9 * wide, 8), (0, 2, 20 * face.nose_height)
    yield (0, 75), (20 * face.mouth_width, 8), (0, 0, 5 * face.lips)
    yield (0, 100 * face.chin), (15, 9), (0, 2, 7)
    for side in (-1, 1):
        yield (side * 10 * wide, 49 * face.nose_length), (5 * wide, 5), (side * 1.5, 0, 7 * face.nose_height)
        yield (side * 30, -20 - face.brow_height), (18, 7), (0, 0, 4)
        yield (side * 31 * face.eye_distance, 0), (13, 8), (0, 0, -6)
        yield (side * 43, 34), (18, 16), (side * 2, 0, 4 * face.cheeks)


# ---- the surface


def build_mesh(face: Face) -> Mesh:
    """Head, ears, neck, shoulders, hair and glasses."""
    parts = [_head(face), _trunk(face), *(_ear(face, side) for side in (-1, 1))]
    if face.hair_end is not None:
        parts.append(_hair(face, face.hair_end))
    if face.glasses is not None:
        parts += [_tube(path, 1.7, face.glasses) for path in _glasses(face)]
    first = np.cumsum([0, *(len(part.point) for part in parts)])
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ("point", "colour", "normal", "gloss")}
    return Mesh(**columns, triangle=np.concatenate([part.triangle + start for part, start in zip(parts, first, strict=False)]).astype(np.int32))


def _grid(point: np.ndarray, colour: np.ndarray, gloss: float, shown: np.ndarray | None = None) -> Mesh:
    """A surface over a grid of points (rows, columns, 3), seen from the side where columns run to the right and rows down.

    colour : (rows, columns, 3) or (3,); shown : (rows, columns) bool, points whose squares are drawn
    """
    rows, columns = point.shape[:2]
    normal = np.cross(np.gradient(point, axis=0), np.gradient(point, axis=1))
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)
    corner = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (part.ravel() for part in (corner[:-1, :-1], corner[:-1, 1:], corner[1:, :-1], corner[1:, 1:]))
    triangle = np.concatenate([np.stack([a, c, b], axis=1), np.stack([b, c, d], axis=1)])
    if shown is not None:
        triangle = triangle[shown.ravel()[triangle].all(axis=1)]
    colours = np.broadcast_to(colour, point.shape).reshape(-1, 3)
    return Mesh(point.reshape(-1, 3), colours, normal.reshape(-1, 3), triangle, np.full(rows * columns, gloss))


def _head(face: Face) -> Mesh:
    around = np.linspace(-np.pi, np.pi, COLUMNS)[None, :]
    y = HEIGHT * np.sin(np.linspace(-np.pi / 2, np.pi / 2, ROWS))[:, None]
    girth = _girth(y, face)
    smooth = np.stack(
        np.broadcast_arrays(face.half_width * girth * np.sin(around), y, -face.half_depth * girth * np.cos(around)),
        axis=-1,
    )
    return _grid(_raise(smooth, face), _paint(smooth, face), gloss=0.12)


def _paint(smooth: np.ndarray, face: Face) -> np.ndarray:
    """Colours of points (..., 3) of the smooth skull, (..., 3)."""
    x, y, z = np.moveaxis(smooth, -1, 0)
    front = z < -1
    plane = landmark_plane(face)
    skin = np.array(face.skin)
    colour = np.broadcast_to(skin, smooth.shape).copy()

    def blend(weight: np.ndarray, paint: Sequence[float] | np.ndarray) -> None:
        weight = (weight * front)[..., None]
        colour[:] = (1 - weight) * colour + weight * np.asarray(paint)

    def inside(outline: np.ndarray) -> np.ndarray:
        return Outline(outline).contains_points(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(x.shape).astype(float)

    flush = np.exp(-0.5 * (((np.abs(x) - 40) / 16) ** 2 + ((y - 40) / 14) ** 2))
    blend(0.35 * flush, skin * (1.0, 0.78, 0.74))
    if face.beard:
        chin = np.clip((y - 52) / 10, 0, 1) * np.clip((np.abs(x) - 12) / 6 + (np.abs(y - 75) > 14), 0, 1)
        blend(face.beard * chin, 0.35 * skin + 0.65 * np.array(face.hair))
    for eye in (plane[36:42], plane[42:48]):
        centre = eye.mean(axis=0)
        blend(0.5 * np.exp(-0.5 * (((x - centre[0]) / 15) ** 2 + ((y - centre[1]) / 8) ** 2)), 0.7 * skin)
        blend(inside(centre + 1.18 * (eye - centre)), 0.35 * skin)
        white = inside(eye)
        distance = np.hypot(x - centre[0], y - centre[1])
        blend(white, (0.93, 0.92, 0.9))
        blend(white * (distance < 5.6), face.iris)
        blend(white * (distance < 2.6), (0.05, 0.05, 0.05))
    for brow in (plane[17:22], plane[22:27]):
        blend(np.clip(face.brow_thickness / 2 - _distance(x, y, brow) + 0.5, 0, 1), 0.8 * np.array(face.hair))
    for nostril in (plane[32], plane[34]):
        blend(np.hypot((x - nostril[0]) / 1.3, y - nostril[1] - 1) < 2.2, 0.3 * skin)
    blend(inside(plane[48:60]), face.lip)
    blend(np.clip(1.5 - _distance(x, y, plane[60:65]), 0, 1), 0.45 * np.array(face.lip))
    return colour


def _distance(x: np.ndarray, y: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Distance of points to a line of several pieces (n, 2)."""
    nearest = np.full(x.shape, np.inf)
    for start, end in pairwise(line):
        step = end - start
        along = np.clip(((x - start[0]) * step[0] + (y - start[1]) * step[1]) / (step @ step), 0, 1)
        nearest = np.minimum(nearest, np.hypot(x - start[0] - along * step[0], y - start[1] - along * step[1]))
    return nearest


def _ear(face: Face, side: int) -> Mesh:
    colour = np.array(face.skin) * (0.97, 0.86, 0.84)
    return _ball((side * (face.half_width - 1), 14, 6), (7, 27, 15), colour)


def _ball(centre: tuple[float, float, float], radius: tuple[float, float, float], colour: np.ndarray) -> Mesh:
    around, down = np.linspace(-np.pi, np.pi, 48)[None, :], np.linspace(-np.pi / 2, np.pi / 2, 32)[:, None]
    unit = np.stack(np.broadcast_arrays(np.cos(down) * np.sin(around), np.sin(down), -np.cos(down) * np.cos(around)), axis=-1)
    return _grid(np.array(centre) + unit * radius, colour, gloss=0.05)


def _trunk(face: Face) -> Mesh:
    """Neck and shoulders: ovals one below the other, skin down to the collar."""
    y = np.linspace(60, 420, 90)
    shoulder = np.clip((y - 150) / 60, 0, 1) ** 2 * (3 - 2 * np.clip((y - 150) / 60, 0, 1))
    width, depth = 54 + 140 * shoulder, 54 + 46 * shoulder
    around = np.linspace(-np.pi, np.pi, 120)
    point = np.stack(
        [width[:, None] * np.sin(around), np.broadcast_to(y[:, None], (90, 120)), 22 - depth[:, None] * np.cos(around)],
        axis=-1,
    )
    colour = np.where((y < 158)[:, None, None], 0.92 * np.array(face.skin), np.array(face.shirt)) * np.ones((1, 120, 1))
    return _grid(point, colour, gloss=0.02)


def _hair(face: Face, end: float) -> Mesh:
    """A shell around the head that opens at the face; below the ears it hangs straight down."""
    around = np.linspace(-np.pi, np.pi, 360)[None, :]
    top = HEIGHT + 0.8 * face.hair_thickness
    y = np.concatenate([-top * np.cos(np.linspace(0, np.pi / 2, 90)), np.linspace(2, max(end, 4), 60)])[:, None]
    girth = np.where(y < 0, np.clip(1 - (y / top) ** 2, 0, 1) ** (CROWN / 2), 1.0)
    strands = 1 + 0.006 * np.sin(37 * around + 3 * np.sin(y / 17))
    wide, deep = ((half + face.hair_thickness) * girth * strands for half in (face.half_width, face.half_depth))
    point = np.stack(np.broadcast_arrays(wide * np.sin(around), y, 4 - deep * np.cos(around)), axis=-1)
    opening = np.radians(78) * np.clip((y + HEIGHT - face.hairline) / 45, 0, 1) ** 0.6
    opening = np.where(np.abs(y + HEIGHT - face.hairline) > 45, opening, opening * (1 + 0.25 * np.sin(around - face.parting)))
    shown = (np.abs(around) > opening) & (y < end)
    tint = 1 + 0.14 * np.sin(61 * around + y / 9) * np.sin(23 * around)
    return _grid(point, np.array(face.hair) * tint[..., None], gloss=0.1, shown=shown)


def _glasses(face: Face) -> Iterator[np.ndarray]:
    """Paths of the frame: a rounded rectangle around each eye, the bridge, the temples."""
    plane = landmark_plane(face)
    centres = [plane[36:42].mean(axis=0), plane[42:48].mean(axis=0)]
    z = float(_raise(_on_head(np.array([(0.0, 8.0)]), face), face)[0, 2]) - 1
    turn = np.linspace(0, 2 * np.pi, 41)
    for side, centre in zip((-1, 1), centres, strict=True):
        ring = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.6, np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** 0.6
        x = centre[0] + 23 * ring[0]
        yield np.stack([x, centre[1] + 3 + 17 * ring[1], z + 0.0035 * x**2], axis=1)
        hinge = centre[0] + side * 23
        yield np.array([(hinge, -2, z + 0.0035 * hinge**2), (side * (face.half_width + 4), -2, -30), (side * (face.half_width + 3), 2, 8)])
    inner = centres[1][0] - 23
    yield np.stack([np.linspace(-inner, inner, 9), np.full(9, -1.0), np.full(9, z - 1)], axis=1)


def _tube(path: np.ndarray, radius: float, colour: Sequence[float]) -> Mesh:
    """A round bar along a path (n, 3)."""
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    aside = np.cross(along, np.array([0.3, 0.9, 0.31]))
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    up = np.cross(along, aside)
    turn = np.linspace(0, 2 * np.pi, 9)[None, :, None]
    point = path[:, None] + radius * (np.cos(turn) * aside[:, None] + np.sin(turn) * up[:, None])
    return _grid(point, np.asarray(colour), gloss=0.3)
