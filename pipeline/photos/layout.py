"""Where the pictures of a folder of photos lie: in the folder itself, or in its folders `train` and `test`, as in the field's downloads."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.errors import UserError
from pipeline.photos.annotations import identity

PLACES = ("", "train", "test")
SUFFIXES = (".jpg", ".jpeg", ".png")


def find_pictures(root: Path) -> dict[str, Path]:
    """The pictures of the folder, name -> path, sorted by name; raise UserError where there are none, or where a name stands for two."""
    if not root.is_dir():
        raise UserError(f"{root}: not found; expected a folder of pictures (data.root)")
    found: dict[str, Path] = {}
    for folder in (root / place for place in PLACES):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.suffix.lower() in SUFFIXES and path.is_file():
                if path.name in found:
                    raise UserError(f"{path}: {found[path.name]} has the same name; keep one of them")
                found[path.name] = path
    if not found:
        raise UserError(f"{root}: expected pictures, .jpg or .png, there or in its folders train and test, found none")
    return dict(sorted(found.items()))


def view(name: str) -> str:
    """What a name says of the view, the letters after the last `_` and digits: `front` of `WOMENDressesid0000553705_1front.jpg`, else `photo`."""
    return Path(name).stem.rpartition("_")[2].lstrip("0123456789") or "photo"


def split_pictures(names: Sequence[str], test_share: float, seed: int) -> tuple[list[str], list[str]]:
    """Who is trained on, and who is scored: two lists of pictures without a person in common.

    The nearest number to `test_share` of all people, but at least one on each side. Raises UserError where there are fewer than two people.
    """
    people = sorted({identity(name) for name in names})
    if len(people) < 2:
        raise UserError(f"expected pictures of at least two people (names that begin differently up to the first `_`), found {len(people)}")
    count = min(max(round(test_share * len(people)), 1), len(people) - 1)
    test = set(np.random.default_rng(seed).permutation(people)[:count].tolist())
    return [name for name in names if identity(name) not in test], [name for name in names if identity(name) in test]
