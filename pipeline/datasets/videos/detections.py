"""Who is seen in which frame of a video, and where: OpenPose's folder of JSON files, or a keypoint file of COCO's form."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.datasets.coco import read_people, summary
from pipeline.datasets.human36m.probe import Video
from pipeline.datasets.openpose import Detection, read_detections
from pipeline.datasets.recordings.joint_names import SETS
from pipeline.pose.skeleton import COCO_18
from pipeline.utils.errors import UserError
from pipeline.utils.numbers import MOST_PX
from pipeline.utils.progress import track

FEWEST = 8  # keypoints that a person has at least: with fewer there is no pose to paint
SURE = 0.3  # confidence from which on a keypoint counts as found
_STOPS_EARLY = 0.5  # s: a detector may lose the last frames of a video, but no more
_OUTSIDE = 0.05  # of all keypoints may lie outside the pictures
_SETS = {count: names for count, names in SETS.items() if count < 32} | {18: COCO_18.names}


@dataclass(frozen=True)
class Person:
    """points : (18, 2) float32 px as in `skeleton.COCO_18`, NaN where not found; number : who it is, None where nobody was followed."""

    points: np.ndarray
    number: int | None = None


@dataclass(frozen=True)
class People:
    """frames : number -> who is seen, in the order of the video; said : what is worth knowing, such as what was left out."""

    frames: Mapping[int, Sequence[Person]]
    said: Sequence[str] = ()


def read_keypoints(path: Path, source: Path, video: Video, frames: range) -> People:
    """The people in `frames` of the video `source`, of OpenPose's folder or of a file of COCO's form.

    Raises UserError where the keypoints are damaged, or belong to another video or to its pictures turned.
    """
    found = _of_folder(path, video, frames) if path.is_dir() else _of_coco(path, source, video, frames)
    _check_inside(path, found.frames, video)
    for frame, people in found.frames.items():
        _check_numbers(people, f"{path}, frame {frame}")
    placed = {frame: [Person(inside(person.points, video), person.number) for person in people] for frame, people in found.frames.items()}
    kept = {frame: [person for person in people if count_points(person.points) >= FEWEST] for frame, people in placed.items()}
    few = sum(len(people) for people in placed.values()) - sum(len(people) for people in kept.values())
    said = [f"left out, with fewer than {FEWEST} keypoints: {few} detections"] if few else []
    return People(kept, [*found.said, *said])


def count_points(points: np.ndarray) -> int:
    """How many of the keypoints (18, 2) were found."""
    return int((~np.isnan(points[:, 0])).sum())


def inside(points: np.ndarray, video: Video) -> np.ndarray:
    """The keypoints (18, 2) px, of which those outside the picture count as not found."""
    within = np.all((points > -0.5) & (points < np.array((video.width, video.height)) - 0.5), axis=1)
    return np.where(within[:, None], points, np.float32(np.nan))


def _of_folder(folder: Path, video: Video, frames: range) -> People:
    files = {path: _last_number(path) for path in sorted(folder.glob("*.json"))}
    if not files:
        raise UserError(f"{folder}: expected OpenPose's files, a .json for each frame, found none; give the folder that --write_json named")
    without = next((path.name for path, number in files.items() if number is None), None)
    if without:
        raise UserError(f"{folder}: expected files whose names end in the number of a frame, found {without}; take it out")
    first = _counted_from({number for number in files.values() if number is not None}, video)
    by_frame = {number - first: path for path, number in files.items() if number is not None}
    if len(by_frame) < len(files):
        raise UserError(f"{folder}: expected one file for each frame, found {len(files)} for {len(by_frame)} frames; keep those of one video")
    _check_length(folder, by_frame, video, frames)
    chosen = [(frame, by_frame[frame]) for frame in sorted(by_frame) if frame in frames]
    people = {
        frame: [Person(_to_18(person, path), person.number) for person in read_detections(path)]
        for frame, path in track(chosen, "keypoints", len(chosen))
    }
    return People(people, _said_of(first))


def _check_length(folder: Path, files: Collection[int], video: Video, frames: range) -> None:
    """Raise UserError where the files are those of another video: longer, or shorter than what is taken of this one."""
    first, last = min(files), max(files)
    if last >= video.frames:
        raise UserError(f"{folder}: expected keypoints of {video.frames} frames, as the video has, found frame {last}; give those of this video")
    near = _STOPS_EARLY * video.fps
    if last < frames.stop - 1 - near or first > frames.start + near:
        how = f"give those of this video, or take the part that has some: --start {first / video.fps:.2f} --stop {(last + 1) / video.fps:.2f}"
        raise UserError(f"{folder}: expected keypoints of frames {frames.start} to {frames.stop - 1}, found those of {first} to {last}; {how}")


def _last_number(path: Path) -> int | None:
    """The last number of a name, which counts the frames."""
    numbers = re.findall(r"[0-9]+", path.stem)
    return int(numbers[-1]) if numbers else None


def _counted_from(numbers: Collection[int], video: Video) -> int:
    """What the first frame is called, 0 or 1: the last one's number tells."""
    return int(bool(numbers) and min(numbers) > 0 and max(numbers) == video.frames)


def _said_of(first: int) -> list[str]:
    return ["the keypoints count its frames from 1"] if first else []


def _to_18(person: Detection, path: Path) -> np.ndarray:
    """(18, 2) float32 px of a person of any joint set that is known by its count; NaN where not found."""
    if len(person.points) not in _SETS:
        known = ", ".join(map(str, sorted(_SETS)))
        raise UserError(f"{path}: expected people of {known} keypoints, found one of {len(person.points)}; find them with another model")
    seen = np.all(np.abs(person.points) <= MOST_PX, axis=1) & (person.points[:, 2] >= SURE)  # both are False for NaN
    points = np.where(seen[:, None], person.points[:, :2], np.nan)
    named = dict(zip(_SETS[len(points)], points, strict=True))
    named.setdefault("neck", named.get("thorax", (named["left_shoulder"] + named["right_shoulder"]) / 2))
    return np.stack([named[name] for name in COCO_18.names]).astype(np.float32)


def _check_numbers(people: Sequence[Person], where: str) -> None:
    """Raise UserError where two people of a frame are the same one."""
    numbers = [person.number for person in people if person.number is not None]
    twice = next((number for number in numbers if numbers.count(number) > 1), None)
    if twice is not None:
        raise UserError(f"{where}: expected each person once, found number {twice} twice; follow them again, or take the numbers out")


def _of_coco(path: Path, source: Path, video: Video, frames: range) -> People:
    found = read_people(path, path.parent, FEWEST)
    numbers = [_frame_of(person.picture.path, person.picture.number) for person in found.people]
    first = _counted_from(numbers, video)
    people: dict[int, list[Person]] = {}
    for number, person in sorted(zip(numbers, found.people, strict=True), key=lambda one: one[0]):
        frame, size = number - first, person.picture.size
        if frame >= video.frames:
            last = video.frames - 1 + first
            raise UserError(f"{person.where}: expected a frame of {source}, {first} to {last}, found {number}; give the keypoints of this video")
        if size is not None and size != (video.width, video.height):
            expected = f"a picture of {video.width}x{video.height} px, as {source} is shown"
            raise UserError(f"{person.where}: expected {expected}, found one of {size[0]:g}x{size[1]:g} px; give the keypoints of this video")
        if frame in frames:
            people.setdefault(frame, []).append(Person(person.points.astype(np.float32), person.track))
    return People(people, [*_said_of(first), *summary(found.left_out)])


def _frame_of(picture: Path, number: int) -> int:
    """Which frame a picture is, by the last number of its name; by its `id` where its name has none."""
    named = _last_number(picture)
    return number if named is None else named


def _check_inside(path: Path, frames: Mapping[int, Sequence[Person]], video: Video) -> None:
    """Raise UserError where the keypoints lie outside the pictures as a player shows them, as those of turned ones do."""
    points = np.concatenate([np.zeros((0, 2)), *(person.points for people in frames.values() for person in people)])
    points, size = points[~np.isnan(points[:, 0])], np.array((video.width, video.height))
    if len(points) and _are_outside(points, size).mean() > _OUTSIDE:
        lying = video.turned and not _are_outside(points, size[::-1]).any()
        what = "they fit the pictures as they are stored, lying: find them on the video as a player shows it" if lying else "give those of this video"
        x, y = points.max(axis=0)
        raise UserError(f"{path}: expected keypoints within {video.width}x{video.height} px, as the video is shown, found ({x:.0f}, {y:.0f}); {what}")


def _are_outside(points: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Which of the points (N, 2) lie outside a picture, (N,) bool."""
    return np.any((points < -1) | (points > size), axis=1)
