"""What a format of photos gives: pictures by the name that they shall have, and what is known of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Photo:
    """A picture to be.

    name : the file's; path : the picture that it is, or a part of it; part : its folder, "train", "test" or "" (where nothing says who is scored)
    points : (18, 2) px of `path`, NaN where missing, or None; box : (4,) int, x0, y0, x1, y1 px: what is cut out, or None: all of it
    """

    name: str
    path: Path
    part: str = ""
    points: np.ndarray | None = None
    box: tuple[int, int, int, int] | None = None


@dataclass(frozen=True)
class PhotoSet:
    """photos : sorted by name; left_out : reason -> names; pictures that are not there are found out later."""

    photos: Sequence[Photo]
    left_out: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Format:
    """A way in which photos are held.

    name : for `--format`; about : what is expected, in words; find : what is there, or None where a path holds no such thing. Its arguments are the
    path, and the folder of pictures where that is given apart
    """

    name: str
    about: str
    find: Callable[[Path, Path | None], PhotoSet | None]
