"""Where the pictures of a folder of photos lie: in the folder itself, or in its folders `train` and `test`, as in the field's downloads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.datasets.photos.annotations import identity
from pipeline.datasets.photos.tables import name_fault
from pipeline.utils.errors import UserError, printable
from pipeline.utils.files import machine_faults

PLACES = ("", "train", "test")
SUFFIXES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class Pictures:
    """paths : name -> where the picture lies, sorted by name; left_out : what is called a picture and cannot be used, name -> why."""

    paths: Mapping[str, Path]
    left_out: Mapping[str, str]


def find_pictures(root: Path) -> Pictures:
    """The pictures of the folder; raise UserError where there are none, or where a name stands for two.

    Hidden files (a Mac's `._a.jpg`, unfinished outputs) do not count. Links are followed wherever they lead: DVC and many people keep pictures so.
    """
    if not root.is_dir():
        found = "a file" if root.exists() else "nothing"
        raise UserError(f"{root}: expected a folder of pictures (data.root), found {found}")
    paths: dict[str, Path] = {}
    left_out: dict[str, str] = {}
    for folder in (root / place for place in PLACES):
        for path in _files(folder):
            fault = _fault(path)
            if fault is not None:
                left_out[printable(path.name)] = fault
            elif path.name in paths:
                raise UserError(f"{path}: {paths[path.name]} has the same name; keep one of them")
            else:
                paths[path.name] = path
    if not paths:
        why = "".join(f"; {name} is left out, {reason}" for name, reason in list(left_out.items())[:1])
        raise UserError(f"{root}: expected pictures, .jpg or .png, there or in its folders train and test, found none{why}")
    return Pictures(dict(sorted(paths.items())), dict(sorted(left_out.items())))


def _files(folder: Path) -> list[Path]:
    """What is called a picture in a folder, if it is there."""
    if not folder.is_dir():
        return []
    with machine_faults(folder):
        return [path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]


def _fault(path: Path) -> str | None:
    """Why a picture cannot be used, as far as its name tells."""
    if not path.is_file():
        return "it is a link that leads nowhere" if path.is_symlink() else "it is a folder or a device"
    return name_fault(path.name)


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
