"""From what a body is told to do to where its joints are: forward kinematics of the trunk, inverse kinematics of the limbs.

World frame: mm, z up. Body frames: x to the person's right, y forward, z up; their axes are the columns of the rotation matrices.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.datasets.synthetic.person import LEFT, RIGHT, Build
from pipeline.pose.skeleton import H36M_17

SIDES = np.array((1.0, -1.0))  # sign of a person's own side along x: right, left
SLACK = 15.0  # mm over which a limb that is told to reach too far straightens softly


@dataclass(frozen=True)
class Controls:
    """What the body does, frame by frame; sides are (right, left), angles radians, lengths mm.

    position : (T, 2) of the pelvis on the floor; height : (T,) of the pelvis wanted; yaw : (T,) heading, 0 faces world +y
    tilt : (T, 2) pelvis pitch (forward) and roll (right); bend : (T, 3) pitch, roll, twist (left) of the spine
    look : (T, 2) pitch (down) and yaw (left) of the head against the chest
    arm : (T, 2, 3, 3) turn of the upper arm against the chest: its second axis runs down the bone, its first leads to where the elbow folds
    elbow : (T, 2) how far the elbows are bent
    foot : (T, 2, 3) ankles: outward from the midline, forward of the pelvis, lifted from the floor
    knee : (T, 2) how far the knees point outward
    planted : whether the feet on the floor limit the height of the pelvis (not where the person sits)
    """

    position: np.ndarray
    height: np.ndarray
    yaw: np.ndarray
    tilt: np.ndarray
    bend: np.ndarray
    look: np.ndarray
    arm: np.ndarray
    elbow: np.ndarray
    foot: np.ndarray
    knee: np.ndarray
    planted: bool


@dataclass(frozen=True)
class Pose:
    """A body in T frames, world frame, mm.

    joints : (T, 17, 3) as in `skeleton.H36M_17`
    fingers, heels, toes : (T, 2, 3), right and left
    pelvis, chest, head : (T, 3, 3) body frames
    head_centre : (T, 3)
    """

    joints: np.ndarray
    fingers: np.ndarray
    heels: np.ndarray
    toes: np.ndarray
    pelvis: np.ndarray
    chest: np.ndarray
    head: np.ndarray
    head_centre: np.ndarray

    def __getitem__(self, frames: slice | np.ndarray) -> "Pose":
        """The same body in some of the frames."""
        return Pose(**{name: value[frames] for name, value in vars(self).items()})


def pose_body(build: Build, controls: Controls) -> Pose:
    """Place the joints of a body of this build."""
    heading = rotation("z", controls.yaw)
    pelvis = heading @ rotation("y", controls.tilt[:, 1]) @ rotation("x", -controls.tilt[:, 0])
    half = _bent(controls.bend / 2)
    chest = pelvis @ half @ half
    head = chest @ rotation("z", controls.look[:, 1]) @ rotation("x", -controls.look[:, 0])
    ankles = _ankles(build, controls, heading)
    hips = _pelvis_position(build, controls, pelvis, ankles)
    spine = hips + (pelvis @ half)[..., 2] * build.lower_spine
    thorax = spine + chest[..., 2] * build.upper_spine
    head_centre = thorax + move(chest, (0, 8, 0.55 * build.neck)) + move(head, (0, 14, 0.45 * build.neck))
    joints = np.empty((len(hips), len(H36M_17), 3))
    joints[:, 0], joints[:, 7], joints[:, 8] = hips, spine, thorax
    joints[:, 9] = head_centre + move(head, (0, build.head[1] + 6, -0.12 * build.head[2]))
    joints[:, 10] = head_centre + move(head, (0, -8, build.head[2]))
    fingers, heels, toes = (np.empty((len(hips), 2, 3)) for _ in range(3))
    for side in (RIGHT, LEFT):
        _place_arm(build, controls, side, chest, joints, fingers)
        _place_leg(build, controls, side, heading, pelvis, ankles[:, side], joints, heels, toes)
    return Pose(joints, fingers, heels, toes, pelvis, chest, head, head_centre)


ARMS = ((14, 15, 16), (11, 12, 13))  # shoulder, elbow, wrist; right and left
LEGS = ((1, 2, 3), (4, 5, 6))  # hip, knee, ankle; right and left


def rotation(axis: str, angle: np.ndarray) -> np.ndarray:
    """Rotations (..., 3, 3) about the x, y or z axis by `angle` (...,), right-handed."""
    matrix = np.zeros((*np.shape(angle), 3, 3))
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix[..., 3 - first - second, 3 - first - second] = 1
    matrix[..., first, first] = matrix[..., second, second] = np.cos(angle)
    matrix[..., first, second] = -np.sin(angle)
    matrix[..., second, first] = np.sin(angle)
    return matrix


def move(frame: np.ndarray, offset: tuple[float, float, float] | np.ndarray) -> np.ndarray:
    """An offset (3,) or (T, 3) given in body frames (T, 3, 3), turned into the world: (T, 3)."""
    return np.einsum("tij,j->ti" if np.ndim(offset) == 1 else "tij,tj->ti", frame, np.asarray(offset, float))


def unit(vector: np.ndarray) -> np.ndarray:
    """Vectors (..., 3) of length 1."""
    return vector / np.linalg.norm(vector, axis=-1, keepdims=True)


def bend_limb(root: np.ndarray, target: np.ndarray, upper: float, lower: float, toward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two bones from `root` (T, 3) to `target`, the joint between them pointing `toward`; returns that joint and the end.

    A target out of reach is approached as far as the limb goes; the fold stops where elbow or knee would bend by more than 150 degrees.
    """
    offset = target - root
    wanted = np.linalg.norm(offset, axis=-1)
    direction = offset / wanted[:, None]
    shortest = np.sqrt(upper**2 + lower**2 - 2 * upper * lower * np.cos(np.radians(30)))
    length = _soft_max(_soft_min(wanted, 0.995 * (upper + lower)), shortest)
    along = (upper**2 + length**2 - lower**2) / (2 * length)
    across = np.sqrt(np.maximum(upper**2 - along**2, 0))
    side = unit(toward - np.sum(toward * direction, axis=-1, keepdims=True) * direction)
    return root + along[:, None] * direction + across[:, None] * side, root + length[:, None] * direction


def _soft_min(value: np.ndarray, limit: np.ndarray | float) -> np.ndarray:
    """The smaller of both, without a corner."""
    return limit - SLACK * np.logaddexp(0, (limit - value) / SLACK)


def _soft_max(value: np.ndarray, limit: float) -> np.ndarray:
    return -_soft_min(-value, -limit)


def _bent(bend: np.ndarray) -> np.ndarray:
    return rotation("z", bend[:, 2]) @ rotation("y", bend[:, 1]) @ rotation("x", -bend[:, 0])


def _ankles(build: Build, controls: Controls, heading: np.ndarray) -> np.ndarray:
    """Where the ankles should be, (T, 2, 3)."""
    local = controls.foot * np.stack([SIDES, np.ones(2), np.ones(2)], axis=-1)
    ankles = np.einsum("tij,tsj->tsi", heading, local)
    ankles[..., :2] += controls.position[:, None]
    ankles[..., 2] += build.ankle_height
    return ankles


def _pelvis_position(build: Build, controls: Controls, pelvis: np.ndarray, ankles: np.ndarray) -> np.ndarray:
    """The middle of the hips, (T, 3): as high as wanted, unless the legs are too short for it."""
    height = controls.height
    if controls.planted:
        reach = 0.985 * (build.thigh + build.calf)
        for side in (RIGHT, LEFT):
            hip = move(pelvis, (SIDES[side] * build.half_hips, 0, 0))
            apart = np.linalg.norm(controls.position + hip[:, :2] - ankles[:, side, :2], axis=-1)
            height = _soft_min(height, ankles[:, side, 2] - hip[:, 2] + np.sqrt(np.maximum(reach**2 - apart**2, 1)))
    return np.concatenate([controls.position, height[:, None]], axis=-1)


def reach(build: Build, side: int, place: tuple[float, float, float], elbow: tuple[float, float, float]) -> tuple[np.ndarray, float]:
    """The turn (3, 3) of the upper arm and the bend of the elbow that bring a wrist to `place`.

    place : angle around the chest (0 before, pi / 2 on the own side, pi behind), gap from the trunk, height over the thorax
    elbow : where the elbow points: outward, forward, up
    """
    angle, gap, up = place
    width, depth = build.chest
    own = np.array((SIDES[side], 1, 1))
    shoulder = np.array((SIDES[side] * build.half_shoulders, 0, 0))
    target = own * ((width + gap) * np.sin(angle), (depth + gap) * np.cos(angle), up)
    joint, wrist = (point[0] for point in bend_limb(shoulder[None], target[None], build.upper_arm, build.forearm, own * elbow))
    upper, lower = unit(joint - shoulder), unit(wrist - joint)
    return arm_frame(upper, lower), float(np.arccos(np.clip(upper @ lower, -1, 1)))


def arm_frame(upper: np.ndarray, toward: np.ndarray) -> np.ndarray:
    """The turn (3, 3) of an upper arm along `upper` whose elbow folds `toward`."""
    along = unit(upper)
    fold = unit(toward - (toward @ along) * along)
    return np.stack([fold, along, np.cross(fold, along)], axis=-1)


def _place_arm(build: Build, controls: Controls, side: int, chest: np.ndarray, joints: np.ndarray, fingers: np.ndarray) -> None:
    shoulder, elbow, wrist = ARMS[side]
    turn = chest @ controls.arm[:, side]
    bend = controls.elbow[:, side, None]
    forearm = np.cos(bend) * turn[..., 1] + np.sin(bend) * turn[..., 0]
    joints[:, shoulder] = joints[:, 8] + move(chest, (SIDES[side] * build.half_shoulders, 0, 0))
    joints[:, elbow] = joints[:, shoulder] + build.upper_arm * turn[..., 1]
    joints[:, wrist] = joints[:, elbow] + build.forearm * forearm
    fingers[:, side] = joints[:, wrist] + build.hand * unit(forearm + 0.25 * _inward(chest, side, forearm))
    fingers[:, side, 2] = _soft_max(fingers[:, side, 2], 15.0)  # a hand on the floor lies flat


def _inward(chest: np.ndarray, side: int, forearm: np.ndarray) -> np.ndarray:
    """The direction across the forearm that leads to the body's midline: a relaxed hand bends that way a little."""
    inward = -SIDES[side] * chest[..., 0]
    return inward - np.sum(inward * forearm, axis=-1, keepdims=True) * forearm


def _place_leg(
    build: Build,
    controls: Controls,
    side: int,
    heading: np.ndarray,
    pelvis: np.ndarray,
    target: np.ndarray,
    joints: np.ndarray,
    heels: np.ndarray,
    toes: np.ndarray,
) -> None:
    hip, knee, ankle = LEGS[side]
    out = controls.knee[:, side]
    toward = move(heading, np.stack([SIDES[side] * np.sin(out), np.cos(out), np.full(len(out), 0.35)], axis=-1))
    joints[:, hip] = joints[:, 0] + move(pelvis, (SIDES[side] * build.half_hips, 0, 0))
    joints[:, knee], joints[:, ankle] = bend_limb(joints[:, hip], target, build.thigh, build.calf, toward)
    turned = 0.15 + 0.5 * out
    flat = move(heading, np.stack([SIDES[side] * np.sin(turned), np.cos(turned), np.zeros(len(out))], axis=-1))
    calf = unit(joints[:, ankle] - joints[:, knee])
    free = unit(flat - 0.8 * np.sum(flat * calf, axis=-1, keepdims=True) * calf)
    lifted = smooth_step((joints[:, ankle, 2] - build.ankle_height) / 120)[:, None]
    foot = unit((1 - lifted) * flat + lifted * free)
    sole = 0.62 * build.ankle_height
    down = move(heading, (0, 0, -1))
    toes[:, side] = joints[:, ankle] + 0.78 * build.foot * foot + sole * down
    heels[:, side] = joints[:, ankle] - 0.22 * build.foot * foot + sole * down
    floor = build.ankle_height - sole
    toes[:, side, 2] = _soft_max(toes[:, side, 2], floor)
    heels[:, side, 2] = _soft_max(heels[:, side, 2], floor)


def smooth_step(share: np.ndarray) -> np.ndarray:
    """Minimum-jerk ease from 0 to 1: no speed and no acceleration at either end."""
    share = np.clip(share, 0, 1)
    return share**3 * (10 - 15 * share + 6 * share**2)
