"""Draw a person: a z-buffer of what is nearest, one of each part of the body, and shaded pictures."""

from dataclasses import dataclass

import numpy as np

from pipeline.datasets.synthetic.body import LIMB, SEAT, TORSO, Solids
from pipeline.datasets.synthetic.kernels import FAR, Frame, Lamp, cast, cast_parts, cast_shadow, shade, shade_floor
from pipeline.datasets.synthetic.rig import unit
from pipeline.datasets.synthetic.room import LIGHT, SUPERSAMPLING, EmptyRoom
from pipeline.pose.camera import Camera
from pipeline.pose.skeleton import LIMBS

PARTS = LIMB + len(LIMBS)  # depth buffers of `Renderer.part_depths`; those of background and head stay empty
SHADOW_SIZE = 112  # texels along each side of the shadow map


@dataclass(frozen=True)
class Buffers:
    """What a camera sees at each of its rays (H, W): the index of the solid (int16, -1 for none) and its depth (float32, mm)."""

    solid: np.ndarray
    depth: np.ndarray


def screen_bounds(solids: Solids, camera: Camera) -> np.ndarray:
    """Discs (T, N, 2, 3) float64, centre x, y and radius in px, whose hull holds the picture of each solid."""
    ends = camera.to_camera(np.stack([solids.origin, solids.origin + solids.axis], axis=2))
    depth = np.maximum(ends[..., 2], 300.0)
    nearest = np.maximum(depth - solids.bound[..., None], 200.0)
    radius = 1.04 * camera.K[0, 0] * solids.bound[..., None] / nearest + 1.0
    ends[..., 2] = depth
    return np.concatenate([camera.project(ends), radius[..., None]], axis=-1)


def _light_axes() -> np.ndarray:
    across = unit(np.cross(LIGHT, (0, 1, 0)))
    return np.stack([across, np.cross(across, LIGHT), -LIGHT])


_LIGHT_AXES = _light_axes()


class Renderer:
    """Draws the T frames of one person. `materials` is `Person.materials`.

    Its methods take what a view sees of the empty room, `bounds` (the `screen_bounds` of all frames in that view) and the frame t.
    """

    def __init__(self, solids: Solids, materials: np.ndarray) -> None:
        self.solids = solids
        self.materials = materials
        self.lamps: dict[int, Lamp] = {}

    def picture(self, view: EmptyRoom, bounds: np.ndarray, t: int) -> np.ndarray:
        """What the camera sees, (S, S, 3) uint8 RGB."""
        buffers = self.buffers(view, bounds, t)
        lamp = self.lamp(t)
        picture = view.picture.copy()
        shade_floor(picture, view.floor, lamp)
        shade(self.frame(t), lamp, view.rays, view.camera.T, buffers.solid, buffers.depth, picture)
        return (255 * np.clip(picture, 0, 1) + 0.5).astype(np.uint8)

    def buffers(self, view: EmptyRoom, bounds: np.ndarray, t: int) -> Buffers:
        """The z-buffer, with SUPERSAMPLING rays per pixel along each side."""
        buffers = Buffers(np.full(view.rays.shape[:2], -1, np.int16), np.full(view.rays.shape[:2], FAR, np.float32))
        cast(self.frame(t), _in_rays(bounds[t], 1), view.rays, view.camera.T, buffers.solid, buffers.depth)
        return buffers

    def part_depths(self, view: EmptyRoom, bounds: np.ndarray, t: int, step: int) -> np.ndarray:
        """One z-buffer per part of the body, (PARTS, h, w) float32 mm, infinite where the part is not; cropped to the body.

        Every `step`-th ray of the view is cast. Torso and limbs alone: no head, hands, feet or skirt. The share `body.SHARED` of thighs
        and upper arms that belongs to the joint with the torso is left out.
        """
        part = np.where((self.solids.part == TORSO) | (self.solids.part >= LIMB) & (self.solids.part < PARTS), self.solids.part, -1)
        rays = view.rays[::step, ::step]
        discs = _in_rays(bounds[t], step)
        counted = discs[part >= 0]
        low = np.floor((counted[..., :2] - counted[..., 2:]).min(axis=(0, 1))).astype(int)
        high = np.ceil((counted[..., :2] + counted[..., 2:]).max(axis=(0, 1))).astype(int) + 1
        x0, y0 = np.clip(low, 0, np.array(rays.shape[1::-1]) - 1)
        x1, y1 = np.clip(high, (x0 + 1, y0 + 1), rays.shape[1::-1])
        window = np.ascontiguousarray(rays[y0:y1, x0:x1])
        depths = np.full((PARTS, *window.shape[:2]), np.inf, np.float32)
        cast_parts(self.frame(t), part, self.solids.joint, discs - (x0, y0, 0), window, view.camera.T, depths)
        return depths

    def frame(self, t: int) -> Frame:
        """The solids of frame t, as the kernels take them."""
        solids = self.solids
        place = solids.origin[t], solids.linear[t], solids.shape[t]
        return Frame(solids.kind, *place, solids.material, solids.split, solids.shift, self.materials)

    def lamp(self, t: int) -> Lamp:
        """The shadow map of frame t, the same for all views. The seat throws no shadow."""
        if t not in self.lamps:
            lamp = Lamp(self.solids.origin[t].mean(axis=0), _LIGHT_AXES, np.full((SHADOW_SIZE, SHADOW_SIZE), FAR, np.float32))
            ends = np.stack([self.solids.origin[t], self.solids.origin[t] + self.solids.axis[t]], axis=1)
            cast_shadow(self.frame(t), ends, self.solids.bound[t], self.solids.part != SEAT, lamp)
            self.lamps[t] = lamp
        return self.lamps[t]


def _in_rays(discs: np.ndarray, step: int) -> np.ndarray:
    """Discs (..., 3) from px of the picture to units of every `step`-th ray."""
    scale = SUPERSAMPLING / step
    centre = ((discs[..., :2] + 0.5) * SUPERSAMPLING - 0.5) / step
    return np.concatenate([centre, discs[..., 2:] * scale + 1], axis=-1)
