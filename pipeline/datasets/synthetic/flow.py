"""True optical flow: where each point that a camera sees has gone a frame later, and whether it can still be seen there."""

import numpy as np

from pipeline.datasets.synthetic.renderer import Buffers, Renderer
from pipeline.datasets.synthetic.room import SUPERSAMPLING, EmptyRoom

_SAME = 30.0  # mm in depth between a point and what is seen at its place, for it to be seen itself


def follow(renderer: Renderer, view: EmptyRoom, t: int, buffers: tuple[Buffers, Buffers], pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where what is seen at `pixels` (..., 2) px in frame t lies in frame t + 1, (..., 2) px, and whether it is seen there, (...) bool.

    buffers : of both frames. A point moves with the solid that it lies on; the room stands still.
    """
    now, then = buffers
    at = _nearest_ray(pixels, now)
    solid, depth = now.solid[at], now.depth[at]
    moved = pixels.astype(np.float64).copy()
    body = solid >= 0
    point = view.camera.T + view.rays[at][body] * depth[body][:, None]
    new = _move(renderer, t, solid[body], point)
    seen = view.camera.to_camera(new)
    moved[body] += view.camera.project(seen) - view.camera.project(view.camera.to_camera(point))
    there = _nearest_ray(moved, then)
    same = (then.solid[there] >= 0) == body
    same[body] &= np.abs(then.depth[there][body] - seen[:, 2]) < _SAME
    return moved, same & _inside(moved, now)


def _move(renderer: Renderer, t: int, solid: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Points (N, 3) mm, world, of solids (N,) in frame t, where they are in frame t + 1."""
    solids = renderer.solids
    local = np.einsum("nij,nj->ni", solids.linear[t, solid], point - solids.origin[t, solid])
    return np.linalg.solve(solids.linear[t + 1, solid], local[..., None])[..., 0] + solids.origin[t + 1, solid]


def _nearest_ray(pixels: np.ndarray, buffers: Buffers) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of the ray next to each pixel (..., 2)."""
    ray = np.rint((pixels + 0.5) * SUPERSAMPLING - 0.5).astype(int)
    height, width = buffers.solid.shape
    return ray[..., 1].clip(0, height - 1), ray[..., 0].clip(0, width - 1)


def _inside(pixels: np.ndarray, buffers: Buffers) -> np.ndarray:
    height, width = (side // SUPERSAMPLING for side in buffers.solid.shape)
    return np.asarray(((pixels > -0.5) & (pixels < np.array([width, height]) - 0.5)).all(axis=-1))
