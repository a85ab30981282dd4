"""The Three-Layer Pose Space: which limbs are in front, in the torso's plane, or occluded, from 3D joints alone.

Every limb is a capsule around its axis. The torso is the quadrilateral of shoulders and hips, padded by capsules that run from
the line of the shoulders to the line of the hips: as thick as the torso in the middle, thinner toward its sides. Rays are cast
over the silhouette of each limb. Where a ray also meets the torso or another limb the two overlap, and the solid that the ray
both enters and leaves first is in front; where one solid lies inside the other, neither is (the dead band). All of it happens in
the camera's normalised image plane (x / z, y / z), so no intrinsics are needed.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import numba
import numpy as np

from pipeline.config.pose import LimbRadius
from pipeline.pose.skeleton import CHAIN_LIMBS, CHAINS, H36M_17, LIMB_KINDS, LIMBS, TORSO
from pipeline.utils.compiled import compiled
from pipeline.utils.errors import UserError

# Share of a limb's silhouette that must be hidden, or must hide something, before its label says so.
SHARE = 0.25
# Rays over the silhouette of a limb: along it, and across it; and how many hidden ones are enough, however many follow.
_ALONG, _ACROSS = 12, 4
_ENOUGH = SHARE * _ALONG * _ACROSS
# Share of an upper arm or a thigh, next to the torso, that is left out: it belongs to the joint.
_ROOT = 0.2
# The torso's capsules from the right side (-1) to the left side (1): how far apart they are at the shoulders and at the hips, as shares of the
# distance of the joints there (the chest is narrower than the shoulders), and their radii as shares of half the torso's thickness. They stand in
# this module because its compiled code is kept on disk for as long as this very file stays the same.
_SIDES = np.linspace(-1, 1, 5)
AT_SHOULDERS, AT_HIPS = 0.5 + 0.5 * 0.6 * _SIDES, 0.5 + 0.5 * 0.8 * _SIDES
PADDING = np.sqrt(1 - (0.9 * _SIDES) ** 2)
# How far below the line of the shoulders the capsules' axes begin, in radii; they end on the line of the hips.
TOP = 0.6
# Where the box of a solid in the image begins in its row: x0, y0, x1, y1.
_BOX = 11

_ON_TORSO = np.array([upper in TORSO for upper, _ in LIMBS])
_SHARED = np.array([[bool(set(limb) & set(other)) for other in LIMBS] for limb in LIMBS])

_compiled = numba.njit(nogil=True, error_model="numpy")
_inlined = numba.njit(nogil=True, error_model="numpy", forceinline=True)  # twice as fast in the innermost loop


class LabelRule(NamedTuple):
    """What labels go by: the full thickness of the torso, mm, and the radius of each of the eight limbs, (8,) float64 mm; see `label_limbs`."""

    torso_thickness: float
    limb_radius: np.ndarray

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "LabelRule":
        """From `torso_thickness` and `limb_radius` as JSON has them (`PoseConfig.rule`)."""
        return cls(values["torso_thickness"], limb_radii(LimbRadius(**values["limb_radius"])))


def label_limbs(pose_3d: np.ndarray, torso_thickness: float, limb_radius: LimbRadius | np.ndarray) -> np.ndarray:
    """The 2.5D label of every limb in every frame: +1 in front, 0 in the torso's plane, -1 occluded.

    pose_3d : (N, 17, 3) float32 or float64, mm, camera frame (x right, y down, z forward)
    torso_thickness : full thickness of the torso, mm
    limb_radius : radius of each kind of limb, or of the eight limbs, (8,), mm
    returns : (N, 8) int8, limbs in the order of `skeleton.LIMB_NAMES`

    A limb is occluded where at least a quarter of its silhouette lies behind the torso or a limb that it shares no joint with, else
    in front where as much of it lies before them. Each frame is labelled on its own. Raises ValueError for arrays of
    another shape, UserError for joints that are not finite or so near the camera that the body would reach it.
    """
    return labels_of_shares(_shares(pose_3d, torso_thickness, limb_radius, _ENOUGH))


def limb_shares(pose_3d: np.ndarray, torso_thickness: float, limb_radius: LimbRadius | np.ndarray) -> np.ndarray:
    """What stands behind the labels: which share of each limb's silhouette is hidden, and which share hides something, (N, 8, 2) float32, 0 to 1.

    Arguments and errors are those of `label_limbs`, which is `labels_of_shares` of this.
    """
    return _shares(pose_3d, torso_thickness, limb_radius, np.inf)


def labels_of_shares(shares: np.ndarray) -> np.ndarray:
    """The label rule: shares (..., 2), hidden and hiding, to labels (...) int8."""
    hidden, hiding = np.moveaxis(shares >= SHARE, -1, 0)
    return np.where(hidden, -1, hiding).astype(np.int8)


def _shares(pose_3d: np.ndarray, torso_thickness: float, limb_radius: LimbRadius | np.ndarray, enough: float) -> np.ndarray:
    """As `limb_shares`; of a limb of which `enough` rays are hidden no more are cast: the rule needs no more, and takes half the time."""
    pose = np.ascontiguousarray(pose_3d, np.float64)
    radius = limb_radii(limb_radius) if isinstance(limb_radius, LimbRadius) else np.ascontiguousarray(limb_radius, np.float64)
    _check(pose, float(torso_thickness), radius)
    limbs, torso = np.take(pose, LIMBS, axis=1), np.take(pose, TORSO, axis=1)
    return _share_frames(limbs, torso, 0.5 * float(torso_thickness), radius, _SHARED, _ON_TORSO, float(enough))


def limb_radii(limb_radius: LimbRadius) -> np.ndarray:
    """Radius of each of the eight limbs, (8,) float64 mm, from the radius of its kind."""
    return np.array([getattr(limb_radius, kind) for kind in LIMB_KINDS], np.float64)


def labels_differ(label: np.ndarray, twin_label: np.ndarray, chain: np.ndarray) -> np.ndarray:
    """Did mirroring the chain change the label of one of its two limbs?

    label, twin_label : (M, 8); chain : (M,) int; returns (M,) bool.
    """
    limbs = np.asarray(CHAIN_LIMBS)[chain]  # (M, 2)
    return (np.take_along_axis(label, limbs, 1) != np.take_along_axis(twin_label, limbs, 1)).any(1)


def mirror_chain(pose_3d: np.ndarray, chain: int) -> np.ndarray:
    """A copy of the poses (N, 17, 3) with a chain (index in `skeleton.CHAINS`) mirrored in depth about its root joint, joints on their rays."""
    root, *moving = CHAINS[chain]
    depth = pose_3d[:, moving, 2]
    mirrored = 2 * pose_3d[:, [root], 2] - depth
    pose_3d = pose_3d.copy()
    pose_3d[:, moving] *= (mirrored / depth)[..., None]
    return pose_3d


def _check(pose: np.ndarray, thickness: float, radius: np.ndarray) -> None:
    if pose.ndim != 3 or pose.shape[1:] != (len(H36M_17), 3):
        raise ValueError(f"pose_3d: expected (N, {len(H36M_17)}, 3), got {pose.shape}")
    if radius.shape != (len(LIMBS),):
        raise ValueError(f"limb_radius: expected ({len(LIMBS)},), got {radius.shape}")
    if not (np.isfinite(thickness) and thickness > 0 and np.isfinite(radius).all() and (radius > 0).all()):
        raise ValueError(f"torso_thickness and limb_radius: expected positive numbers of mm, got {thickness} and {radius.tolist()}")
    bad = ~np.isfinite(pose).all(axis=(1, 2))
    if bad.any():
        raise UserError(f"pose {np.argmax(bad)}: a joint is not a finite number; expected mm in the camera's frame; leave the sequence out")
    reach = max(thickness / 2, radius.max())
    bad = pose[..., 2].min(axis=1, initial=np.inf) <= reach
    if bad.any():
        frame = int(np.argmax(bad))
        depth = pose[frame, :, 2].min()
        raise UserError(f"pose {frame}: expected every joint more than {reach:g} mm before the camera, found depth {depth:.0f} mm; check the camera")


@partial(compiled, error_model="numpy")
def _share_frames(
    limbs: np.ndarray, torso: np.ndarray, half: float, radius: np.ndarray, shared: np.ndarray, on_torso: np.ndarray, enough: float
) -> np.ndarray:
    """(N, 8, 2) float32 shares, as `_shares` says.

    limbs : (N, 8, 2, 3) upper and lower joint of each limb; torso : (N, 4, 3) corners in the order of `skeleton.TORSO`
    half : half the torso's thickness; on_torso : (8,) bool, limbs that hang on the torso
    shared : (8, 8) bool, limbs that share a joint, each with itself, too
    Joint sets are arguments, not constants: the compiled code is kept on disk and would not notice that they changed.
    """
    n_limbs = limbs.shape[1]
    shares = np.zeros((len(limbs), n_limbs, 2), np.float32)
    solids = np.empty((n_limbs + len(PADDING), 15))
    plane = np.empty((2, 10))
    near = np.empty(len(solids), np.int64)
    for frame in range(len(limbs)):
        for limb in range(n_limbs):
            _place_capsule(limbs[frame, limb, 0], limbs[frame, limb, 1], radius[limb], solids[limb])
        _place_torso(torso[frame], half, solids, plane)
        box = _box_of(torso[frame])
        for limb in range(n_limbs):
            count = _find_near(limb, shared[limb], solids, near)
            over_plane = _overlap(solids[limb, _BOX:], box)
            if count > 0 or over_plane:
                shares[frame, limb] = _share(solids[limb], on_torso[limb], solids, near[:count], plane, over_plane, enough)
    return shares


@_compiled
def _place_torso(corners: np.ndarray, half: float, solids: np.ndarray, plane: np.ndarray) -> None:
    """The torso's capsules (the rows of `solids` after the limbs) and the two triangles of its plane."""
    left_shoulder, right_shoulder, right_hip, left_hip = corners[0], corners[1], corners[2], corners[3]
    for i in range(len(PADDING)):
        radius = half * PADDING[i]
        top = right_shoulder + AT_SHOULDERS[i] * (left_shoulder - right_shoulder)
        axis = right_hip + AT_HIPS[i] * (left_hip - right_hip) - top
        start = min(TOP * radius / max(np.sqrt(_dot(axis, axis)), 1e-9), 0.5)
        _place_capsule(top + start * axis, top + axis, radius, solids[len(solids) - len(PADDING) + i])
    _place_triangle(left_shoulder, right_shoulder, right_hip, plane[0])
    _place_triangle(left_shoulder, right_hip, left_hip, plane[1])


@_compiled
def _place_capsule(a: np.ndarray, b: np.ndarray, radius: float, solid: np.ndarray) -> None:
    """Fill a row with a capsule: a, u = b - a, u.u, u.a, a.a - r^2, b.b - r^2, r (0 to 10), its box in the image (11 to 14)."""
    for axis in range(3):
        solid[axis] = a[axis]
        solid[3 + axis] = b[axis] - a[axis]
    solid[6] = solid[3] * solid[3] + solid[4] * solid[4] + solid[5] * solid[5]
    solid[7] = solid[3] * a[0] + solid[4] * a[1] + solid[5] * a[2]
    solid[8] = _dot(a, a) - radius * radius
    solid[9] = _dot(b, b) - radius * radius
    solid[10] = radius
    near, far = min(a[2], b[2]) - radius, max(a[2], b[2]) + radius
    for axis in range(2):
        low, high = min(a[axis], b[axis]) - radius, max(a[axis], b[axis]) + radius
        solid[_BOX + axis] = min(low / near, low / far)
        solid[_BOX + 2 + axis] = max(high / near, high / far)


@_compiled
def _place_triangle(a: np.ndarray, b: np.ndarray, c: np.ndarray, triangle: np.ndarray) -> None:
    """Fill a row with a triangle: b x c, c x a, a x b, a . (b x c)."""
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        triangle[i] = b[j] * c[k] - b[k] * c[j]
        triangle[3 + i] = c[j] * a[k] - c[k] * a[j]
        triangle[6 + i] = a[j] * b[k] - a[k] * b[j]
    triangle[9] = _dot(a, triangle[:3])


@_compiled
def _dot(a: np.ndarray, b: np.ndarray) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@_compiled
def _find_near(limb: int, shared: np.ndarray, solids: np.ndarray, near: np.ndarray) -> int:
    """Write into `near` the solids that may overlap a limb in the image; return how many."""
    count = 0
    for i in range(len(solids)):
        if (i >= len(shared) or not shared[i]) and _overlap(solids[limb, _BOX:], solids[i, _BOX:]):
            near[count] = i
            count += 1
    return count


@_compiled
def _box_of(points: np.ndarray) -> np.ndarray:
    """The box in the image, (4,), of points (P, 3)."""
    box = np.array([np.inf, np.inf, -np.inf, -np.inf])
    for i in range(len(points)):
        for axis in range(2):
            at = points[i, axis] / points[i, 2]
            box[axis], box[2 + axis] = min(box[axis], at), max(box[2 + axis], at)
    return box


@_compiled
def _overlap(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two boxes in the image overlap."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@_compiled
def _share(
    own: np.ndarray, on_torso: bool, solids: np.ndarray, near: np.ndarray, plane: np.ndarray, over_plane: bool, enough: float
) -> tuple[float, float]:
    """The shares of one limb: rays on a grid in the image, along the limb's axis and across it, ends included."""
    radius = own[10]
    far_z = own[2] + own[5]
    x, y = own[0] / own[2], own[1] / own[2]
    along_x, along_y = (own[0] + own[3]) / far_z - x, (own[1] + own[4]) / far_z - y
    length = np.sqrt(along_x * along_x + along_y * along_y)
    if length > 1e-9:
        along_x, along_y = along_x / length, along_y / length
    else:
        along_x, along_y = 1.0, 0.0
    start, end = radius / own[2], radius / far_z
    width = max(start, end)
    left_out = _ROOT if on_torso else 0.0
    total, hidden, hiding = 0, 0, 0
    for i in range(_ALONG):
        s = (i + 0.5) / _ALONG * (start + length + end) - start
        for j in range(_ACROSS):
            w = ((j + 0.5) / _ACROSS * 2 - 1) * width
            at_x, at_y = x + along_x * s - along_y * w, y + along_y * s + along_x * w
            enter, leave, where = _cast(own, at_x, at_y)
            if enter < np.inf and where >= left_out:
                before, behind = _compare(enter, leave, at_x, at_y, solids, near, plane, over_plane)
                total += 1
                hidden += behind
                hiding += before
                if hidden >= enough:
                    return hidden / total, hiding / total
    return hidden / max(total, 1), hiding / max(total, 1)


@_inlined
def _compare(
    enter: float, leave: float, x: float, y: float, solids: np.ndarray, near: np.ndarray, plane: np.ndarray, over_plane: bool
) -> tuple[bool, bool]:
    """Whether a limb that the ray through (x, y, 1) enters and leaves at these depths is before, and is behind, anything near."""
    before = behind = False
    torso_enter, torso_leave = np.inf, -np.inf
    for i in near:
        solid = solids[i]
        if x < solid[_BOX] or x > solid[_BOX + 2] or y < solid[_BOX + 1] or y > solid[_BOX + 3]:
            continue
        other_enter, other_leave, _ = _cast(solid, x, y)
        if i >= len(solids) - len(PADDING):
            torso_enter, torso_leave = min(torso_enter, other_enter), max(torso_leave, other_leave)
        else:
            before |= enter < other_enter and leave < other_leave
            behind |= enter > other_enter and leave > other_leave
    if over_plane:
        for triangle in plane:
            depth = _meet(triangle, x, y)
            if depth < np.inf:
                torso_enter, torso_leave = min(torso_enter, depth), max(torso_leave, depth)
    before |= enter < torso_enter and leave < torso_leave
    behind |= enter > torso_enter and leave > torso_leave
    return before, behind


@_inlined
def _cast(solid: np.ndarray, x: float, y: float) -> tuple[float, float, float]:
    """Depths z at which the ray through (x, y, 1) enters and leaves a capsule, and where along its axis (0 to 1) it enters.

    They are inf and -inf where the ray misses. The ray meets the cylinder about the axis where p z^2 - 2 q z + c = 0, and the sphere
    about an end where d z^2 - 2 g z + f = 0; the capsule lies between the first and the last of those points that belong to it.
    """
    uu, ua = solid[6], solid[7]
    d = x * x + y * y + 1.0
    ud = solid[3] * x + solid[4] * y + solid[5]
    ad = solid[0] * x + solid[1] * y + solid[2]
    enter, leave, where = np.inf, -np.inf, 0.0
    p = d * uu - ud * ud
    if p > 1e-9 * d * uu:
        q = uu * ad - ua * ud
        h = q * q - p * (uu * solid[8] - ua * ua)
        if h <= 0.0:
            return enter, leave, where
        root, over_p = np.sqrt(h), 1.0 / p
        z = (q - root) * over_p
        s = z * ud - ua
        if 0.0 < s < uu:
            enter, where = z, s / uu
        z = (q + root) * over_p
        s = z * ud - ua
        if 0.0 < s < uu:
            leave = z
        if enter < np.inf and leave > -np.inf:
            return enter, leave, where
    over_d = 1.0 / d
    for end in range(2):
        g = ad + end * ud
        h = g * g - d * solid[8 + end]
        if h > 0.0:
            root = np.sqrt(h)
            z = (g - root) * over_d
            if z < enter:
                enter, where = z, float(end)
            leave = max(leave, (g + root) * over_d)
    return enter, leave, where


@_compiled
def _meet(triangle: np.ndarray, x: float, y: float) -> float:
    """Depth z at which the ray through (x, y, 1) meets a triangle; infinite where it misses or sees the edge."""
    a = triangle[0] * x + triangle[1] * y + triangle[2]
    b = triangle[3] * x + triangle[4] * y + triangle[5]
    c = triangle[6] * x + triangle[7] * y + triangle[8]
    if (a > 0.0 and b > 0.0 and c > 0.0) or (a < 0.0 and b < 0.0 and c < 0.0):
        return triangle[9] / (a + b + c)
    return np.inf
