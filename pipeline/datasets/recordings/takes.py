"""What is imported: who is seen in which trial, and their joints in mm, without gaps, in step with the videos."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from pipeline.datasets.human36m.metadata import SUBJECTS
from pipeline.datasets.human36m.names import LONGEST
from pipeline.datasets.recordings.gaps import SHORTEST, fill_gaps, whole_runs
from pipeline.datasets.recordings.joint_names import to_17, told
from pipeline.datasets.recordings.recording import Format, Markers, Session, Trial
from pipeline.datasets.recordings.room import UNITS, find_unit
from pipeline.datasets.recordings.videos import Clip, find_videos, look_at, poses_per_frame
from pipeline.pose.skeleton import H36M_17
from pipeline.utils.errors import UserError

_TAIL = 5  # frames that a video may have less than there are poses
_APART = 0.02  # of the frames of the longest video of a trial: more is told
_SHOWN = 5  # gaps of a joint


@dataclass(frozen=True)
class Choices:
    """What whoever imports says.

    cameras, trials : names of those to use, all where there is none; subjects : trial, participant or trial/person -> subject
    markers : joint -> name of its marker; shifts : camera -> frames that its video is late; longest_gap : frames; copy : whether videos are copied
    axes : a word of `room.AXES`, None where they are to be found
    """

    cameras: tuple[str, ...] = ()
    trials: tuple[str, ...] = ()
    subjects: Mapping[str, str] = field(default_factory=dict)
    markers: Mapping[str, str] = field(default_factory=dict)
    shifts: Mapping[str, int] = field(default_factory=dict)
    longest_gap: int = 10
    copy: bool = False
    axes: str | None = None


@dataclass(frozen=True)
class Take:
    """A person in a trial.

    poses : (T, 17, 3) float64 mm, in the axes of their file, NaN where a joint is not known
    videos : camera -> the part of its video that belongs to the poses
    """

    trial: Trial
    subject: str
    poses: np.ndarray
    videos: Mapping[str, Clip]

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"{self.subject}, {self.trial.name}"

    def part(self, first: int, last: int) -> "Take":
        """Its frames from `first` to `last`."""
        count = last - first + 1
        videos = {camera: replace(clip, start=clip.start + first, frames=count) for camera, clip in self.videos.items()}
        return replace(self, poses=self.poses[first : last + 1], videos=videos)

    def numbers(self, camera: str) -> np.ndarray:
        """(T,) number of each pose's frame, as the files of 2D keypoints of a camera count it: that of the video, but for what was synchronised."""
        clip = self.videos[camera]
        return clip.start - (self.trial.shift(camera, clip.path.stem) or 0) + np.arange(len(self.poses))


def read_takes(session: Session, form: Format, sizes: Mapping[str, tuple[int, int]], choices: Choices, tell: list[str]) -> list[Take]:
    """Every person of every trial; sizes : camera -> (width, height) px that it was calibrated with.

    What was not as simple as it might be is added to `tell`. Raises UserError where files do not belong together.
    """
    trials = _choose_trials(session.trials, choices.trials)
    subjects = allot_subjects(trials, choices.subjects)
    takes = []
    for index, trial in enumerate(trials):
        found = {camera: look_at(path, sizes[camera]) for camera, path in find_videos(trial.videos, tuple(sizes)).items()}
        _compare_lengths(trial, found, tell)
        for person, (path,) in trial.poses.items():
            takes.append(_take(trial, subjects[index, person], form.read(path), found, choices, tell))
    return takes


def _choose_trials(trials: Sequence[Trial], names: Sequence[str]) -> list[Trial]:
    """Those of the names, all where there is none; raise UserError where a name is no trial's, or a trial has not one file of poses per person."""
    for name in names:
        if name not in {trial.name for trial in trials}:
            raise UserError(f"--trials {name}: expected one of {', '.join(trial.name for trial in trials)}")
    chosen = [trial for trial in trials if trial.name in names or not names]
    for trial in chosen:
        for files in list(trial.poses.values()) or [()]:
            if len(files) != 1:
                found = ", ".join(path.name for path in files) or "none"
                raise UserError(
                    f"{trial.videos.parent}: expected one file of 3D poses per person, found {found}; keep one, name it by --poses, or leave the "
                    "trial out by --trials"
                )
    return chosen


def allot_subjects(trials: Sequence[Trial], named: Mapping[str, str]) -> dict[tuple[int, str], str]:
    """Who each person (position of the trial, name) is: as `named` says, else each person of each participant in order; S1 to S11."""
    people = [(index, trial, person) for index, trial in enumerate(trials) for person in trial.poses]
    known = {word for _, trial, person in people for word in _words(trial, person)}
    for word, subject in named.items():
        if word not in known:
            raise UserError(f"--subject {word}={subject}: expected a trial, a participant or TRIAL/PERSON, found none of {', '.join(sorted(known))}")
        if subject not in SUBJECTS:
            raise UserError(f"--subject {word}={subject}: expected one of {', '.join(SUBJECTS)}")
    free = iter(subject for subject in SUBJECTS if subject not in named.values())
    default: dict[tuple[str, str], str] = {}
    allotted = {}
    for index, trial, person in people:
        said = [named[word] for word in _words(trial, person) if word in named]
        if not said and (trial.group, person) not in default:
            default[trial.group, person] = next(free, "")
        allotted[index, person] = said[0] if said else default[trial.group, person]
        if not allotted[index, person]:
            raise UserError(f"expected at most {len(SUBJECTS)} people, which is what metadata.xml has room for; import the session in parts")
    return allotted


def _words(trial: Trial, person: str) -> list[str]:
    """What `--subject` may call a person, the most exact word first."""
    exact = [f"{trial.name}/{person}"] if person else []
    return [*exact, trial.name, *([trial.group] if trial.group else [])]


def _take(trial: Trial, subject: str, markers: Markers, videos: Mapping[str, Clip], choices: Choices, tell: list[str]) -> Take:
    """A person's joints in mm, of the frames that every video has, and the parts of the videos that they belong to."""
    joints = to_17(markers, choices.markers)
    unit = find_unit(joints.positions, markers.where)
    step = poses_per_frame(videos.values(), markers.rate)
    skipped = -markers.first % step
    take = Take(trial, subject, joints.positions[skipped::step] * UNITS[unit], videos)
    thinned = f", every {step}th" if step > 1 else ""
    derived = f"; derived: {told(joints.derived)}" if joints.derived else ""
    tell.append(f"{take.name}: {len(joints.positions)} frames of {joints.joint_set} in {unit}{thinned}{derived}")
    return _in_step(take, (markers.first + skipped) // step, choices, tell)


def _in_step(take: Take, first: int, choices: Choices, tell: list[str]) -> Take:
    """The take without the poses that a video has no frame of; first : the frame of the videos that the first pose belongs to, but for shifts."""
    videos, poses = take.videos, take.poses
    begin = {camera: first + _shift(take, camera, clip.path, choices) for camera, clip in videos.items()}
    late = max(0, -min(begin.values()))
    count = min(clip.frames - begin[camera] for camera, clip in videos.items()) - late
    if count < len(poses) - late - _TAIL:
        camera = min(videos, key=lambda name: videos[name].frames - begin[name])
        raise UserError(
            f"{videos[camera].path}: expected {begin[camera] + len(poses)} frames or more, as its {len(poses)} poses ask for, found "
            f"{videos[camera].frames}; take the video that they were made of, or say by --offset {camera}=FRAMES how late it is"
        )
    kept = poses[late : late + count]
    if len(kept) < len(poses):
        tell.append(f"{take.name}: {len(kept)} of {len(poses)} poses have a frame in every video; the others are left out")
    clips = {camera: replace(clip, start=begin[camera] + late, frames=len(kept)) for camera, clip in videos.items()}
    cut = [camera for camera, clip in clips.items() if clip.start]
    if cut:
        tell.append(f"{take.name}: poses begin at frame {', '.join(f'{clips[camera].start} of {camera}' for camera in cut)}; these videos are cut")
    return replace(take, poses=kept, videos=clips)


def _shift(take: Take, camera: str, video: Path, choices: Choices) -> int:
    """By how many frames a camera's video is late: as somebody says, or else as the trial's files do."""
    if camera in choices.shifts:
        return choices.shifts[camera]
    shift = take.trial.shift(camera, video.stem)
    if shift is None and take.trial.shifts:
        raise UserError(
            f"{take.trial.videos.parent}: expected the synchronised keypoints (pose-sync) of camera {camera} also among the others (pose), found "
            f"none; say by --offset {camera}=FRAMES how many frames its video is late"
        )
    return shift or 0


def _compare_lengths(trial: Trial, videos: Mapping[str, Clip], tell: list[str]) -> None:
    """Say where videos of one trial differ much in length, as they do where they were not started together."""
    frames = {camera: clip.frames for camera, clip in videos.items()}
    if max(frames.values()) - min(frames.values()) > max(_TAIL, _APART * max(frames.values())):
        lengths = ", ".join(f"{camera} {count}" for camera, count in frames.items())
        tell.append(f"{trial.name}: videos of other lengths ({lengths} frames): see on the contact sheets whether they begin together")


def split_takes(takes: Sequence[Take], longest_gap: int, tell: list[str]) -> list[tuple[Take, str]]:
    """The takes with short gaps interpolated, split at longer ones, each with the name of its sequence.

    Raises UserError where nothing is left of a take, or two sequences of a subject have one name.
    """
    sequences = []
    for take in takes:
        poses, filled = fill_gaps(take.poses, longest_gap)
        tell.extend(f"{take.name}: {H36M_17.names[joint]} interpolated in {_frames(gaps)}" for joint, gaps in filled.items())
        whole = whole_runs(poses)
        runs = [run for run in whole if run[1] - run[0] + 1 >= SHORTEST]
        if not runs:
            longest = max((b - a + 1 for a, b in whole), default=0)
            known = np.isfinite(poses).all(axis=-1).sum(axis=0)
            rarest = f"{H36M_17.names[int(known.argmin())]} is known in {known.min()} of {len(poses)} frames"
            raise UserError(
                f"{take.name}: expected {SHORTEST} frames in a row in which every joint is known, found {longest} at most ({rarest}); raise "
                "--max-gap, or take the trial out"
            )
        lost = len(poses) - sum(b - a + 1 for a, b in runs)
        if lost:
            tell.append(f"{take.name}: {lost} of {len(poses)} frames left out, where a joint is not known; {len(runs)} sequence(s) remain")
        name = safe_name(take.trial.name)
        parts = [replace(take, poses=poses).part(*run) for run in runs]
        sequences += [(part, name if len(parts) == 1 else f"{name} {number}") for number, part in enumerate(parts, start=1)]
    for take, name in sequences:
        if sum((other.subject, prefix) == (take.subject, name) for other, prefix in sequences) > 1:
            raise UserError(
                f"{take.name}: expected one sequence {name} of {take.subject}, found several; give people subjects of their own by --subject"
            )
    return sequences


def _frames(gaps: Sequence[tuple[int, int]]) -> str:
    count = sum(b - a + 1 for a, b in gaps)
    places = ", ".join(f"{a} to {b}" if b > a else str(a) for a, b in gaps[:_SHOWN])
    return f"{count} frame{'s' * (count > 1)} ({places}{', ...' * (len(gaps) > _SHOWN)})"


def safe_name(name: str) -> str:
    """What is left of a trial's or a camera's name in the names of files: letters, digits, `_` and `-`."""
    kept = "".join(letter if letter.isalnum() or letter in "_-" else "_" for letter in name)
    return kept.lstrip("_-")[: LONGEST // 2] or "unnamed"
