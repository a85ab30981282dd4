"""DeepFashion's In-shop Clothes Retrieval as it is downloaded (Liu et al. 2016): `img/` and `list_eval_partition.txt`.

The benchmark calls a picture `img/WOMEN/Dresses/id_00005537/05_4_full.jpg`. The field calls it `fashionWOMENDressesid0000553705_4full.jpg`, or with
`fasion` in older lists: that is what lists, pairs and keypoints of later work go by. Its benchmark trains on `train`, and scores on `query` and
`gallery`.
"""

import re
from pathlib import Path

from pipeline.datasets.photo_sets.photo_set import Format, Photo, PhotoSet
from pipeline.datasets.photos.tables import read_lines
from pipeline.utils.errors import UserError, printable

PREFIX = "fashion"
_LIST = "list_eval_partition.txt"
_FOLDERS = ("", "Eval", "Anno")  # where the list may lie
_IMAGES = ("img", "Img/img")
_PARTS = {"train": "train", "query": "test", "gallery": "test"}
_NAME = re.compile(r"img/(MEN|WOMEN)/([A-Za-z_]+)/id_([0-9]{8})/([0-9]{2})_([0-9]+)_([a-z]+)\.jpg")


def field_name(name: str) -> str:
    """The field's name of a picture that the benchmark calls `name`; raise ValueError where it is none of the benchmark's names."""
    parts = _NAME.fullmatch(name)
    if parts is None:
        raise ValueError(f"expected a name as img/WOMEN/Dresses/id_00005537/05_4_full.jpg, found {printable(name)}")
    gender, category, item, clothes, number, view = parts.groups()
    return f"{PREFIX}{gender}{category}id{item}{clothes}_{number}{view}.jpg"


def _find(root: Path, pictures: Path | None) -> PhotoSet | None:
    lists = [root / folder / _LIST for folder in _FOLDERS]
    listed = next((path for path in lists if path.is_file()), None)
    if listed is None:
        return None
    images = pictures or next((root / folder for folder in _IMAGES if (root / folder).is_dir()), None)
    if images is None:
        raise UserError(f"{root}: expected the pictures of {_LIST} in img/, found none; unpack img.zip there, or name the folder by --pictures")
    photos = []
    for number, line in enumerate(read_lines(listed, "the list of the In-shop benchmark")[2:], start=3):
        if line.strip():
            photos.append(_photo(images, line, f"{listed}, line {number}"))
    return PhotoSet(photos)


def _photo(images: Path, line: str, where: str) -> Photo:
    columns = line.split()
    if len(columns) != 3 or columns[2] not in _PARTS:
        raise UserError(f"{where}: expected a picture, an item and train, query or gallery, found {printable(line.strip())}")
    try:
        name = field_name(columns[0])
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None
    return Photo(name, images / columns[0].removeprefix("img/"), _PARTS[columns[2]])


IN_SHOP = Format("in-shop", f"DeepFashion's In-shop benchmark (img/ and {_LIST})", _find)
