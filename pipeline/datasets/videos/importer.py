"""Bring videos of one camera into a folder that the graph of photos reads: a picture per person and kept frame, keypoints, guessed depth labels."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pipeline.datasets.human36m.extract import read_frames
from pipeline.datasets.human36m.frames import kept_frames
from pipeline.datasets.human36m.probe import Video, probe_video
from pipeline.datasets.photos.annotations import FILE_NAME, write_annotations
from pipeline.datasets.photos.joints import to_h36m_17
from pipeline.datasets.videos.detections import FEWEST, count_points, inside, read_keypoints
from pipeline.datasets.videos.guesses import DepthGuess, write_guesses
from pipeline.datasets.videos.tracks import link
from pipeline.pose.crop import crop_box
from pipeline.utils.errors import UserError
from pipeline.utils.files import atomic_folder, write_text
from pipeline.utils.images import encode
from pipeline.utils.progress import track

REPORT = "import.txt"
GAP = 1.0  # s in which a person may be out of sight
FEWEST_PICTURES = 3  # of a person
PROPORTIONS = (256, 176)  # height and width of the pictures, as the field cuts them
MARGIN = 0.25  # share of a picture around the keypoints, which end at the ears and at the ankles
_JPEG = (cv2.IMWRITE_JPEG_QUALITY, 95)

Finder = Callable[[np.ndarray], np.ndarray]  # a picture (h, w, 3) uint8 RGB to keypoints (18, 2) px, NaN where not found
Guesser = Callable[[np.ndarray], DepthGuess]  # pose_2d (17, 2) px to labels
Found = Mapping[int, np.ndarray]  # number of a person -> keypoints (18, 2) px


@dataclass(frozen=True)
class Choices:
    """fps : pictures per second of a person; start, stop : s, what of each video is taken, None: to its end."""

    fps: float
    start: float
    stop: float | None


@dataclass(frozen=True)
class _Film:
    """A video, its frames that are looked at, and those of them that become pictures; name : how the names of its pictures begin."""

    path: Path
    name: str
    video: Video
    frames: range
    kept: range


def import_videos(videos: Mapping[Path, Path | Finder], out: Path, choices: Choices, guess: Guesser) -> list[str]:
    """Write pictures, keypoints and guesses into the new folder `out`; returns what was found and left out, in words, as it stands in import.txt.

    videos : each with its keypoints, OpenPose's folder or a file of COCO's form; or with what finds those of one person in a picture
    Raises UserError where a video cannot be read, its keypoints are another's or damaged, or nobody is seen.
    """
    films = [_open(path, choices) for path in videos]
    _check_names(films)
    lines, points = list[str](), dict[str, np.ndarray]()
    with atomic_folder(out) as partial:
        for film, source in zip(films, videos.values(), strict=True):
            lines += [f"{film.path}: {line}" for line in _write_people(partial, film, source, choices, points)]
        guesses = {name: guess(to_h36m_17(points[name])) for name in track(sorted(points), "labels", len(points))}
        lines.append(_about_guesses(guesses))
        write_annotations(partial / FILE_NAME, points)
        write_guesses(partial, guesses)
        write_text(partial / REPORT, "".join(f"{line}\n" for line in lines))
    return lines


def _open(path: Path, choices: Choices) -> _Film:
    video = probe_video(path, needed=1)  # a phone's frames follow at no one rate, and need not
    length = video.frames / video.fps
    start, stop = round(choices.start * video.fps), video.frames if choices.stop is None else min(round(choices.stop * video.fps), video.frames)
    if start >= stop:
        asked = f"--start {choices.start:g}" + ("" if choices.stop is None else f" --stop {choices.stop:g}")
        raise UserError(f"{path}: expected frames between {asked}, found none in its {length:.2f} s; choose another part")
    kept = range(start, stop, kept_frames(video.fps, choices.fps, video.frames).step)
    return _Film(path, re.sub(r"[\W_]+", "-", path.stem).strip("-") or "video", video, range(start, stop), kept)


def _check_names(films: Sequence[_Film]) -> None:
    there: dict[str, Path] = {}
    for film in films:
        if film.name in there:
            raise UserError(f"{film.path}: its pictures would be called {film.name}-1_..., as those of {there[film.name]}; rename one of the videos")
        there[film.name] = film.path


def _write_people(folder: Path, film: _Film, source: Path | Finder, choices: Choices, points: dict[str, np.ndarray]) -> Iterator[str]:
    """Write the pictures of a video, and add their keypoints, px of the pictures, to `points`; yields what is said of them."""
    before = len(points)
    if isinstance(source, Path):
        found, left_out = _followed(film, source)
        seen = _cut(film, [frame for frame in film.kept if frame in found], lambda frame, _: found[frame])
    else:
        left_out = []
        seen = _cut(film, film.kept, lambda _, image: _alone(source, image, film.video))
    for name, picture, placed in seen:
        (folder / name).write_bytes(encode(picture, ".jpg", _JPEG))
        points[name] = placed
    people = {name.partition("_")[0] for name in list(points)[before:]}
    if not people:
        why = f" ({'; '.join(left_out)})" if left_out else ""
        raise UserError(
            f"{film.path}: expected people in its {len(film.kept)} kept frames, found nobody{why}; give other keypoints, or another model"
        )
    rate = film.video.fps / film.kept.step
    which = "all" if film.kept.step == 1 else f"one in {film.kept.step}"
    slower = f": the video has no {choices.fps:g} a second" if rate < 0.75 * choices.fps else ""
    yield f"{film.video.frames} frames at {film.video.fps:.4g} a second, {which} kept, {rate:.3g} a second{slower}"
    yield f"{len(points) - before} pictures of {len(people)} people, from {len(film.kept)} frames"
    yield from left_out


def _followed(film: _Film, path: Path) -> tuple[dict[int, Found], list[str]]:
    """The people in each kept frame, numbered from 1 as they appear, and what was left out, in words."""
    people = read_keypoints(path, film.path, film.video, film.frames)
    tracks = link(people.frames, round(GAP * film.video.fps))
    kept = [{frame: points for frame, points in one.frames.items() if frame in film.kept} for one in tracks]
    chosen = [one for one in kept if len(one) >= FEWEST_PICTURES]
    found: dict[int, dict[int, np.ndarray]] = {}
    for number, one in enumerate(chosen, start=1):
        for frame, points in one.items():
            found.setdefault(frame, {})[number] = points
    said = [*people.said]
    if len(chosen) < len(kept):
        said.append(f"left out, with fewer than {FEWEST_PICTURES} pictures: {len(kept) - len(chosen)} people")
    return dict[int, Found](found), said


def _alone(find: Finder, image: np.ndarray, video: Video) -> Found:
    """The one person of a picture, looked for in all of it, and once more from near: a model sees pictures small."""
    points = inside(find(image), video)
    if count_points(points) < FEWEST:
        return {}
    x0, y0, x1, y1 = _box(points, (video.width, video.height))
    nearer = inside(find(np.ascontiguousarray(image[y0:y1, x0:x1])) + np.array((x0, y0), np.float32), video)
    return {1: nearer if count_points(nearer) >= count_points(points) else points}


def _cut(film: _Film, frames: Sequence[int], people: Callable[[int, np.ndarray], Found]) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, picture (h, w, 3) uint8 RGB and keypoints (18, 2) px of each person in each of the frames."""
    size = film.video.width, film.video.height
    images = read_frames(film.path, frames, size, film.video.height)
    for frame, image in track(zip(frames, images, strict=True), film.path.name, len(frames)):
        for number, points in people(frame, image).items():
            x0, y0, x1, y1 = _box(points, size)
            name, placed = f"{film.name}-{number}_{frame:06d}.jpg", points - np.array((x0, y0), np.float32)
            yield name, image[y0:y1, x0:x1], placed


def _box(points: np.ndarray, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """What is cut out around a person, x0, y0, x1, y1 px: the box of the keypoints (18, 2) with a margin, moved into the picture of `size`."""
    found = points[~np.isnan(points[:, 0])].clip(0, np.subtract(size, 1))
    box = np.rint(crop_box(found[None], PROPORTIONS, MARGIN)[0] + 0.5).astype(int)
    sides = np.minimum(np.maximum(box[2:] - box[:2], 1), size)
    low = np.minimum(box[:2].clip(min=0), np.subtract(size, sides))
    return int(low[0]), int(low[1]), int(low[0] + sides[0]), int(low[1] + sides[1])


def _about_guesses(guesses: Mapping[str, DepthGuess]) -> str:
    labels = [label for guess in guesses.values() for label in guess.labels]
    known = len(labels) - labels.count(None)
    return f"depth labels guessed of {known} of {len(labels)} limbs; they are nobody's answers: pose25d label shows them, doubtful pictures first"
