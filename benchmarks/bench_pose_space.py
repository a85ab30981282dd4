"""Speed of the 2.5D labels on one core, against a plain loop over frames that gives the same labels."""

import time
from collections.abc import Callable

import numpy as np

from pipeline.datasets.synthetic.dataset import invent_take
from pipeline.datasets.synthetic.names import sequences
from pipeline.datasets.synthetic.room import room_cameras
from pipeline.pose.bodies import pose_space
from pipeline.pose.bodies.pose_space import AT_HIPS, AT_SHOULDERS, PADDING, TOP, label_limbs
from pipeline.pose.skeleton import LIMB_KINDS, LIMB_RADIUS, LIMBS, TORSO

THICKNESS = 240.0
RADIUS = np.array([LIMB_RADIUS[kind] for kind in LIMB_KINDS])
FPS = 50
PLAIN_FRAMES = 400  # the loop labels every n-th pose, this many in all
REPEATS = 7


def main() -> None:
    """Print frames/s of both, and how many times faster the compiled kernel is."""
    poses = built_in_poses()
    label_limbs(poses[:1], THICKNESS, RADIUS)  # compiles, or loads what was compiled before
    fast = min(seconds(lambda: label_limbs(poses, THICKNESS, RADIUS)) for _ in range(REPEATS)) / len(poses)
    some = poses[:: len(poses) // PLAIN_FRAMES]
    begin = time.perf_counter()
    plain = np.array([label_one(pose) for pose in some])
    slow = (time.perf_counter() - begin) / len(some)
    np.testing.assert_array_equal(plain, label_limbs(some, THICKNESS, RADIUS))
    print(f"label_limbs, one core: {1 / fast:,.0f} frames/s; plain loop over frames: {1 / slow:,.0f} frames/s, same labels; ratio {slow / fast:.0f}")


def seconds(function: Callable[[], object]) -> float:
    """How long one call takes."""
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def built_in_poses() -> np.ndarray:
    """Every pose of one subject of the built-in data as its four cameras see it, (N, 17, 3) mm."""
    poses = []
    for take in sequences("S1", 30):
        joints = invent_take(1, take, FPS, FPS)[1].joints
        poses += [camera.to_camera(joints) for camera in room_cameras(256, 1, 1).values()]
    return np.concatenate(poses)


def label_one(pose: np.ndarray) -> np.ndarray:
    """The labels (8,) of one pose (17, 3): for each limb, its rays against one solid after the other."""
    capsules = [(pose[a], pose[b], radius) for (a, b), radius in zip(LIMBS, RADIUS, strict=True)]
    torso, triangles = torso_of(pose[list(TORSO)])
    labels = []
    for limb, own in enumerate(capsules):
        x, y = grid(*own)
        enter, leave, where = cast(*own, x, y)
        counted = np.isfinite(enter) & (where >= (pose_space._ROOT if LIMBS[limb][0] in TORSO else 0))
        torso_casts = [cast(*capsule, x, y)[:2] for capsule in torso] + [meet(a, b, c, x, y) for a, b, c in triangles]
        others = [(np.min([e for e, _ in torso_casts], axis=0), np.max([v for _, v in torso_casts], axis=0))]
        others += [cast(*other, x, y)[:2] for j, other in enumerate(capsules) if not set(LIMBS[limb]) & set(LIMBS[j])]
        hides = np.any([np.isfinite(e) & (enter < e) & (leave < v) for e, v in others], axis=0)
        hidden = np.any([np.isfinite(e) & (enter > e) & (leave > v) for e, v in others], axis=0)
        least = max(pose_space.SHARE * counted.sum(), 1)
        labels.append(-1 if (hidden & counted).sum() >= least else int((hides & counted).sum() >= least))
    return np.array(labels)


def torso_of(corners: np.ndarray) -> tuple[list[tuple[np.ndarray, np.ndarray, float]], list[tuple[np.ndarray, ...]]]:
    """The torso's capsules and triangles."""
    left_shoulder, right_shoulder, right_hip, left_hip = corners
    capsules = []
    for at_shoulders, at_hips, padding in zip(AT_SHOULDERS, AT_HIPS, PADDING, strict=True):
        radius = 0.5 * THICKNESS * padding
        top = right_shoulder + at_shoulders * (left_shoulder - right_shoulder)
        axis = right_hip + at_hips * (left_hip - right_hip) - top
        start = min(TOP * radius / np.sqrt(axis @ axis), 0.5)
        capsules.append((top + start * axis, top + axis, radius))
    return capsules, [(left_shoulder, right_shoulder, right_hip), (left_shoulder, right_hip, left_hip)]


def grid(a: np.ndarray, b: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Image points (R,), (R,) over the silhouette of a capsule."""
    start, end = a[:2] / a[2], b[:2] / b[2]
    along = end - start
    length = np.sqrt(along @ along)
    along = along / length if length > 1e-9 else np.array([1.0, 0.0])
    before, after = radius / a[2], radius / b[2]
    s = ((np.arange(pose_space._ALONG) + 0.5) / pose_space._ALONG * (before + length + after) - before)[:, None]
    w = ((np.arange(pose_space._ACROSS) + 0.5) / pose_space._ACROSS * 2 - 1) * max(before, after)
    return (start[0] + along[0] * s - along[1] * w).ravel(), (start[1] + along[1] * s + along[0] * w).ravel()


def cast(a: np.ndarray, b: np.ndarray, radius: float, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depths at which rays enter and leave a capsule, infinite where they miss, and where along its axis they enter."""
    u = b - a
    ray = np.stack([x, y, np.ones_like(x)])
    d, ud, ad, uu, ua = (ray * ray).sum(axis=0), u @ ray, a @ ray, u @ u, u @ a
    p, q = d * uu - ud * ud, uu * ad - ua * ud
    root = np.sqrt(np.maximum(q * q - p * (uu * (a @ a - radius * radius) - ua * ua), 0))
    enter, leave, where = np.full(len(x), np.inf), np.full(len(x), -np.inf), np.zeros(len(x))
    for sign in (-1, 1):
        z = (q + sign * root) / p
        s = (z * ud - ua) / uu
        on_side = (root > 0) & (s > 0) & (s < 1)
        if sign < 0:
            enter, where = np.where(on_side, z, enter), np.where(on_side, s, where)
        else:
            leave = np.where(on_side, z, leave)
    for end, centre in enumerate((a, b)):
        g = centre @ ray
        h = g * g - d * (centre @ centre - radius * radius)
        root = np.sqrt(np.maximum(h, 0))
        first = (h > 0) & ((g - root) / d < enter)
        enter, where = np.where(first, (g - root) / d, enter), np.where(first, float(end), where)
        leave = np.where(h > 0, np.maximum(leave, (g + root) / d), leave)
    return enter, leave, where


def meet(a: np.ndarray, b: np.ndarray, c: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Depths at which rays meet a triangle, infinite where they miss, for entering and for leaving."""
    ray = np.stack([x, y, np.ones_like(x)])
    sides = np.stack([np.cross(b, c) @ ray, np.cross(c, a) @ ray, np.cross(a, b) @ ray])
    hit = (sides > 0).all(axis=0) | (sides < 0).all(axis=0)
    depth = (a @ np.cross(b, c)) / np.where(hit, sides.sum(axis=0), 1)
    return np.where(hit, depth, np.inf), np.where(hit, depth, -np.inf)


if __name__ == "__main__":
    main()
