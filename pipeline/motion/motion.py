"""A motion: the poses of somebody, one after the other at a steady rate, as a camera that stands still sees them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from pipeline.datasets.human36m.extract import read_frames
from pipeline.pose.camera import Camera
from pipeline.utils.errors import UserError

FASTEST = 1000  # frames per second
_DENOMINATOR = 1001  # rates such as 30000/1001


@dataclass(frozen=True)
class Film:
    """The pictures of a motion: one frame of the video `path` for each pose; size : (width, height) px as a player shows it."""

    path: Path
    frames: range
    size: tuple[int, int]

    def pictures(self) -> Iterator[np.ndarray]:
        """The frames one by one, (h, w, 3) uint8 RGB."""
        yield from read_frames(self.path, self.frames, self.size, self.size[1])


@dataclass(frozen=True)
class Space:
    """The poses of a motion in 3D, and the camera that sees them: pose_3d (T, 17, 3) float32 mm, camera frame."""

    pose_3d: np.ndarray
    camera: Camera


@dataclass(frozen=True)
class Motion:
    """T poses.

    pose_2d : (T, 17, 2) float32 px, NaN where a joint is not known, but for one at least; label : (T, 8) int8, 0 where a limb is unlabelled
    fps : frames per second; film : its pictures, where there are some; space : where the poses are known in 3D
    """

    pose_2d: np.ndarray
    label: np.ndarray
    fps: Fraction
    film: Film | None = None
    space: Space | None = None

    def __len__(self) -> int:
        return len(self.pose_2d)

    def part(self, start: float, stop: float | None, where: str) -> "Motion":
        """What lies between two times, s; stop : None for the end. Raises UserError, which begins with `where`, where nothing does."""
        chosen = frames_between(len(self), float(self.fps), (start, stop), where)
        frames = slice(chosen.start, chosen.stop)
        film = None if self.film is None else replace(self.film, frames=self.film.frames[frames])
        space = None if self.space is None else replace(self.space, pose_3d=self.space.pose_3d[frames])
        return Motion(self.pose_2d[frames], self.label[frames], self.fps, film, space)


def frames_between(count: int, fps: float, times: tuple[float, float | None], where: str) -> range:
    """The frames, of `count`, between two times, s, the second None for the end; raise UserError, which begins with `where`, if none is."""
    start, stop = times
    frames = range(round(start * fps), count if stop is None else min(round(stop * fps), count))
    if not frames:
        asked = f"--start {start:g}" + ("" if stop is None else f" --stop {stop:g}")
        raise UserError(f"{where}: expected frames between {asked}, found none in its {count / fps:.2f} s; choose another part")
    return frames


def as_rate(fps: float) -> Fraction:
    """Frames per second as a fraction that a video's header can hold."""
    return Fraction(fps).limit_denominator(_DENOMINATOR)
