"""How FEI names its pictures: `<person>-<view>.jpg`, people from 1 on without leading zeros, views 01 to 14.

Views 01 to 10 turn the head from the profile that looks to the left of the picture, over the front (05, 06), to the other profile; 11 is the
front with a neutral face, 12 smiling, 13 and 14 in other light.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.utils.errors import UserError

ROTATION = tuple(f"{number:02d}" for number in range(1, 11))
_NAME = re.compile(r"([1-9][0-9]{0,8})-(0[1-9]|1[0-4])\.jpg")


@dataclass(frozen=True)
class Picture:
    """A picture of a person, and which of the person's views it is."""

    path: Path
    person: int
    view: str


def picture_name(person: int, view: str) -> str:
    """Name of a picture's file."""
    return f"{person}-{view}.jpg"


def find_pictures(root: Path, views: Sequence[str]) -> list[Picture]:
    """The pictures of these views in the folder, by person and view; raise UserError where there is none."""
    if not root.is_dir():
        raise UserError(f"{root}: not found; expected a folder with FEI's pictures, <person>-<view>.jpg (data.root)")
    named = [(path, _NAME.fullmatch(path.name)) for path in root.iterdir()]
    pictures = [Picture(path, int(match[1]), match[2]) for path, match in named if match and match[2] in views]
    if not pictures:
        raise UserError(f"{root}: expected pictures of the views {', '.join(views)}, named as 1-{views[0]}.jpg, found none")
    return sorted(pictures, key=lambda picture: (picture.person, picture.view))


def split_people(people: Sequence[int], test_share: float, seed: int) -> tuple[list[int], list[int]]:
    """Who is trained on, and who is scored: two lists without a person in common, each rising.

    The nearest number to `test_share` of all, but at least one person on each side. Raises UserError where there are fewer than two people.
    """
    everyone = sorted(set(people))
    if len(everyone) < 2:
        raise UserError(f"expected pictures of at least two people, one to train on and one to score, found {len(everyone)}")
    count = min(max(round(test_share * len(everyone)), 1), len(everyone) - 1)
    test = set(np.random.default_rng(seed).permutation(everyone)[:count].tolist())
    return [person for person in everyone if person not in test], sorted(test)
