"""Invented motion: what a person does in each of the fifteen actions, smooth in time.

Every quantity runs through random key values with minimum-jerk transitions. Keys are drawn one after the other, each quantity
from its own random stream, so a longer sequence begins like a shorter one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from pipeline.datasets.synthetic.person import Build
from pipeline.datasets.synthetic.rig import SIDES, Controls, Pose, arm_frame, pose_body, reach, rotation, smooth_step

# Where a wrist goes: angle around the chest (degrees, 0 before, 90 on the own side, 180 behind), gap from the trunk (mm),
# height over the thorax (share of the stature), direction of the elbow (outward, forward, up).
_BACK = (0.4, -0.7, -0.6)
ARM_POSES: dict[str, tuple[float, float, float, tuple[float, float, float]]] = {
    "hang": (85, 70, -0.31, (0.5, -1.0, -0.2)),
    "hang_front": (50, 110, -0.29, _BACK),
    "hang_back": (130, 100, -0.28, (0.6, -1.0, 0.0)),
    "swing": (82, 110, -0.30, (0.4, -1.0, -0.2)),
    "crossed_under": (-42, 60, -0.135, (0.8, -0.1, -0.8)),
    "crossed_over": (-36, 155, -0.115, (0.8, 0.1, -0.8)),
    "opposite_shoulder": (-38, 75, -0.02, (0.3, 0.5, -0.8)),
    "across_low": (-30, 130, -0.22, (0.8, -0.2, -0.6)),
    "across_far": (-30, 260, -0.06, (0.3, 0.1, -0.9)),
    "belly": (4, 75, -0.20, (0.9, -0.4, -0.4)),
    "chin": (8, 70, 0.015, (0.3, 0.3, -0.9)),
    "mouth": (22, 55, 0.055, (0.6, 0.2, -0.8)),
    "ear": (58, 15, 0.10, (0.6, 0.4, -0.7)),
    "eyes": (22, 130, 0.11, (0.7, 0.2, -0.7)),
    "behind": (176, 70, -0.235, (1.0, -0.6, -0.3)),
    "behind_high": (186, 65, -0.16, (1.0, -0.5, -0.4)),
    "hip": (82, 10, -0.25, (1.0, -0.35, 0.1)),
    "behind_head": (125, 40, 0.13, (1.0, 0.3, 0.3)),
    "overhead": (45, 30, 0.27, (1.0, 0.3, -0.2)),
    "up_side": (80, 170, 0.20, (0.5, -0.3, -0.8)),
    "wave": (68, 120, 0.13, (0.6, -0.2, -0.8)),
    "point_front": (14, 370, -0.01, (0.4, -0.3, -0.9)),
    "point_side": (88, 330, 0.00, (0.1, -0.5, -0.9)),
    "point_low": (30, 300, -0.16, _BACK),
    "gesture": (30, 210, -0.13, _BACK),
    "gesture_wide": (62, 230, -0.08, _BACK),
    "table": (14, 200, -0.19, (0.8, -0.3, -0.5)),
    "lap": (26, 190, -0.24, (0.8, -0.5, -0.2)),
    "knee": (38, 270, -0.27, _BACK),
    "floor_back": (140, 130, -0.27, (0.6, -1.0, 0.1)),
}

# Where an ankle goes: outward from the midline, forward, lifted (shares of the stature), and how far the knee points outward (degrees).
Foot = tuple[float, float, float, float]
# A stance: height of the pelvis (share of the stature) and two feet; which side takes which foot is drawn.
STANCES: dict[str, tuple[float, Foot, Foot]] = {
    "stand": (0.535, (0.065, 0.01, 0, 6), (0.065, -0.02, 0, 6)),
    "wide": (0.52, (0.15, 0.02, 0, 14), (0.15, -0.03, 0, 14)),
    "step": (0.51, (0.06, 0.16, 0, 4), (0.06, -0.13, 0.01, 6)),
    "cross_front": (0.53, (-0.055, 0.095, 0, -6), (0.035, -0.02, 0, 8)),
    "cross_behind": (0.53, (-0.05, -0.105, 0.015, 12), (0.035, 0.02, 0, 4)),
    "raise": (0.53, (0.06, 0.10, 0.21, 8), (0.035, 0, 0, 6)),
    "raise_across": (0.53, (-0.05, 0.13, 0.20, -5), (0.03, 0, 0, 8)),
    "heel_up": (0.53, (0.05, -0.19, 0.24, 4), (0.035, 0, 0, 6)),
    "side_kick": (0.53, (0.25, 0.05, 0.12, 20), (0.02, 0, 0, 6)),
    "lunge": (0.42, (0.07, 0.24, 0, 6), (0.06, -0.24, 0.035, 4)),
    "crouch": (0.30, (0.09, 0.06, 0, 28), (0.09, 0.00, 0.02, 28)),
    "kneel": (0.30, (0.07, 0.20, 0, 8), (0.07, -0.22, 0.03, 8)),
    "sit": (0.275, (0.07, 0.24, 0, 6), (0.07, 0.25, 0, 6)),
    "sit_wide": (0.275, (0.14, 0.23, 0, 28), (0.14, 0.24, 0, 28)),
    "sit_stretched": (0.275, (0.06, 0.42, 0, 6), (0.07, 0.22, 0, 6)),
    "sit_ankles": (0.275, (-0.04, 0.36, 0.02, 12), (-0.01, 0.29, 0, 12)),
    "sit_crossed": (0.275, (-0.10, 0.30, 0.10, -12), (0.045, 0.22, 0, 2)),
    "sit_on_knee": (0.275, (-0.10, 0.20, 0.20, 55), (0.06, 0.24, 0, 4)),
    "floor_crossed": (0.085, (-0.06, 0.20, 0.025, 62), (-0.03, 0.12, 0, 62)),
    "floor_stretched": (0.085, (0.06, 0.42, 0.0, 6), (0.07, 0.32, 0.0, 10)),
    "floor_knees": (0.085, (0.05, 0.22, 0, 6), (0.06, 0.20, 0, 8)),
    "floor_side": (0.085, (0.02, 0.40, 0.0, 10), (-0.04, 0.17, 0.03, 40)),
}

_STANDING = ("stand", "stand", "wide", "step", "cross_front", "cross_behind")
_LIVELY = ("stand", "step", "cross_front", "cross_behind", "raise", "raise_across", "heel_up", "side_kick", "lunge")
_SEATED = ("sit", "sit_wide", "sit_stretched", "sit_ankles", "sit_crossed", "sit_crossed", "sit_on_knee")
_FLOOR = ("floor_crossed", "floor_stretched", "floor_knees", "floor_side")


@dataclass(frozen=True)
class Action:
    """What happens in an action. `arms` are pairs of arm poses (which side takes which is drawn), `turn` degrees between two headings,
    `lean` the largest forward bend in degrees, `pace` the walking speed in mm/s."""

    arms: tuple[tuple[str, str], ...]
    stances: tuple[str, ...]
    turn: float
    lean: float = 12
    pace: float = 0

    @property
    def seated(self) -> bool:
        """The weight rests on a seat or on the floor, not on the feet."""
        return all(stance.startswith(("sit", "floor")) for stance in self.stances)

    @property
    def on_seat(self) -> bool:
        """A seat stands under the person."""
        return all(stance.startswith("sit") for stance in self.stances)


_CROSSED = ("crossed_under", "crossed_over")
ACTIONS: dict[str, Action] = {
    "Directions": Action(
        (("point_front", "hang"), ("point_side", "hip"), ("across_far", "hang"), ("overhead", "behind"), ("up_side", "opposite_shoulder")),
        _STANDING,
        120,
    ),
    "Discussion": Action(
        (("gesture", "gesture_wide"), _CROSSED, ("gesture", "behind"), ("chin", "across_low"), ("across_far", "gesture")), _STANDING, 90
    ),
    "Eating": Action((("mouth", "lap"), ("table", "mouth"), ("table", "across_low"), ("mouth", "behind"), ("across_far", "lap")), _SEATED, 60),
    "Greeting": Action(
        (("wave", "hang"), ("point_front", "behind"), ("wave", "wave"), ("opposite_shoulder", "hang_back"), ("across_low", "behind")),
        _STANDING,
        100,
        35,
    ),
    "Phoning": Action((("ear", "hang"), ("ear", "across_low"), ("ear", "behind"), ("ear", "gesture_wide")), _STANDING, 130),
    "Posing": Action(
        (("hip", "hip"), ("behind_head", "hip"), ("behind", "behind_high"), _CROSSED, ("overhead", "opposite_shoulder")), _LIVELY, 140, 15
    ),
    "Purchases": Action(
        (("point_low", "hang_back"), ("point_front", "belly"), ("across_far", "behind"), ("point_low", "point_low"), ("belly", "hang")),
        (*_STANDING, "crouch", "lunge", "kneel"),
        90,
        50,
    ),
    "Sitting": Action(
        (("lap", "lap"), _CROSSED, ("chin", "across_low"), ("behind", "knee"), ("opposite_shoulder", "lap"), ("behind_head", "lap")), _SEATED, 70
    ),
    "SittingDown": Action(
        (("floor_back", "knee"), ("lap", "across_low"), _CROSSED, ("floor_back", "floor_back"), ("gesture", "chin")), _FLOOR, 70, 20
    ),
    "Smoking": Action(
        (("mouth", "across_low"), ("gesture", "behind"), ("mouth", "hang"), ("point_side", "crossed_under"), ("mouth", "hip")), _STANDING, 110
    ),
    "TakingPhoto": Action(
        (("eyes", "eyes"), ("eyes", "behind"), ("overhead", "eyes"), ("belly", "across_low")), (*_STANDING, "crouch", "lunge"), 110, 30
    ),
    "Waiting": Action((("behind", "behind_high"), _CROSSED, ("belly", "across_low"), ("chin", "crossed_under"), ("hang", "behind")), _LIVELY, 130),
    "Walking": Action((("swing", "swing"),), ("stand",), 0, 8, 1100),
    "WalkingDog": Action((("point_low", "swing"), ("across_low", "hang_front"), ("hang_back", "behind")), ("stand",), 0, 14, 1250),
    "WalkingTogether": Action(
        (("point_side", "swing"), ("behind", "behind_high"), _CROSSED, ("gesture", "opposite_shoulder")), ("stand",), 0, 8, 950
    ),
}


def invent_motion(action: str, build: Build, rng: np.random.Generator, times: np.ndarray) -> Pose:
    """Somebody of this build doing `action` at `times` (T,) seconds."""
    return pose_body(build, invent_controls(ACTIONS[action], build, rng, times))


def invent_controls(action: Action, build: Build, rng: np.random.Generator, times: np.ndarray) -> Controls:
    """What the body is told to do at `times` (T,) seconds."""
    streams = dict(zip(("arms", "legs", "turn", "trunk", "look", "path", "rhythm"), rng.spawn(7), strict=True))
    rhythm = Rhythm.draw(streams["rhythm"], build, action.pace)
    turns, bends = _arms(action, build, streams["arms"], rhythm, times)
    height, foot, knee = _gait(build, rhythm, times) if action.pace else _stand(action, build, streams["legs"], times)
    position, yaw = _walk_path(streams["path"], action.pace, times) if action.pace else _on_the_spot(action, streams["turn"], streams["path"], times)
    trunk = through_keys(streams["trunk"], _trunk_keys(action), (0.4, 0.7), times)
    look = through_keys(streams["look"], lambda draw: draw.uniform(np.radians((-12, -45)), np.radians((22, 45))), (0.4, 0.8), times)
    return Controls(position, height, yaw, trunk[:, :2], trunk[:, 2:], look, turns, bends, foot, knee, planted=not action.seated)


Draw = Callable[[np.random.Generator], np.ndarray]


def key_values(rng: np.random.Generator, draw: Draw, gap: tuple[float, float], times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The drawn values (T, D) before and after each moment, and the share (T,) of the way that lies behind, with rest at both ends.

    The seconds between two values are drawn from the range `gap`; the first transition has begun before time 0.
    """
    keys, moments = [draw(rng), draw(rng)], [0.0, float(rng.uniform(*gap))]
    begun = 0.6 * float(rng.random()) * moments[1]
    moments = [moment - begun for moment in moments]
    while moments[-1] < times[-1]:
        keys.append(draw(rng))
        moments.append(moments[-1] + float(rng.uniform(*gap)))
    index = np.clip(np.searchsorted(moments, times, side="right") - 1, 0, len(moments) - 2)
    begin, end = np.asarray(moments)[index], np.asarray(moments)[index + 1]
    values = np.asarray(keys)
    return values[index], values[index + 1], smooth_step((times - begin) / (end - begin))


def through_keys(rng: np.random.Generator, draw: Draw, gap: tuple[float, float], times: np.ndarray) -> np.ndarray:
    """A quantity (T, D) that moves from one drawn value to the next, resting an instant at each."""
    before, after, share = key_values(rng, draw, gap, times)
    return (1 - share[:, None]) * before + share[:, None] * after


@dataclass(frozen=True)
class Rhythm:
    """The swing that runs through a walk: radians per second, phase at time 0, half a stride in mm."""

    rate: float
    phase: float
    stride: float

    @classmethod
    def draw(cls, rng: np.random.Generator, build: Build, pace: float) -> "Rhythm":
        """A rhythm that fits a walking speed of `pace` mm/s."""
        stride = build.stature * float(rng.uniform(0.13, 0.17))
        return cls(rate=max(pace, 800) / (0.8 * stride), phase=float(rng.uniform(0, 2 * np.pi)), stride=stride)

    def at(self, times: np.ndarray, side: int) -> np.ndarray:
        """Phase of a leg, (T,): forward at 0, on its way back until pi."""
        return self.rate * times + self.phase + np.pi * side


def _arms(action: Action, build: Build, rng: np.random.Generator, rhythm: Rhythm, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn of the upper arms (T, 2, 3, 3) and bend of the elbows (T, 2)."""
    order = Deck(len(action.arms))

    def draw(rng: np.random.Generator) -> np.ndarray:
        pair = action.arms[order.next(rng)]
        names = pair if rng.random() < 0.5 else pair[::-1]
        return np.stack([_arm_key(name, side, build, rng) for side, name in enumerate(names)]).ravel()

    before, after, share = key_values(rng, draw, (0.42, 0.65), times)
    before, after = before.reshape(-1, 2, 8), after.reshape(-1, 2, 8)
    turns, bends = np.empty((len(times), 2, 3, 3)), np.empty((len(times), 2))
    for side in range(2):
        mixed = (1 - share[:, None]) * before[:, side] + share[:, None] * after[:, side]
        turn = _around_trunk(before[:, side], after[:, side], share, side)
        swing = mixed[:, 5] * np.cos(rhythm.at(times, side))
        wave = mixed[:, 6] * np.sin(2 * np.pi * 1.8 * times)
        turns[:, side] = rotation("x", -swing) @ turn @ rotation("y", wave)
        bends[:, side] = mixed[:, 4]
    return turns, bends


def _arm_key(name: str, side: int, build: Build, rng: np.random.Generator) -> np.ndarray:
    """An arm pose of one person: quaternion of the upper arm (4), bend of the elbow, amplitudes of swing and wave (radians), and
    whether the hand is before (1) or behind (-1) the trunk."""
    angle, gap, up, elbow = ARM_POSES[name]
    loose = rng.normal(0, 1, 3) * (5, 12, 0.012)
    place = (np.radians(angle + loose[0]), max(gap + loose[1], 0.7 * gap), (up + loose[2]) * build.stature)
    turn, bend = reach(build, side, place, elbow)
    swing = np.radians(38) if name == "swing" else 0.0
    wave = np.radians(22) if name == "wave" else 0.0
    before = 1 if angle < 60 else -1 if angle > 120 else 0
    return np.array([*Rotation.from_matrix(turn).as_quat(), bend, swing, wave, before])


def _around_trunk(before: np.ndarray, after: np.ndarray, share: np.ndarray, side: int) -> np.ndarray:
    """Turns (T, 3, 3) from one arm pose (T, 8) to another; an arm that goes from before the trunk to behind it swings out sideways."""
    start, end = before[:, :4], after[:, :4]
    aside = np.broadcast_to(Rotation.from_matrix(arm_frame(np.array((0.5 * SIDES[side], 0, -0.85)), np.array((0, 1.0, 0)))).as_quat(), start.shape)
    first, second, third = slerp(start, aside, share), aside, slerp(aside, end, share)
    outside = slerp(slerp(first, second, share), slerp(second, third, share), share)
    passes = (before[:, 7] * after[:, 7] < 0)[:, None]
    return Rotation.from_quat(np.where(passes, outside, slerp(start, end, share))).as_matrix()


def slerp(start: np.ndarray, end: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Unit quaternions (T, 4) on the shorter way from `start` to `end`, at `share` (T,)."""
    dot = np.sum(start * end, axis=-1)
    end = np.where(dot < 0, -1, 1)[:, None] * end
    angle = np.arccos(np.clip(np.abs(dot), 0, 1))
    near = angle < 1e-6
    sine = np.where(near, 1, np.sin(angle))
    weights = np.where(near, (1 - share, share), (np.sin((1 - share) * angle) / sine, np.sin(share * angle) / sine))
    return weights[0][:, None] * start + weights[1][:, None] * end


class Deck:
    """Draws numbers below `size`, never the same one twice in a row."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.last: int | None = None

    def next(self, rng: np.random.Generator) -> int:
        """The next number."""
        choices = [number for number in range(self.size) if number != self.last] or [0]
        self.last = choices[int(rng.integers(len(choices)))]
        return self.last


def _stand(action: Action, build: Build, rng: np.random.Generator, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Height of the pelvis (T,), feet (T, 2, 3) and outward knees (T, 2) of somebody who stands, sits or shifts."""
    order = Deck(len(action.stances))

    def draw(rng: np.random.Generator) -> np.ndarray:
        height, *feet = STANCES[action.stances[order.next(rng)]]
        first, second = feet if rng.random() < 0.5 else feet[::-1]
        loose = rng.normal(0, 1, 8) * np.tile((0.008, 0.012, 0.004, 3), 2)
        values = np.array([*first, *second]) + loose
        values[[2, 6]] = np.maximum(values[[2, 6]], 0) * (np.array((first[2], second[2])) > 0)
        return np.array([height, *values])

    keys = through_keys(rng, draw, (0.38, 0.6), times)
    feet = keys[:, 1:].reshape(-1, 2, 4)
    return keys[:, 0] * build.stature, feet[..., :3] * build.stature, np.radians(feet[..., 3])


def _gait(build: Build, rhythm: Rhythm, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same of somebody who walks."""
    feet = np.empty((len(times), 2, 3))
    for side in range(2):
        phase = rhythm.at(times, side)
        feet[:, side, 0] = 0.045 * build.stature
        feet[:, side, 1] = rhythm.stride * np.cos(phase) + 0.01 * build.stature
        feet[:, side, 2] = 0.075 * build.stature * np.maximum(0, -np.sin(phase)) ** 2
    height = (0.525 + 0.008 * np.cos(2 * rhythm.at(times, 0) + np.pi)) * build.stature
    return height, feet, np.full((len(times), 2), np.radians(4))


def _on_the_spot(action: Action, turn: np.random.Generator, path: np.random.Generator, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Position (T, 2) and heading (T,) of somebody who turns and shifts a little, about the middle of the room."""
    heading = Wander(float(turn.uniform(0, 2 * np.pi)), np.radians(action.turn))
    yaw = through_keys(turn, heading.next, (0.5, 0.8), times)[:, 0]
    room = 10 if action.seated else 110
    return through_keys(path, lambda draw: draw.uniform(-room, room, 2), (0.6, 1.0), times), yaw


class Wander:
    """A value that each step changes by between half of `step` and `step`, up or down."""

    def __init__(self, start: float, step: float) -> None:
        self.value = start
        self.step = step

    def next(self, rng: np.random.Generator) -> np.ndarray:
        """The next value, (1,)."""
        self.value += float(rng.uniform(0.5, 1.0) * self.step * rng.choice((-1, 1)))
        return np.array([self.value])


def _walk_path(rng: np.random.Generator, pace: float, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A walk in a circle about the middle of the room, so that the camera sees all sides."""
    radius = float(rng.uniform(330, 480))
    sense = float(rng.choice((-1, 1)))
    angle = rng.uniform(0, 2 * np.pi) + sense * 0.75 * pace / radius * times
    position = radius * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return position, angle + (0 if sense > 0 else np.pi)


def _trunk_keys(action: Action) -> Draw:
    """Draws pelvis pitch and roll, then pitch, roll and twist of the spine, radians, (5,)."""
    lean = action.lean

    def draw(rng: np.random.Generator) -> np.ndarray:
        forward = rng.uniform(-4, lean) if rng.random() < 0.6 else rng.uniform(0, 5)
        low = np.array([0.35 * forward, -4, 0.65 * forward - 3, -9, -18])
        high = np.array([0.35 * forward + 3, 4, 0.65 * forward + 5, 9, 18])
        return np.radians(rng.uniform(low, high))

    return draw
