"""Who is whom from frame to frame: by the numbers that a tracker gave, else by the overlap of boxes, as in SORT (Bewley et al. 2016)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from pipeline.datasets.videos.detections import Person

LEAST_OVERLAP = 0.3  # intersection over union of the boxes of one person in two frames


@dataclass
class Track:
    """One person: frame -> keypoints (18, 2) px, in the order of the frames; number : what a tracker called them."""

    number: int | None = None
    frames: dict[int, np.ndarray] = field(default_factory=dict)

    @property
    def last(self) -> int:
        """The last frame in which they are seen."""
        return next(reversed(self.frames))


def box_of(points: np.ndarray) -> np.ndarray:
    """The box (4,) x0, y0, x1, y1 px of the keypoints (18, 2) that were found."""
    return np.concatenate([np.nanmin(points, axis=0), np.nanmax(points, axis=0)])


def link(frames: Mapping[int, Sequence[Person]], gap: int) -> list[Track]:
    """The people in the order in which they appear; whoever is not seen for more than `gap` frames is somebody else when seen again.

    frames : in the order of the video. Those with a number are one person wherever the number is the same.
    """
    numbered: dict[int, Track] = {}
    tracks: list[Track] = []
    for frame, people in frames.items():
        for person in (person for person in people if person.number is not None):
            assert person.number is not None
            if person.number not in numbered:
                numbered[person.number] = Track(person.number)
                tracks.append(numbered[person.number])
            numbered[person.number].frames[frame] = person.points
        tracks += _go_on([track for track in tracks if track.number is None and frame - track.last <= gap + 1], frame, people)
    return tracks


def _go_on(tracks: Sequence[Track], frame: int, people: Sequence[Person]) -> list[Track]:
    """Add the people without a number to the tracks that they overlap with best; returns new tracks for the others."""
    points = [person.points for person in people if person.number is None]
    before = [track.frames[track.last] for track in tracks]
    overlap = np.array([[_overlap(box_of(one), box_of(other)) for other in points] for one in before]).reshape(len(before), len(points))
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    found = {column: tracks[row] for row, column in zip(rows, columns, strict=True) if overlap[row, column] >= LEAST_OVERLAP}
    new = []
    for number, one in enumerate(points):
        if number not in found:
            found[number] = Track()
            new.append(found[number])
        found[number].frames[frame] = one
    return new


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two boxes (4,)."""
    shared = np.prod((np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])).clip(min=0))
    union = np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - shared
    return float(shared / union) if union > 0 else 0.0
