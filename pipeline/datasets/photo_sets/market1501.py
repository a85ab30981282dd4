"""Market-1501 as it is downloaded (Zheng et al. 2015): folders `bounding_box_train`, `bounding_box_test` and `query` of pictures of 64x128 px.

Names such as `0002_c1s1_000451_03.jpg` begin with the person; `-1` is what a detector took for a person, `0000` a bystander. Queries are of the
people in `bounding_box_test`, and are left out as the field leaves them out.
"""

from pathlib import Path

from pipeline.datasets.photo_sets.photo_set import Format, Photo, PhotoSet
from pipeline.datasets.photos.layout import SUFFIXES

_PARTS = {"bounding_box_train": "train", "bounding_box_test": "test"}
_LEFT_OUT = {"-1": "nobody (names that begin with -1)", "0000": "bystanders (names that begin with 0000)"}


def _find(root: Path, _pictures: Path | None) -> PhotoSet | None:
    if not all((root / folder).is_dir() for folder in _PARTS):
        return None
    photos, left_out = list[Photo](), dict[str, list[str]]()
    for folder, part in _PARTS.items():
        for path in sorted(root.joinpath(folder).iterdir()):
            if path.suffix.lower() not in SUFFIXES or path.name.startswith("."):
                continue
            reason = _LEFT_OUT.get(path.name.partition("_")[0])
            if reason is None:
                photos.append(Photo(path.name, path, part))
            else:
                left_out.setdefault(reason, []).append(path.name)
    return PhotoSet(photos, left_out)


MARKET_1501 = Format("market1501", "Market-1501 (folders bounding_box_train and bounding_box_test)", _find)
