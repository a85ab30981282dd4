"""The renderer's inner loops: rays against solids, z-buffers, textures, light and shadow.

Ray and capsule meet as in Inigo Quilez, "Rounded cone - intersection" (iquilezles.org/articles/intersectors). All compiled
functions that call each other stand in this one file: numba looks at the date of a function's own file alone when it asks whether
the code that it keeps on disk is still valid.
"""

from typing import NamedTuple

import numpy as np

from pipeline.datasets.synthetic.body import BOX
from pipeline.datasets.synthetic.person import CHECKS, DOTS, FACE, PRINT, RINGS, STRIPES
from pipeline.utils.compiled import compiled

FAR = 1e9  # mm, depth of nothing
SHADOW_TEXEL = 26.0  # mm
_ABOVE = 4000.0  # mm, where the parallel rays of the lamp begin, against the centre of its map
_SURE = 1e-6


class Frame(NamedTuple):
    """The solids of one frame, as `body.Solids` describes them, and `Person.materials`."""

    kind: np.ndarray
    origin: np.ndarray
    linear: np.ndarray
    shape: np.ndarray
    material: np.ndarray
    split: np.ndarray
    shift: np.ndarray
    materials: np.ndarray


class Lamp(NamedTuple):
    """A shadow map.

    centre : (3,) mm; axes : (3, 3), two directions across the light and the one along it
    depth : (H, H) float32, how far the light reaches, mm along it from the plane through the centre
    """

    centre: np.ndarray
    axes: np.ndarray
    depth: np.ndarray


@compiled
def _local_ray(linear, dx, dy, dz):  # type: ignore[no-untyped-def]
    """A direction in the frame of a solid, of length 1, and how long it was."""
    rx = linear[0, 0] * dx + linear[0, 1] * dy + linear[0, 2] * dz
    ry = linear[1, 0] * dx + linear[1, 1] * dy + linear[1, 2] * dz
    rz = linear[2, 0] * dx + linear[2, 1] * dy + linear[2, 2] * dz
    norm = np.sqrt(rx * rx + ry * ry + rz * rz)
    return rx / norm, ry / norm, rz / norm, norm


@compiled
def _local_point(linear, origin, x, y, z):  # type: ignore[no-untyped-def]
    dx, dy, dz = x - origin[0], y - origin[1], z - origin[2]
    return (
        linear[0, 0] * dx + linear[0, 1] * dy + linear[0, 2] * dz,
        linear[1, 0] * dx + linear[1, 1] * dy + linear[1, 2] * dz,
        linear[2, 0] * dx + linear[2, 1] * dy + linear[2, 2] * dz,
    )


@compiled
def _hit_capsule(ox, oy, oz, rx, ry, rz, ra, rb, length):  # type: ignore[no-untyped-def]
    """Distance along a ray to a capsule in its own frame, negative where it misses. The ray's direction has length 1."""
    m3 = rx * ox + ry * oy + rz * oz
    m5 = ox * ox + oy * oy + oz * oz
    h1 = m3 * m3 - m5 + ra * ra
    if length < _SURE:  # a ball
        return -1.0 if h1 < 0.0 else -m3 - np.sqrt(h1)
    m1 = length * oz
    m2 = length * rz
    rr = ra - rb
    d2 = length * length - rr * rr
    k2 = d2 - m2 * m2
    k1 = d2 * m3 - m1 * m2 + m2 * rr * ra
    k0 = d2 * m5 - m1 * m1 + m1 * rr * ra * 2.0 - length * length * ra * ra
    h = k1 * k1 - k0 * k2
    if k2 > 0.0:
        if h < 0.0:
            return -1.0
        t = (-np.sqrt(h) - k1) / k2
        y = m1 - ra * rr + t * m2
        if 0.0 < y < d2:  # the side; otherwise one of the round ends
            return t
    best = -1.0
    if h1 > 0.0:
        best = -m3 - np.sqrt(h1)
    m6 = m3 - rz * length
    h2 = m6 * m6 - (ox * ox + oy * oy + (oz - length) ** 2) + rb * rb
    if h2 > 0.0:
        t = -m6 - np.sqrt(h2)
        if best < 0.0 or t < best:
            best = t
    return best


@compiled
def _hit_box(ox, oy, oz, rx, ry, rz, hx, hy, hz):  # type: ignore[no-untyped-def]
    """Distance along a ray to a box in its own frame, negative where it misses."""
    near, far = -FAR, FAR
    for o, r, h in ((ox, rx, hx), (oy, ry, hy), (oz, rz, hz)):
        if abs(r) < 1e-12:
            if abs(o) > h:
                return -1.0
        else:
            a, b = (-h - o) / r, (h - o) / r
            near = max(near, min(a, b))
            far = min(far, max(a, b))
    return near if near <= far else -1.0


@compiled
def _hit(kind, ox, oy, oz, rx, ry, rz, shape):  # type: ignore[no-untyped-def]
    if kind == BOX:
        return _hit_box(ox, oy, oz, rx, ry, rz, shape[0], shape[1], shape[2])
    return _hit_capsule(ox, oy, oz, rx, ry, rz, shape[0], shape[1], shape[2])


@compiled
def _row_range(discs, height):  # type: ignore[no-untyped-def]
    """First and last (exclusive) row that the hull of two discs touches."""
    low = min(discs[0, 1] - discs[0, 2], discs[1, 1] - discs[1, 2])
    high = max(discs[0, 1] + discs[0, 2], discs[1, 1] + discs[1, 2])
    return max(0, int(np.floor(low))), min(height, int(np.ceil(high)) + 1)


@compiled
def _row_span(discs, y, width):  # type: ignore[no-untyped-def]
    """First and last (exclusive) column that the hull of two discs can touch in the row y."""
    radius = max(discs[0, 2], discs[1, 2])
    x0, y0, x1, y1 = discs[0, 0], discs[0, 1], discs[1, 0], discs[1, 1]
    low, high = 0.0, 1.0
    if abs(y1 - y0) > _SURE:
        a, b = (y - radius - y0) / (y1 - y0), (y + radius - y0) / (y1 - y0)
        low, high = max(0.0, min(a, b)), min(1.0, max(a, b))
    if low > high:
        return 0, 0
    a, b = x0 + low * (x1 - x0), x0 + high * (x1 - x0)
    return max(0, int(np.floor(min(a, b) - radius))), min(width, int(np.ceil(max(a, b) + radius)) + 1)


@compiled
def cast(frame, bounds, rays, start, solid, depth):  # type: ignore[no-untyped-def]
    """Fill the z-buffer of all rays (H, W, 3) from `start`: which solid is nearest, and how far it is (multiples of the ray).

    bounds : (N, 2, 3) discs in units of rays, see `renderer.screen_bounds`; solid : (H, W) int16; depth : (H, W) float32
    """
    height, width = depth.shape
    for n in range(len(frame.kind)):
        linear, shape, kind = frame.linear[n], frame.shape[n], frame.kind[n]
        ox, oy, oz = _local_point(linear, frame.origin[n], start[0], start[1], start[2])
        first, last = _row_range(bounds[n], height)
        for y in range(first, last):
            left, right = _row_span(bounds[n], y, width)
            for x in range(left, right):
                rx, ry, rz, norm = _local_ray(linear, rays[y, x, 0], rays[y, x, 1], rays[y, x, 2])
                t = _hit(kind, ox, oy, oz, rx, ry, rz, shape) / norm
                if 0.0 < t < depth[y, x]:
                    depth[y, x] = t
                    solid[y, x] = n


@compiled
def cast_parts(frame, part, joint, bounds, rays, start, depths):  # type: ignore[no-untyped-def]
    """Fill one z-buffer per part of the body, `depths` (parts, H, W) float32; solids with a negative `part` are left out.

    What lies within the first `joint` mm along a solid is left out.
    """
    height, width = depths.shape[1:]
    for n in range(len(frame.kind)):
        if part[n] < 0:
            continue
        linear, shape, kind = frame.linear[n], frame.shape[n], frame.kind[n]
        ox, oy, oz = _local_point(linear, frame.origin[n], start[0], start[1], start[2])
        first, last = _row_range(bounds[n], height)
        for y in range(first, last):
            left, right = _row_span(bounds[n], y, width)
            for x in range(left, right):
                rx, ry, rz, norm = _local_ray(linear, rays[y, x, 0], rays[y, x, 1], rays[y, x, 2])
                t = _hit(kind, ox, oy, oz, rx, ry, rz, shape)
                if t > 0.0 and (joint[n] == 0.0 or oz + t * rz >= joint[n]) and t / norm < depths[part[n], y, x]:
                    depths[part[n], y, x] = t / norm


@compiled
def cast_shadow(frame, ends, bound, opaque, lamp):  # type: ignore[no-untyped-def]
    """Fill `lamp.depth`: parallel rays from the lamp at the `opaque` solids; ends (N, 2, 3) mm and bound (N,) as in `Solids`."""
    size = lamp.depth.shape[0]
    discs = np.empty((2, 3))
    ax, ay, az = lamp.axes[0], lamp.axes[1], lamp.axes[2]
    for n in range(len(frame.kind)):
        if not opaque[n]:
            continue
        for end in range(2):
            for axis in range(2):
                place = 0.0
                for k in range(3):
                    place += lamp.axes[axis, k] * (ends[n, end, k] - lamp.centre[k])
                discs[end, axis] = place / SHADOW_TEXEL + size / 2
            discs[end, 2] = bound[n] / SHADOW_TEXEL + 1.0
        linear, shape, kind = frame.linear[n], frame.shape[n], frame.kind[n]
        rx, ry, rz, norm = _local_ray(linear, az[0], az[1], az[2])
        first, last = _row_range(discs, size)
        for y in range(first, last):
            left, right = _row_span(discs, y, size)
            v = (y - size / 2) * SHADOW_TEXEL
            for x in range(left, right):
                u = (x - size / 2) * SHADOW_TEXEL
                px = lamp.centre[0] + u * ax[0] + v * ay[0] - _ABOVE * az[0]
                py = lamp.centre[1] + u * ax[1] + v * ay[1] - _ABOVE * az[1]
                pz = lamp.centre[2] + u * ax[2] + v * ay[2] - _ABOVE * az[2]
                ox, oy, oz = _local_point(linear, frame.origin[n], px, py, pz)
                t = _hit(kind, ox, oy, oz, rx, ry, rz, shape)
                if t > 0.0:
                    lamp.depth[y, x] = min(lamp.depth[y, x], t / norm - _ABOVE)


@compiled
def _lit(x, y, z, bias, lamp):  # type: ignore[no-untyped-def]
    """Share of the lamp that reaches a point: 3 x 3 texels, moved along with the point, so that shadows have soft edges."""
    size = lamp.depth.shape[0]
    axes = lamp.axes
    dx, dy, dz = x - lamp.centre[0], y - lamp.centre[1], z - lamp.centre[2]
    u = (axes[0, 0] * dx + axes[0, 1] * dy + axes[0, 2] * dz) / SHADOW_TEXEL + size / 2
    v = (axes[1, 0] * dx + axes[1, 1] * dy + axes[1, 2] * dz) / SHADOW_TEXEL + size / 2
    along = axes[2, 0] * dx + axes[2, 1] * dy + axes[2, 2] * dz - bias
    column, row = int(np.floor(u)), int(np.floor(v))
    if column < 1 or row < 1 or column > size - 3 or row > size - 3:
        return 1.0
    fu, fv = u - column, v - row
    free = 0.0
    for j in range(-1, 3):
        weight = (1.0 - fv) if j == -1 else (fv if j == 2 else 1.0)
        for i in range(-1, 3):
            if lamp.depth[row + j, column + i] >= along:
                free += weight * ((1.0 - fu) if i == -1 else (fu if i == 2 else 1.0))
    return free / 9.0


@compiled
def _texture(row, qx, qy, qz, radius):  # type: ignore[no-untyped-def]
    """Which colour of a material is seen at a point (mm) of a solid's own frame: 0 the first, 1 the second; for a face see `_face`."""
    pattern, period, duty = row[0], row[1], row[2]
    if pattern == RINGS:
        return 1 if (qz / period) % 1.0 < duty else 0
    if pattern == STRIPES:
        return 1 if (qx / period) % 1.0 < duty else 0
    if pattern == CHECKS:
        return 1 if ((qz / period) % 1.0 < 0.5) != ((qx / period) % 1.0 < 0.5) else 0
    if pattern == DOTS:
        u, v = (qx / period) % 1.0 - 0.5, (qz / period) % 1.0 - 0.5
        return 1 if u * u + v * v < 0.5 * duty * duty else 0
    if pattern == PRINT:
        return 1 if qy > 0.0 and abs(qx) < 0.55 * radius and 0.25 * radius < qz < 1.3 * radius else 0
    if pattern == FACE:
        return _face(qx / radius, qy / radius, qz / radius, duty)
    return 0


@compiled
def _face(x, y, z, hair):  # type: ignore[no-untyped-def]
    """What is painted on a head of radius 1: 0 skin, 1 hair, 2 the white and 3 the iris of an eye, 4 mouth, 5 brow."""
    if y > 0.25:
        if (abs(x) - 0.37) ** 2 / 0.20**2 + (z - 0.02) ** 2 / 0.115**2 < 1.0:
            return 3 if (abs(x) - 0.36) ** 2 + (z - 0.02) ** 2 < 0.011 else 2
        if 0.15 < abs(x) < 0.58 and 0.19 < z < 0.28:
            return 5
        if abs(x) < 0.30 and -0.60 < z < -0.49:
            return 4
    if hair > 0.5 and (z > 0.55 or (y < 0.05 and z > -0.62) or (abs(x) > 0.82 and z > 0.1)):
        return 1
    return 0


@compiled
def _paint(row, texture):  # type: ignore[no-untyped-def]
    """The colour that `_texture` names, RGB."""
    if texture == 1:
        return row[6], row[7], row[8]
    if texture == 2:
        return 0.95, 0.95, 0.94
    if texture == 3:
        return 0.10, 0.10, 0.14
    if texture == 4:
        return 0.72 * row[3], 0.30 * row[4], 0.32 * row[5]
    if texture == 5:
        return 0.35 * row[3] + 0.25 * row[6], 0.35 * row[4] + 0.25 * row[7], 0.35 * row[5] + 0.25 * row[8]
    return row[3], row[4], row[5]


@compiled
def _gradient(kind, shape, qx, qy, qz):  # type: ignore[no-untyped-def]
    """A vector that stands upright on a solid at a point of its surface, in its own frame."""
    if kind == BOX:
        ax, ay, az = abs(qx) / shape[0], abs(qy) / shape[1], abs(qz) / shape[2]
        if ax >= ay and ax >= az:
            return np.sign(qx), 0.0, 0.0
        return (0.0, np.sign(qy), 0.0) if ay >= az else (0.0, 0.0, np.sign(qz))
    length, taper = shape[2], shape[0] - shape[1]
    along = 0.0
    if length > _SURE:
        lean = taper / np.sqrt(max(length * length - taper * taper, 1e-9))
        along = min(max(qz - np.sqrt(qx * qx + qy * qy) * lean, 0.0), length)
    return qx, qy, qz - along


@compiled
def _colour_at(frame, n, t, dx, dy, dz, start, lamp, colour):  # type: ignore[no-untyped-def]
    """Colour of solid n where the ray meets it after t, to `colour` (3,): texture, light from above and all around, shadow, darker rims."""
    x, y, z = start[0] + t * dx, start[1] + t * dy, start[2] + t * dz
    linear, shape = frame.linear[n], frame.shape[n]
    qx, qy, qz = _local_point(linear, frame.origin[n], x, y, z)
    gx, gy, gz = _gradient(frame.kind[n], shape, qx, qy, qz)
    nx = linear[0, 0] * gx + linear[1, 0] * gy + linear[2, 0] * gz
    ny = linear[0, 1] * gx + linear[1, 1] * gy + linear[2, 1] * gz
    nz = linear[0, 2] * gx + linear[1, 2] * gy + linear[2, 2] * gz
    norm = np.sqrt(nx * nx + ny * ny + nz * nz)
    nx, ny, nz = nx / norm, ny / norm, nz / norm
    zone = 0 if qz < frame.split[n, 0] else (1 if qz < frame.split[n, 1] else 2)
    row = frame.materials[frame.material[n, zone]]
    texture = _texture(row, qx + frame.shift[n, 0], qy, qz + frame.shift[n, 1], max(shape[0], shape[1]))
    red, green, blue = _paint(row, texture)
    facing = -(nx * dx + ny * dy + nz * dz) / np.sqrt(dx * dx + dy * dy + dz * dz)
    light = -(nx * lamp.axes[2, 0] + ny * lamp.axes[2, 1] + nz * lamp.axes[2, 2])
    light = light * _lit(x + 12.0 * nx, y + 12.0 * ny, z + 12.0 * nz, 18.0, lamp) if light > 0.0 else 0.0
    rim = 0.62 + 0.38 * np.sqrt(min(max(facing, 0.0), 1.0))
    shade = (0.74 + 0.1 * nz + 0.05 * nx + 0.2 * light) * rim
    colour[0], colour[1], colour[2] = red * shade, green * shade, blue * shade


@compiled
def shade_floor(picture, floor, lamp):  # type: ignore[no-untyped-def]
    """Darken the floor of the picture (H, W, 3) float32 where the body stands in the light; floor as in `room.EmptyRoom`.

    A little, as under the many lamps of a studio: a hard shadow on the floor would tell twins apart that differ in nothing else.
    """
    half = lamp.depth.shape[0] * SHADOW_TEXEL
    for y in range(picture.shape[0]):
        for x in range(picture.shape[1]):
            px, py = floor[y, x, 0], floor[y, x, 1]
            if abs(px - lamp.centre[0]) < half and abs(py - lamp.centre[1]) < half:
                shade = 0.84 + 0.16 * _lit(px, py, 0.0, 0.0, lamp)
                for k in range(3):
                    picture[y, x, k] *= shade


@compiled
def shade(frame, lamp, rays, start, solid, depth, picture):  # type: ignore[no-untyped-def]
    """Paint the body over the picture (H, W, 3) float32; rays, `solid` and `depth` hold 2 x 2 samples per pixel.

    A pixel whose rays all meet one solid is shaded once, in its middle; others ray by ray, so that outlines are smooth.
    """
    colour = np.empty(3)
    total = np.empty(3)
    for y in range(picture.shape[0]):
        for x in range(picture.shape[1]):
            v, u = 2 * y, 2 * x
            n = solid[v, u]
            if n == solid[v, u + 1] and n == solid[v + 1, u] and n == solid[v + 1, u + 1]:
                if n < 0:
                    continue
                t = 0.25 * (depth[v, u] + depth[v, u + 1] + depth[v + 1, u] + depth[v + 1, u + 1])
                for k in range(3):
                    total[k] = 0.25 * (rays[v, u, k] + rays[v, u + 1, k] + rays[v + 1, u, k] + rays[v + 1, u + 1, k])
                _colour_at(frame, n, t, total[0], total[1], total[2], start, lamp, colour)
                for k in range(3):
                    picture[y, x, k] = colour[k]
                continue
            total[:] = 0.0
            for j in range(2):
                for i in range(2):
                    n = solid[v + j, u + i]
                    if n < 0:
                        for k in range(3):
                            colour[k] = picture[y, x, k]
                    else:
                        ray = rays[v + j, u + i]
                        _colour_at(frame, n, depth[v + j, u + i], ray[0], ray[1], ray[2], start, lamp, colour)
                    total += 0.25 * colour
            for k in range(3):
                picture[y, x, k] = total[k]
