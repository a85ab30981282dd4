"""Bring a set of photos into a folder that the graph of photos reads: pictures below `train` and `test`, keypoints, lists."""

import os
import shutil
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.datasets.photo_sets.coco import COCO
from pipeline.datasets.photo_sets.in_shop import IN_SHOP
from pipeline.datasets.photo_sets.market1501 import MARKET_1501
from pipeline.datasets.photo_sets.photo_set import Format, Photo, PhotoSet
from pipeline.datasets.photos.annotations import FILE_NAME, HEADER, PAIRS_HEADER, identity, write_annotations, write_list
from pipeline.datasets.photos.tables import read_lines
from pipeline.utils.errors import UserError, printable
from pipeline.utils.files import atomic_folder, write_text
from pipeline.utils.images import encode
from pipeline.utils.pictures import read_picture

FORMATS = (IN_SHOP, MARKET_1501, COCO)
LISTS = {"train": "train.lst", "test": "test.lst"}
REPORT = "import.txt"
SHOWN = 3  # names that stand for all of a kind
_SPELLINGS = (("fashion", "fasion"), ("fasion", "fashion"))  # of DeepFashion's names in lists of different years


def find_photos(path: Path, pictures: Path | None = None, name: str | None = None) -> tuple[Format, PhotoSet]:
    """The photos at `path`, and their format: that called `name`, or the first that it has. Raises UserError where it has none."""
    if not path.exists():
        raise UserError(f"{path}: not found; expected {', or '.join(form.about for form in FORMATS)}")
    for form in FORMATS:
        found = form.find(path, pictures) if name in (None, form.name) else None
        if found is not None:
            return form, found
    chosen = [form.about for form in FORMATS if name in (None, form.name)]
    raise UserError(f"{path}: expected {', or '.join(chosen)}, found neither")


def import_photos(found: PhotoSet, out: Path, files: Sequence[Path] = (), copy: bool = False) -> list[str]:
    """Write the photos into the new folder `out`; returns what was found and left out, in words, as it stands in OUT/import.txt.

    files : lists, pairs and keypoints of the field about the same pictures; they are copied, and pictures take the spelling of their names
    copy : copy the pictures, in place of links to them
    Raises UserError where two pictures would have one name, or where none is left.
    """
    _check_files(files)
    names = {file: _names_in(file) for file in files}
    photos = _spelled([photo for photo in found.photos if photo.path.is_file()], {name for known in names.values() for name in known})
    missing = [photo.name for photo in found.photos if not photo.path.is_file()]
    _check_names(photos)
    if not photos:
        raise UserError(f"{out}: expected pictures to import, found none; {len(missing)} that are listed are not there{_such_as(missing)}")
    lines = list(_report(photos, {**found.left_out, "pictures that are not there": missing}, names))
    with atomic_folder(out) as partial:
        for photo in photos:
            _write(partial / photo.part / photo.name, photo, copy)
        points = {photo.name: photo.points - (photo.box[:2] if photo.box else (0, 0)) for photo in photos if photo.points is not None}
        if points:
            write_annotations(partial / FILE_NAME, points)
        for part, file in LISTS.items():
            if chosen := [photo.name for photo in photos if photo.part == part]:
                write_list(partial / file, chosen)
        for path in files:
            shutil.copyfile(path, partial / path.name)
        write_text(partial / REPORT, "".join(f"{line}\n" for line in lines))
    return lines


def _spelled(photos: Sequence[Photo], known: set[str]) -> list[Photo]:
    """The photos under the names that files about them use, where those differ in their Unicode form or in how they write `fashion`."""
    spelling = {unicodedata.normalize("NFC", name): name for name in known}
    return [replace(photo, name=next((spelling[name] for name in _forms(photo.name) if name in spelling), photo.name)) for photo in photos]


def _forms(name: str) -> Iterator[str]:
    composed = unicodedata.normalize("NFC", name)
    yield composed
    for first, second in _SPELLINGS:
        if composed.startswith(first):
            yield second + composed.removeprefix(first)


def _names_in(path: Path) -> set[str]:
    """The names of pictures in a list, in pairs, or in a file of keypoints."""
    lines = [line.strip() for line in read_lines(path, "a list, pairs or keypoints") if line.strip()]
    if lines[:1] == [":".join(HEADER)]:
        return {line.rsplit(":", 2)[0] for line in lines[1:]}
    if lines[:1] == [",".join(PAIRS_HEADER)]:
        return {name.strip() for line in lines[1:] for name in line.split(",")}
    return set(lines)


def _check_files(files: Sequence[Path]) -> None:
    taken = {FILE_NAME, REPORT, *LISTS.values()}
    for file in files:
        if file.name in taken:
            raise UserError(f"--file {file}: a file of this name is written as well, or given twice; give it another name")
        taken.add(file.name)


def _check_names(photos: Sequence[Photo]) -> None:
    there: dict[str, Path] = {}
    for photo in photos:
        if photo.name in there:
            raise UserError(f"{photo.path}: {there[photo.name]} would have the same name, {printable(photo.name)}; rename one of them")
        there[photo.name] = photo.path


def _write(target: Path, photo: Photo, copy: bool) -> None:
    target.parent.mkdir(exist_ok=True)
    if photo.box is not None:
        x0, y0, x1, y1 = photo.box
        target.write_bytes(encode(read_picture(photo.path)[y0:y1, x0:x1], ".png"))
    elif copy:
        shutil.copyfile(photo.path, target)
    else:
        target.symlink_to(os.path.realpath(photo.path))


def _report(photos: Sequence[Photo], left_out: dict[str, Sequence[str]], names: dict[Path, set[str]]) -> Iterator[str]:
    parts = {part: [photo for photo in photos if photo.part == part] for part in ("train", "test", "")}
    for part, chosen in parts.items():
        if chosen:
            yield f"{len(chosen)} pictures of {len({identity(photo.name) for photo in chosen})} people{f' for {part}' if part else ''}"
    yield f"keypoints of {sum(photo.points is not None for photo in photos)} pictures"
    for reason, some in left_out.items():
        if some:
            yield f"{len(some)} left out, {reason}{_such_as(some)}"
    there = {photo.name for photo in photos}
    for path, known in names.items():
        without = sorted(known - there)
        yield f"{path.name}: {len(known) - len(without)} of its {len(known)} names are pictures here{_such_as(without)}"


def _such_as(names: Sequence[str]) -> str:
    return f", such as {', '.join(printable(name) for name in names[:SHOWN])}" if names else ""
