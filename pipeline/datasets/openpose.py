"""OpenPose's JSON files, one per frame, as other tools write them, too: `people` with `pose_keypoints_2d`, and `person_id` if followed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.utils.errors import UserError
from pipeline.utils.files import read_json

_MOST_BYTES = 2**24


@dataclass(frozen=True)
class Detection:
    """A person in a frame.

    points : (K, 3) float64, x and y in px, and confidence; number : who it is, None where nobody was followed from frame to frame
    """

    points: np.ndarray
    number: int | None


def read_detections(path: Path) -> list[Detection]:
    """The people in a file; those without keypoints do not count. Raises UserError where it is no file of OpenPose."""
    content = read_json(path, _MOST_BYTES)
    try:
        people = [Detection(np.array(person["pose_keypoints_2d"], np.float64).reshape(-1, 3), _number(person)) for person in content["people"]]
    except (KeyError, TypeError, ValueError, OverflowError):
        raise UserError(
            f"{path}: expected keypoints as OpenPose writes them (people, pose_keypoints_2d), found something else; find them again"
        ) from None
    return [person for person in people if len(person.points)]


def _number(person: dict[str, Any]) -> int | None:
    """OpenPose's `person_id`, which is -1 or [-1] without tracking; some tools leave it out."""
    value = person.get("person_id", -1)
    number = int(value[0] if isinstance(value, list) and value else -1 if isinstance(value, list) else value)
    return None if number < 0 else number
