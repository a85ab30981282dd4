"""Packs of photos: pictures, keypoints and depth labels together, people who are trained on apart from those who are scored."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.config.parallel import ParallelConfig
from pipeline.config.photos import PhotoDataConfig
from pipeline.config.pose import PoseConfig
from pipeline.datasets.photos.annotations import check_points, identity, read_all_annotations, read_list
from pipeline.datasets.photos.hand_labels import read_label_file
from pipeline.datasets.photos.joints import to_h36m_17
from pipeline.datasets.photos.layout import find_pictures, split_pictures, view
from pipeline.datasets.photos.poses import label_poses, read_poses_3d
from pipeline.datasets.photos.twins import read_twin_labels, twin_name, twin_path
from pipeline.packs.pack import Columns, pack_files, pack_path, write_pack
from pipeline.parallel import run_parallel
from pipeline.pose.crop import crop_image, middle_box, to_crop
from pipeline.pose.labels import UNLABELLED, Labels, known_labels
from pipeline.pose.skeleton import CHAINS, LIMBS
from pipeline.utils.errors import UserError, printable
from pipeline.utils.files import atomic_folder, check_replaceable, write_json
from pipeline.utils.pictures import MOST_PIXELS, MOST_SIDE, PictureError, TooLargeError, read_picture

_UNITS = (
    "image: RGB; pose_2d: px of the image, pixel centres at whole numbers, NaN missing; label: 1 in front, 0 level, -1 occluded; pose_3d: unknown"
)
NO_KEYPOINTS, ALL_MISSING = "it has no keypoints", "all its keypoints are missing"
PRINTED, NO_PICTURE = "its keypoints were printed by NumPy 2 (`np.int64(...)`), not written as numbers", "its picture is not there"
TOO_LARGE = f"its picture is too large (more than {MOST_PIXELS} px, or {MOST_SIDE} on a side)"
UNREADABLE, NO_LABEL, UNLISTED = "its picture is damaged", "it has no depth labels", "it is in no list"


def pack_photos(folder: Path, data: PhotoDataConfig, pose: PoseConfig, parallel: ParallelConfig) -> None:
    """Bring the photos below `data.root` together; write the packs and report.json to `folder`.

    The report names every picture that was left out and why, and counts them by reason. Limbs without a label count as level with the torso.
    Raises UserError where a file about the photos is damaged, or where nothing is left to train on or to score.
    """
    root, kinds = Path(data.root), pack_files(data.subjects)
    check_replaceable(folder, kinds)
    there, found = find_pictures(root), read_all_annotations([root / name for name in data.annotations])
    pictures, labels = there.paths, read_labels(root, data.labels, pose)
    left_out = (
        {**there.left_out} | dict.fromkeys(pictures, NO_KEYPOINTS) | dict.fromkeys(found.empty, ALL_MISSING) | dict.fromkeys(found.damaged, PRINTED)
    )
    left_out |= {name: NO_PICTURE for name in found.points if name not in pictures}
    usable = [name for name in found.points if name in pictures]
    if data.labelled_only:
        left_out |= {name: NO_LABEL for name in usable if labels.get(name, UNLABELLED) == UNLABELLED}
        usable = [name for name in usable if labels.get(name, UNLABELLED) != UNLABELLED]
    split = _split(root, data, usable)
    left_out |= dict.fromkeys(set(usable) - {name for names in split.values() for name in names}, UNLISTED)
    with atomic_folder(folder, kinds) as new:
        kept: dict[str, list[str]] = {}
        for subject, names in split.items():
            items = [(name, pictures[name], found.points[name], labels.get(name, UNLABELLED)) for name in names]
            results = run_parallel(partial(_row_of_photo, data.image_size), items, parallel, f"pack {subject}")
            rows = [row for row in results if not isinstance(row, str)]
            kept[subject] = _names(rows)
            left_out |= {name: row for name, row in zip(names, results, strict=True) if isinstance(row, str)}
            if not rows:
                raise UserError(f"{root}: no picture to go into `{subject}` can be read; check the pictures")
            write_pack(pack_path(new, subject), subject, _UNITS, rows, [_twins(root, data.image_size, rows)])
        left_out = {name: reason for name, reason in left_out.items() if not any(name in names for names in kept.values())}
        write_json(new / "report.json", _report(kept, labels, left_out))


def read_labels(root: Path, name: str | None, pose: PoseConfig) -> dict[str, Labels]:
    """The depth labels of a folder of photos: made by hand (`.csv`), of 3D poses by the rule (`.npz`), or none."""
    if name is None:
        return {}
    return label_poses(read_poses_3d(root / name), pose) if name.endswith(".npz") else read_label_file(root / name)


def _split(root: Path, data: PhotoDataConfig, names: Sequence[str]) -> dict[str, list[str]]:
    """The pictures of each pack, by name: as the lists say, or by people."""
    if data.train_list is None or data.test_list is None:
        parts: Iterable[Sequence[str]] = split_pictures(sorted(names), data.test_share, data.seed)
    else:
        known, lists = set(names), [read_list(root / file) for file in (data.train_list, data.test_list)]
        both = sorted({*lists[0]} & {*lists[1]})
        if both:
            lines = f"{root / data.train_list} and {root / data.test_list}"
            raise UserError(f"{lines}: {printable(both[0])} stands in both; nobody is scored on a picture of training: remove one of the two lines")
        parts = ([name for name in dict.fromkeys(listed) if name in known] for listed in lists)
    split = {subject: sorted(part) for subject, part in zip(data.subjects, parts, strict=True)}
    for subject, part in split.items():
        if not part:
            raise UserError(f"{root}: no picture with keypoints is left for `{subject}`; check data.annotations, data.labels and the lists")
    return split


def _row_of_photo(image_size: tuple[int, int], item: tuple[str, Path, np.ndarray, Labels]) -> Columns | str:
    """One row of a pack; why there is none where the picture cannot be read."""
    name, path, points, labels = item
    try:
        image = read_picture(path)
    except PictureError as error:
        return TOO_LARGE if isinstance(error, TooLargeError) else UNREADABLE
    height, width = image.shape[:2]
    check_points(points, (width, height), path)
    box = middle_box((height, width), image_size)
    pose_2d = to_crop(to_h36m_17(points)[None], box[None], image_size).astype(np.float32)
    columns = {
        "image": _cut(image, image_size)[None],
        "pose_2d": pose_2d,
        "label": known_labels(labels, pose_2d[0])[None],
        "pose_3d": np.zeros((1, 0, 3), np.float32),
        "frame": np.zeros(1, np.int32),
    }
    text = {"sequence": name, "identity": identity(name), "action": view(name), "camera": "photo"}
    return columns | {key: np.array([value], dtype=object) for key, value in text.items()}


def _cut(image: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
    """The middle of a picture at the size of the pack, (H, W, 3) uint8."""
    height, width = image.shape[:2]
    return crop_image(image, middle_box((height, width), image_size), (width, height), image_size)


def _twins(root: Path, image_size: tuple[int, int], rows: Sequence[Columns]) -> Columns:
    """The twins of these rows, as far as there are any."""
    labels = read_twin_labels(root)
    named = [(row, chain, twin_name(name, chain)) for row, name in enumerate(_names(rows)) for chain in range(len(CHAINS))]
    kept = [(row, chain, name) for row, chain, name in named if name in labels]
    return {
        "image": np.array([_twin_image(twin_path(root, name), image_size) for _, _, name in kept], np.uint8).reshape(-1, *image_size, 3),
        "row": np.array([row for row, _, _ in kept], np.int32),
        "chain": np.array([chain for _, chain, _ in kept], np.int8),
        "label": np.array([known_labels(labels[name], rows[row]["pose_2d"][0]) for row, _, name in kept], np.int8).reshape(-1, len(LIMBS)),
        "pose_3d": np.zeros((len(kept), 0, 3), np.float32),
    }


def _names(rows: Sequence[Columns]) -> list[str]:
    return [str(row["sequence"][0]) for row in rows]


def _twin_image(path: Path, image_size: tuple[int, int]) -> np.ndarray:
    try:
        return _cut(read_picture(path), image_size)
    except PictureError:
        raise UserError(f"{path}: expected the picture of a twin, found a damaged file; make the photos again") from None


def _report(kept: Mapping[str, Sequence[str]], labels: Mapping[str, Labels], left_out: Mapping[str, str]) -> dict[str, object]:
    said = [label for names in kept.values() for name in names for label in labels.get(name, UNLABELLED)]
    return {
        "pictures": {subject: len(names) for subject, names in kept.items()},
        "people": {subject: len({identity(name) for name in names}) for subject, names in kept.items()},
        "limbs": len(said),
        "limbs_without_label": said.count(None),
        "counts": dict(sorted(Counter(left_out.values()).items())),
        "left_out": [{"picture": printable(name), "reason": reason} for name, reason in sorted(left_out.items())],
    }
