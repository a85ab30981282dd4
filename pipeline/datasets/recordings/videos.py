"""Which video is whose camera's, whether it fits its calibration, and how it gets into the data folder."""

import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from pipeline.datasets.human36m.encode import write_video
from pipeline.datasets.human36m.extract import read_frames
from pipeline.datasets.human36m.probe import Video, probe_video
from pipeline.utils.errors import UserError

SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".m4v", ".mpg", ".mpeg", ".mts", ".webm")
_CRF = 15  # of a video that has to be cut, so that its first frame is that of the first pose
_ALIKE = 0.01  # of a picture's proportions
_RATES = 1.0  # frames per second; files of poses often hold a whole number


@dataclass(frozen=True)
class Clip:
    """A part of a video: `frames` of its frames from `start` on."""

    path: Path
    video: Video
    start: int
    frames: int


def find_videos(folder: Path, cameras: Sequence[str]) -> dict[str, Path]:
    """The video of each camera in a folder, by its name; raise UserError where a camera has none, or several.

    A video is called as its camera, or holds the camera's name, or both names end in the same number: the first of these that holds for all.
    """
    files = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES] if folder.is_dir() else []
    matched = [{camera: [path for path in files if rule(_plain(camera), _plain(path.stem))] for camera in cameras} for rule in _RULES]
    for found in matched:
        chosen = [paths[0] for paths in found.values() if len(paths) == 1]
        if len(set(chosen)) == len(cameras):
            return dict(zip(cameras, chosen, strict=True))
    best = max(matched, key=lambda found: sum(len(paths) == 1 for paths in found.values()))
    camera, paths = next(((camera, paths) for camera, paths in best.items() if len(paths) != 1), (cameras[0], []))
    names = ", ".join(path.name for path in paths or files) or "no video"
    others = ",".join(camera for camera, paths in best.items() if len(paths) == 1)
    leave = f", or leave the camera out: --cameras {others}" if others else ""
    raise UserError(f"{folder}: expected one video of camera {camera}, called as the camera is, found {names}; put it there{leave}")


def _same(camera: str, video: str) -> bool:
    return camera == video


def _within(camera: str, video: str) -> bool:
    return re.search(rf"(?<![a-z0-9]){re.escape(camera)}(?![0-9])", video) is not None


def _same_number(camera: str, video: str) -> bool:
    numbers = [re.findall(r"[0-9]+", name) for name in (camera, video)]
    return bool(numbers[0] and numbers[1]) and int(numbers[0][-1]) == int(numbers[1][-1])


_RULES: tuple[Callable[[str, str], bool], ...] = (_same, _within, _same_number)


def _plain(name: str) -> str:
    """A name without capitals, with one sign between words, and no zeros before numbers."""
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", re.sub(r"[^a-z0-9]+", "_", name.lower()))


def look_at(path: Path, size: tuple[int, int]) -> Clip:
    """A whole video; raise UserError where it cannot be read, or its pictures have other proportions than those of `size` that were calibrated."""
    video = probe_video(path)
    found, expected = (video.width, video.height), f"{size[0]}x{size[1]}"
    if abs(found[0] / found[1] / (size[0] / size[1]) - 1) > _ALIKE:
        turned = abs(found[1] / found[0] / (size[0] / size[1]) - 1) <= _ALIKE
        todo = "it is turned: write it as it was calibrated" if turned else "calibrate with the pictures as they are, without cropping"
        raise UserError(f"{path}: expected pictures of {expected} px, as the calibration has them, found {found[0]}x{found[1]} px; {todo}")
    return Clip(path, video, 0, video.frames)


def poses_per_frame(clips: Iterable[Clip], rate: float | None) -> int:
    """Of how many poses, `rate` a second, one belongs to a frame; raise UserError where a video goes at a rate that they are no multiple of."""
    steps = set()
    for clip in clips:
        fps = clip.video.fps
        step = 1 if rate is None else max(1, round(rate / fps))
        if rate is not None and abs(rate / step - fps) >= _RATES:
            raise UserError(f"{clip.path}: expected {rate:g} frames/s, as its poses have, found {fps:.4g}; take the video that they were made of")
        steps.add(step)
    return max(steps)


def scale_matrix(matrix: np.ndarray, size: tuple[int, int], video: Video) -> np.ndarray:
    """The matrix (3, 3) of a camera calibrated with pictures of `size`, for the video's; pixel (0, 0) has its centre at (0, 0)."""
    scale = np.array([video.width / size[0], video.height / size[1]])
    scaled = matrix.copy()
    scaled[[0, 1], [0, 1]] *= scale
    scaled[:2, 2] = (matrix[:2, 2] + 0.5) * scale - 0.5
    return scaled


def place_video(clip: Clip, path: Path, copy: bool) -> None:
    """Put a clip where it belongs: a link or a copy where it begins with the video, a new video of its frames where it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if clip.start == 0 and copy:
        shutil.copyfile(clip.path, path)
    elif clip.start == 0:
        path.symlink_to(clip.path.resolve())
    else:
        kept = range(clip.start, clip.start + clip.frames)
        frames = read_frames(clip.path, kept, (clip.video.width, clip.video.height), clip.video.height)
        even = (image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2] for image in frames)
        write_video(path, even, Fraction(clip.video.fps).limit_denominator(1001), _CRF)
