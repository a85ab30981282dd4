"""Photos with COCO's keypoint file: one person per picture.

A picture of one person stays as it is. Of several people each is cut out, by the box of the annotation and half as much again on every side; whose
other pictures they are in nobody knows, so that each has a name of its own.
"""

from collections import Counter
from pathlib import Path

import numpy as np

from pipeline.datasets.coco import NO_PICTURE, CocoPerson, read_people
from pipeline.datasets.photo_sets.photo_set import Format, Photo, PhotoSet
from pipeline.utils.errors import UserError
from pipeline.utils.pictures import PictureError, picture_size

FEWEST = 8  # keypoints that a person has at least: with fewer there is no pose to paint
RIM = 0.5  # of the box's longer side: what is cut out goes beyond the box by so much


def _find(path: Path, pictures: Path | None) -> PhotoSet | None:
    if path.suffix.lower() != ".json" or not path.is_file():
        return None
    if pictures is None:
        raise UserError(f"{path}: expected the folder of its pictures as well; name it by --pictures")
    found = read_people(path, pictures, FEWEST)
    left_out = {reason: list(names) for reason, names in found.left_out.items()}
    count, seen = Counter(person.picture.path for person in found.people), Counter[Path]()
    photos = []
    for person in found.people:
        seen[person.picture.path] += 1
        try:
            photos.append(_photo(person, seen[person.picture.path], alone=count[person.picture.path] == 1))
        except PictureError:
            left_out.setdefault(NO_PICTURE, []).append(person.picture.path.name)
    return PhotoSet(sorted(photos, key=lambda photo: photo.name), left_out)


def _photo(person: CocoPerson, number: int, alone: bool) -> Photo:
    path, (width, height) = person.picture.path, picture_size(person.picture.path)
    if alone:
        return Photo(path.name, path, points=person.points)
    rim = RIM * max(person.box[2:] - person.box[:2])
    x0, y0 = np.floor(person.box[:2] - rim).clip(0, (width - 1, height - 1)).astype(int).tolist()
    x1, y1 = np.ceil(person.box[2:] + rim).clip((x0 + 1, y0 + 1), (width, height)).astype(int).tolist()
    return Photo(f"{path.stem.replace('_', '-')}-p{number}.png", path, points=person.points, box=(x0, y0, x1, y1))


COCO = Format("coco", "a keypoint file of COCO's form (.json, with --pictures)", _find)
