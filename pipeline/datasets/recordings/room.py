"""Units and axes, found and not believed: how tall people are, and whether the cameras see them, tells what files often tell wrongly.

A recording's poses and its calibration may each be in m or mm, and the poses may be turned against the room of the cameras.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.pose.camera import Camera
from pipeline.pose.skeleton import H36M_17
from pipeline.utils.errors import UserError

UNITS = {"m": 1000.0, "cm": 10.0, "mm": 1.0}  # mm in one of it
BODY_HEIGHT = (1000.0, 2300.0)  # mm
_DISTANCE = (300.0, 60_000.0)  # mm, from a camera to the people that it films
IN_SIGHT = 0.5  # of the joints of a frame, and of the frames of a view
_UPRIGHT = 0.3  # cosine of the angle between how people stand and what is up for the cameras
_LEVEL = 0.3  # length of the mean of the cameras' directions up; below it they lie or hang, and tell nothing

# How the poses' axes lie in the room of the cameras: rows are the room's x, y and z among the axes of the poses.
AXES: Mapping[str, np.ndarray] = {
    "same": np.eye(3),
    "y-up": np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]]),  # as Pose2Sim turns them
    "y-up-about-x": np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]),
}

_SPINE = ("thorax", "nose", "head")
_LEGS = [("left_ankle", "left_knee", "left_hip"), ("right_ankle", "right_knee", "right_hip")]


@dataclass(frozen=True)
class RoomCamera:
    """A camera whose lens is known and whose place is in the calibration's unit: R (3, 3) and t (3,), X_camera = R X_room + t."""

    name: str
    size: tuple[int, int]
    K: np.ndarray
    distortion: np.ndarray
    R: np.ndarray
    t: np.ndarray


@dataclass(frozen=True)
class Room:
    """How poses and cameras come together. unit : of the calibration; axes : a word of `AXES`; up : (3,) in the calibration's frame."""

    unit: str
    axes: str
    up: np.ndarray

    def poses(self, positions: np.ndarray) -> np.ndarray:
        """Poses (..., 3) in mm, with the axes of their file, in the room: z up."""
        return positions @ (_level(self.up) @ AXES[self.axes]).T

    def camera(self, camera: RoomCamera) -> Camera:
        """The camera in that room, in mm."""
        return Camera(camera.K, camera.distortion, camera.R @ _level(self.up).T, _level(self.up) @ _centre(camera) * UNITS[self.unit])


def find_unit(positions: np.ndarray, where: str) -> str:
    """The unit of joints (T, 17, 3), NaN where one is not known, by the height of the body; raise UserError where no unit makes it a person's."""
    height = body_height(positions)
    for unit, factor in UNITS.items():
        if BODY_HEIGHT[0] <= height * factor <= BODY_HEIGHT[1]:
            return unit
    raise UserError(
        f"{where}: expected people of {BODY_HEIGHT[0] / 1000:g} to {BODY_HEIGHT[1] / 1000:g} m, found {height:.3g}, which is no such length in "
        f"{', '.join(UNITS)}; check the scale of the calibration"
    )


def body_height(positions: np.ndarray) -> float:
    """From ankle to head along the bones, the median over frames in which all are known; 0 where there is none. Independent of the pose."""

    def length(names: Sequence[str]) -> np.ndarray:
        joints = positions[:, [H36M_17.index(name) for name in names]]
        return np.linalg.norm(np.diff(joints, axis=1), axis=2).sum(axis=1)

    total = length(("hips", "spine", "thorax")) + length(_SPINE) + np.mean([length(leg) for leg in _LEGS], axis=0)
    known = total[np.isfinite(total)]
    return float(np.median(known)) if len(known) else 0.0


def find_rooms(takes: Sequence[np.ndarray], cameras: Sequence[RoomCamera], axes: Sequence[str]) -> list[Room]:
    """Every way to bring poses (T, 17, 3) in mm and cameras together in which most cameras see the people upright, in the order of `axes`.

    Raises UserError where there is none.
    """
    people = np.concatenate([take[np.isfinite(take).all(axis=(1, 2))] for take in takes])
    rooms = [room for name in axes for unit in ("m", "mm") if (room := _room(people, cameras, name, unit)) is not None]
    if not rooms:
        raise UserError(
            "expected people upright and inside the pictures of most cameras, found them there in no unit (m, mm) and for no axes "
            f"({', '.join(axes)}): check that calibration and poses are of the same session"
        )
    return rooms


def _room(people: np.ndarray, cameras: Sequence[RoomCamera], axes: str, unit: str) -> Room | None:
    centres = np.array([_centre(camera) for camera in cameras]) * UNITS[unit]
    standing = people @ AXES[axes].T
    distance = np.median(np.linalg.norm(np.median(standing.reshape(-1, 3), axis=0) - centres, axis=1))
    if not _DISTANCE[0] <= distance <= _DISTANCE[1]:
        return None
    up = _up(standing, cameras)
    if up is None:
        return None
    room = Room(unit, axes, up)
    seen = [in_sight(room.poses(people), room.camera(camera), camera.size).mean() >= IN_SIGHT for camera in cameras]
    return room if np.mean(seen) > IN_SIGHT else None


def _up(standing: np.ndarray, cameras: Sequence[RoomCamera]) -> np.ndarray | None:
    """The axis that is up for people (T, 17, 3), from feet to head, and for cameras, whose pictures hang upright; None where they do not agree."""
    feet = standing[:, [H36M_17.index("left_ankle"), H36M_17.index("right_ankle")]].mean(axis=1)
    body = np.median(standing[:, H36M_17.index("head")] - feet, axis=0)
    body = body / max(float(np.linalg.norm(body)), 1e-9)
    gravity = -np.mean([camera.R[1] for camera in cameras], axis=0)
    if np.linalg.norm(gravity) < _LEVEL:
        gravity = body
    if body @ gravity / np.linalg.norm(gravity) < _UPRIGHT:
        return None
    both = body + gravity / np.linalg.norm(gravity)
    axis = int(np.argmax(np.abs(both)))
    return np.sign(both[axis]) * np.eye(3)[axis]


def _level(up: np.ndarray) -> np.ndarray:
    """The rotation (3, 3) that turns an axis `up` to z; itself where it is z."""
    ahead = np.roll(np.abs(up), 1)
    return np.stack([ahead, np.cross(up, ahead), up])


def _centre(camera: RoomCamera) -> np.ndarray:
    return -camera.R.T @ camera.t


def in_sight(poses: np.ndarray, camera: Camera, size: tuple[int, int]) -> np.ndarray:
    """Whether at least half of the joints of each pose (T, 17, 3) in mm stand before the camera and inside its picture: (T,) bool."""
    seen = camera.to_camera(poses)
    before = seen[..., 2] > 0
    pixels = camera.project(np.where(before[..., None], seen, 1.0))
    inside = ((pixels >= -0.5) & (pixels <= np.array(size) - 0.5)).all(axis=-1)
    return np.asarray((before & inside).mean(axis=1) >= IN_SIGHT)
