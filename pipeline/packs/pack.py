"""Packs: one file per subject with everything that training and scoring read. Each data set makes them, in a module `pack.py` of its own.

The images stay in the file, whatever reads or writes it: memory does not grow with them.

`image` (N, H, W, 3) uint8 RGB, `pose_2d`, `label`, `pose_3d`, `frame`, `sequence`, `identity`, `action`, `camera`: N rows, sorted by
sequence, camera, frame; where cameras stand still also `box`, px of the video, and, if asked for, `background` (N, H, W, 4) uint8, what the
camera shows without the person, and 255 where that is known; where the renderer's truth is known also `label_truth` and `label_clear`; group
`twins` with `image`, `row`, `chain`, `label`, `pose_3d`. Nothing is compressed, so that a row is read without its neighbours. A joint set
without limbs has labels (N, 0), one of which no depth is known `pose_3d` (N, 0, 3).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np

from pipeline.packs.images import HalvedImages, ImageFile, Images, StoredImages
from pipeline.pose.skeleton import CHAINS, JOINT_COUNTS, LIMBS
from pipeline.utils.errors import UserError
from pipeline.utils.hdf5 import NUMBER, WHOLE, Damaged, Filler, check_range, create_blank, find_dataset, open_hdf5, read_dataset, write_large_hdf5
from pipeline.utils.hdf5 import TEXT as WORDS
from pipeline.utils.hdf5 import TRUTH as TRUE_OR_NOT
from pipeline.utils.numbers import MOST_MM, MOST_PX

Columns = Mapping[str, np.ndarray]

NUMBERS = ("pose_2d", "label", "pose_3d", "frame")
TEXT = ("sequence", "identity", "action", "camera")
TRUTH = ("label_truth", "label_clear")
BOX, BACKGROUND = "box", "background"  # of cameras that stand still
TWINS = ("row", "chain", "label", "pose_3d")
IMAGES = ("image", BACKGROUND, "twins/image")  # the datasets of images


@dataclass(frozen=True)
class _Rule:
    """What a column holds: its axes after the rows, and how long the first of them may be; its kind and type, and the range of its numbers."""

    axes: tuple[int | None, ...]
    counts: tuple[int, ...]
    kinds: str
    dtype: type[np.generic]
    low: float
    high: float
    missing: bool = False  # NaN stands for what is not there


_LIMB_COUNTS = (0, len(LIMBS))
_RULES = {
    "pose_2d": _Rule((None, 2), JOINT_COUNTS, NUMBER, np.float32, -MOST_PX, MOST_PX, missing=True),
    "pose_3d": _Rule((None, 3), (0, *JOINT_COUNTS), NUMBER, np.float32, -MOST_MM, MOST_MM),
    "label": _Rule((None,), _LIMB_COUNTS, WHOLE, np.int8, -1, 1),
    "label_truth": _Rule((None,), _LIMB_COUNTS, WHOLE, np.int8, -1, 1),
    "label_clear": _Rule((None,), _LIMB_COUNTS, TRUE_OR_NOT, np.bool_, 0, 1),
    BOX: _Rule((4,), (), NUMBER, np.float64, -MOST_PX, MOST_PX),
    "frame": _Rule((), (), WHOLE, np.int32, 0, np.iinfo(np.int32).max),
}


@dataclass(frozen=True)
class Twins:
    """The same 2D pose with one limb chain mirrored in depth.

    image : (M, H, W, 3) uint8 RGB; row : (M,) int64, the original's row in the pack, rising; chain : (M,) int8, position in `skeleton.CHAINS`;
    label : (M, 8) int8; pose_3d : (M, 17, 3) float32, mm, camera frame. Its 2D pose is the original's.
    """

    image: Images
    row: np.ndarray
    chain: np.ndarray
    label: np.ndarray
    pose_3d: np.ndarray

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True)
class Pack:
    """The rows of several subjects, one after the other; all but the images in memory.

    image : (N, H, W, 3) uint8 RGB; pose_2d : (N, 17, 2) float32, px of the crop, pixel centres at whole numbers;
    label : (N, 8) int8; pose_3d : (N, 17, 3) float32, mm, camera frame; frame : (N,) int32, index in the video;
    subject, sequence, identity, action, camera : (N,) str; offset : first row of each subject, in the order they were asked for;
    label_truth : (N, 8) int8 and label_clear : (N, 8) bool, what the renderer knows, or None; twins : of all subjects;
    box : (N, 4) float64, x0, y0, x1, y1 of the crop, px of what its camera took, or None; background : (N, H, W, 4) uint8, RGB of the empty view
    and 255 where it is known, or None.
    """

    image: Images
    pose_2d: np.ndarray
    label: np.ndarray
    pose_3d: np.ndarray
    frame: np.ndarray
    subject: np.ndarray
    sequence: np.ndarray
    identity: np.ndarray
    action: np.ndarray
    camera: np.ndarray
    offset: dict[str, int]
    twins: Twins
    label_truth: np.ndarray | None = None
    label_clear: np.ndarray | None = None
    box: np.ndarray | None = None
    background: Images | None = None

    def __len__(self) -> int:
        return len(self.image)

    @property
    def has_limbs(self) -> bool:
        """Whether the joint set has limbs, whose labels say which is in front."""
        return self.label.shape[1] > 0

    def halved(self) -> "Pack":
        """The same rows and twins in images half as high and wide, whose sides are even: each pixel is the mean of four."""
        twins = replace(self.twins, image=HalvedImages(self.twins.image))
        background = None if self.background is None else HalvedImages(self.background)
        return replace(self, image=HalvedImages(self.image), pose_2d=(self.pose_2d - 0.5) / 2, twins=twins, background=background)


@contextmanager
def new_pack(
    path: Path, subject: str, units: str, rows: Sequence[Columns], twins: Sequence[Columns], image_size: tuple[int, int], background: bool
) -> Iterator[Filler]:
    """Write a subject's rows, one after the other, and its twins, all without images, which are the block's to add to the datasets `IMAGES`.

    image_size : height and width, px; background : whether there are backgrounds. The truth about labels is written only where all rows have it.
    """
    known = [name for name in (*TRUTH, BOX) if all(name in part for part in rows)]
    count, others = sum(len(part["frame"]) for part in rows), sum(len(part["row"]) for part in twins)

    def declare(file: h5py.File) -> None:
        file.attrs.update({"subject": subject, "units": units})
        create_blank(file, "image", (count, *image_size, 3), np.uint8)
        _write_columns(file, rows, (*NUMBERS, *TEXT, *known))
        if background:
            create_blank(file, BACKGROUND, (count, *image_size, 4), np.uint8)
        group = file.create_group("twins")
        create_blank(group, "image", (others, *image_size, 3), np.uint8)
        _write_columns(group, twins, TWINS)

    pixels = image_size[0] * image_size[1] * (count * (3 + 4 * background) + others * 3)
    with write_large_hdf5(path, declare, sum(_room(values) for part in (*rows, *twins) for values in part.values()), pixels) as images:
        yield images


def write_pack(path: Path, subject: str, units: str, rows: Sequence[Columns], twins: Sequence[Columns]) -> None:
    """Write a pack whose images are in memory, among its rows and twins."""
    height, width = rows[0]["image"].shape[1:3]
    background = all(BACKGROUND in part for part in rows)
    with new_pack(path, subject, units, _without_images(rows), _without_images(twins), (height, width), background) as images:
        for name, parts in (("image", rows), *([(BACKGROUND, rows)] if background else []), ("twins/image", twins)):
            for part in parts:
                images.add(name, part[name.removeprefix("twins/")])


def _without_images(parts: Sequence[Columns]) -> list[Columns]:
    return [{name: values for name, values in part.items() if name not in ("image", BACKGROUND)} for part in parts]


def no_twins(image_size: tuple[int, int]) -> Columns:
    """The twins of images (height, width) whose joint set has no limbs: none."""
    return {
        "image": np.zeros((0, *image_size, 3), np.uint8),
        "row": np.zeros(0, np.int32),
        "chain": np.zeros(0, np.int8),
        "label": np.zeros((0, 0), np.int8),
        "pose_3d": np.zeros((0, 0, 3), np.float32),
    }


def pack_path(folder: Path, subject: str) -> Path:
    """Where a subject's pack stands below `folder`."""
    return folder / f"{subject}.h5"


def pack_files(subjects: Sequence[str]) -> tuple[str, ...]:
    """The files of a folder of packs that one stage writes together, and their report."""
    return (*(pack_path(Path(), subject).name for subject in subjects), "report.json")


def read_packs(folder: Path, subjects: Sequence[str]) -> Pack:
    """Read the packs of `subjects` from `folder`, in that order; their images stay in the files.

    Raises UserError where one is missing, damaged or another subject's, or has images, joints or limbs of another kind than the first.
    """
    shapes = [_image_shape(folder, subject) for subject in subjects]
    for subject, shape in zip(subjects, shapes, strict=True):
        if shape[1:] != shapes[0][1:]:
            raise UserError(f"{pack_path(folder, subject)}: expected images {shapes[0][1:]}, found {shape[1:]}; run the stage `pack` again")
    counts = [shape[0] for shape in shapes]
    offset = dict(zip(subjects, np.cumsum([0, *counts]).tolist(), strict=False))
    columns, twins, images = [], [], []
    for subject, count in zip(subjects, counts, strict=True):
        with open_hdf5(pack_path(folder, subject), "a pack", "pack") as file:
            columns.append(_read_rows(file, count))
            twins.append(_read_twins(file, count, columns[-1]))
            images.append(_image_files(file, count, len(twins[-1]["row"]), shapes[0][1:3]))
        _check_same_kind(pack_path(folder, subject), columns[0], columns[-1])
        twins[-1]["row"] = twins[-1]["row"].astype(np.int64) + offset[subject]
    names = [name for name in columns[0] if all(name in part for part in columns)]
    stored = {name: StoredImages([part[name] for part in images]) for name in IMAGES if all(name in part for part in images)}
    return Pack(
        **{name: np.concatenate([part.pop(name) for part in columns]) for name in names},  # one by one: two copies may not fit
        image=stored["image"],
        background=stored.get(BACKGROUND),
        subject=np.repeat(np.array(subjects, dtype=str), counts),
        offset=offset,
        twins=Twins(image=stored["twins/image"], **{name: np.concatenate([part[name] for part in twins]) for name in TWINS}),
    )


def read_columns(folder: Path, subject: str, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Some columns of one subject's pack, without its images; raise UserError where the file is missing, damaged or another subject's."""
    count = _image_shape(folder, subject)[0]
    with open_hdf5(pack_path(folder, subject), "a pack", "pack") as file:
        return {name: _column(file, name, count) for name in names}


def _image_shape(folder: Path, subject: str) -> tuple[int, ...]:
    path = pack_path(folder, subject)
    with open_hdf5(path, "a pack", "pack") as file:
        found = file.attrs["subject"]
        if not isinstance(found, str) or found != subject:
            raise UserError(f"{path}: expected the pack of {subject}, found that of {' '.join(str(found).split())}; run the stage `pack` again")
        return _images(file, "image", (None, None, None)).shape


def _images(group: h5py.Group, name: str, size: Sequence[int | None], channels: int = 3) -> h5py.Dataset:
    """The dataset of images (n, H, W, channels) uint8, of the given n, H and W where they are known."""
    dataset = find_dataset(group, name, (*size, channels), WHOLE)
    if dataset.dtype != np.uint8 or 0 in dataset.shape[1:]:
        raise Damaged(f"and in it `{name}` of whole numbers from 0 to 255, found {dataset.shape} {dataset.dtype}")
    return dataset


def _image_files(file: h5py.File, count: int, twins: int, size: Sequence[int]) -> dict[str, ImageFile]:
    """The images of `count` rows and so many twins, of this height and width."""
    found = {"image": _images(file, "image", (count, *size)), "twins/image": _images(file, "twins/image", (twins, *size))}
    if BACKGROUND in file:
        found[BACKGROUND] = _images(file, BACKGROUND, (count, *size), 4)
    return {name: ImageFile(dataset) for name, dataset in found.items()}


def _read_rows(file: h5py.File, count: int) -> dict[str, np.ndarray]:
    """The columns but for the images, each checked by itself and against the others."""
    columns = {name: _column(file, name, count) for name in (*NUMBERS, *TEXT, *(name for name in (*TRUTH, BOX) if name in file))}
    if BOX in file and (columns[BOX][:, 2:] <= columns[BOX][:, :2]).any():
        raise Damaged("and in it `box` with x0 < x1 and y0 < y1, found others")
    joints = columns["pose_2d"].shape[1]
    for name, found, wanted in (
        ("pose_3d", columns["pose_3d"].shape[1], (joints, 0)),
        *((name, columns[name].shape[1], (columns["label"].shape[1],)) for name in TRUTH if name in columns),
    ):
        if found not in wanted:
            raise Damaged(f"and in it `{name}` of {wanted[0]} each row, found {found}")
    return columns


def _read_twins(file: h5py.File, count: int, rows: Columns) -> dict[str, np.ndarray]:
    """The twins of a pack of `count` rows, but for their images."""
    row = read_dataset(file, "twins/row", (None,), WHOLE)
    check_range(row, 0, count - 1, "twins/row")
    if (np.diff(row.astype(np.int64)) < 0).any():
        raise Damaged("and in it `twins/row` rising, found others")
    chain = read_dataset(file, "twins/chain", row.shape, WHOLE)
    check_range(chain, 0, len(CHAINS) - 1, "twins/chain")
    label = read_dataset(file, "twins/label", (len(row), rows["label"].shape[1]), WHOLE)
    check_range(label, -1, 1, "twins/label")
    pose_3d = read_dataset(file, "twins/pose_3d", (len(row), *rows["pose_3d"].shape[1:]), NUMBER)
    check_range(pose_3d, -MOST_MM, MOST_MM, "twins/pose_3d")
    return {"row": row, "chain": chain.astype(np.int8), "label": label.astype(np.int8), "pose_3d": pose_3d.astype(np.float32)}


def _column(file: h5py.File, name: str, count: int) -> np.ndarray:
    """A whole column of `count` rows, as `Pack` describes it; text as (N,) str."""
    if name in TEXT:
        return read_dataset(file, name, (count,), WORDS)
    rule = _RULES[name]
    values = read_dataset(file, name, (count, *rule.axes), rule.kinds)
    if rule.counts and values.shape[1] not in rule.counts:
        raise Damaged(f"and in it `{name}` of {' or '.join(map(str, rule.counts))} joints or limbs, found {values.shape[1]}")
    check_range(values, rule.low, rule.high, name, rule.missing)
    return values.astype(rule.dtype, copy=False)


def _check_same_kind(path: Path, first: Columns, other: Columns) -> None:
    for name in NUMBERS:
        if first[name].shape[1:] != other[name].shape[1:]:
            found = f"found {other[name].shape[1:]}"
            raise UserError(f"{path}: expected rows of `{name}` {first[name].shape[1:]} as in the other packs, {found}; run the stage `pack` again")


def _write_columns(group: h5py.Group, parts: Sequence[Columns], names: Sequence[str]) -> None:
    """Write each column with the rows of `parts` one after the other."""
    for name in names:
        first, stops = parts[0][name], np.cumsum([len(part[name]) for part in parts])
        dtype = h5py.string_dtype() if first.dtype == object else first.dtype
        column = group.create_dataset(name, shape=(stops[-1], *first.shape[1:]), dtype=dtype)
        for part, stop in zip(parts, stops, strict=True):
            column[stop - len(part[name]) : stop] = part[name]


def _room(values: np.ndarray) -> int:
    """Bytes that a column takes in a file, at most."""
    return sum(4 * len(text) + 64 for text in values) if values.dtype == object else values.nbytes + 2**16
