"""Packs: one file per subject with everything that training and scoring read. `packing.py` makes those of bodies, `faces/packing.py` those of faces.

`image` (N, H, W, 3) uint8 RGB, `pose_2d`, `label`, `pose_3d`, `frame`, `sequence`, `identity`, `action`, `camera`: N rows, sorted by
sequence, camera, frame; where the renderer's truth is known also `label_truth` and `label_clear`; group `twins` with `image`, `row`,
`chain`, `label`, `pose_3d`. Nothing is compressed, so that a row is read without its neighbours. A joint set without limbs has labels (N, 0),
one of which no depth is known `pose_3d` (N, 0, 3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from pipeline.errors import UserError
from pipeline.hdf5 import open_hdf5, write_hdf5

Columns = Mapping[str, np.ndarray]

NUMBERS = ("pose_2d", "label", "pose_3d", "frame")
TEXT = ("sequence", "identity", "action", "camera")
TRUTH = ("label_truth", "label_clear")
TWINS = ("image", "row", "chain", "label", "pose_3d")


@dataclass(frozen=True)
class Twins:
    """The same 2D pose with one limb chain mirrored in depth.

    image : (M, H, W, 3) uint8 RGB; row : (M,) int64, the original's row in the pack, rising; chain : (M,) int8, position in `skeleton.CHAINS`;
    label : (M, 8) int8; pose_3d : (M, 17, 3) float32, mm, camera frame. Its 2D pose is the original's.
    """

    image: np.ndarray
    row: np.ndarray
    chain: np.ndarray
    label: np.ndarray
    pose_3d: np.ndarray

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True)
class Pack:
    """The rows of several subjects, one after the other, in memory.

    image : (N, H, W, 3) uint8 RGB; pose_2d : (N, 17, 2) float32, px of the crop, pixel centres at whole numbers;
    label : (N, 8) int8; pose_3d : (N, 17, 3) float32, mm, camera frame; frame : (N,) int32, index in the video;
    subject, sequence, identity, action, camera : (N,) str; offset : first row of each subject, in the order they were asked for;
    label_truth : (N, 8) int8 and label_clear : (N, 8) bool, what the renderer knows, or None; twins : of all subjects.
    """

    image: np.ndarray
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
    label_truth: np.ndarray | None
    label_clear: np.ndarray | None
    twins: Twins

    def __len__(self) -> int:
        return len(self.image)

    @property
    def has_limbs(self) -> bool:
        """Whether the joint set has limbs, whose labels say which is in front."""
        return self.label.shape[1] > 0


def write_pack(path: Path, subject: str, units: str, rows: Sequence[Columns], twins: Sequence[Columns]) -> None:
    """Write a subject's rows, one after the other, and its twins; the truth about labels only where all rows have it."""
    with write_hdf5(path) as file:
        file.attrs.update({"subject": subject, "units": units})
        _write_columns(file, rows, ("image", *NUMBERS, *TEXT, *(name for name in TRUTH if all(name in part for part in rows))))
        _write_columns(file.create_group("twins"), twins, TWINS)


def pack_path(folder: Path, subject: str) -> Path:
    """Where a subject's pack stands below `folder`."""
    return folder / f"{subject}.h5"


def pack_files(subjects: Sequence[str]) -> tuple[str, ...]:
    """The files of a folder of packs that one stage writes together, and their report."""
    return (*(pack_path(Path(), subject).name for subject in subjects), "report.json")


def read_packs(folder: Path, subjects: Sequence[str]) -> Pack:
    """Read the packs of `subjects` from `folder`, in that order.

    Raises UserError where one is missing, damaged or another subject's, or has images of another size than the first.
    """
    shapes = [_image_shape(folder, subject) for subject in subjects]
    for subject, shape in zip(subjects, shapes, strict=True):
        if shape[1:] != shapes[0][1:]:
            raise UserError(f"{pack_path(folder, subject)}: expected images {shapes[0][1:]}, found {shape[1:]}; run the stage `pack` again")
    counts = [shape[0] for shape in shapes]
    offset = dict(zip(subjects, np.cumsum([0, *counts]).tolist(), strict=False))
    image = np.empty((sum(counts), *shapes[0][1:]), np.uint8)  # filled in place: two copies may not fit
    columns, twins = [], []
    for subject, count in zip(subjects, counts, strict=True):
        with open_hdf5(pack_path(folder, subject), "a pack", "pack") as file:
            if count:
                file["image"].read_direct(image, dest_sel=np.s_[offset[subject] : offset[subject] + count])
            columns.append({name: _column(file[name]) for name in (*NUMBERS, *TEXT, *TRUTH) if name not in TRUTH or name in file})
            twins.append({name: file["twins"][name][()] for name in TWINS})
        twins[-1]["row"] = twins[-1]["row"].astype(np.int64) + offset[subject]
    truth = [np.concatenate([part[name] for part in columns]) if all(name in part for part in columns) else None for name in TRUTH]
    return Pack(
        **{name: np.concatenate([part[name] for part in columns]) for name in (*NUMBERS, *TEXT)},
        image=image,
        subject=np.repeat(np.array(subjects, dtype=str), counts),
        offset=offset,
        label_truth=truth[0],
        label_clear=truth[1],
        twins=Twins(**{name: np.concatenate([part[name] for part in twins]) for name in TWINS}),
    )


def read_columns(folder: Path, subject: str, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Some columns of one subject's pack, without its images; raise UserError where the file is missing, damaged or another subject's."""
    _image_shape(folder, subject)
    with open_hdf5(pack_path(folder, subject), "a pack", "pack") as file:
        return {name: _column(file[name]) for name in names}


def _image_shape(folder: Path, subject: str) -> tuple[int, ...]:
    path = pack_path(folder, subject)
    with open_hdf5(path, "a pack", "pack") as file:
        if file.attrs["subject"] != subject:
            raise UserError(f"{path}: expected the pack of {subject}, found that of {file.attrs['subject']}; run the stage `pack` again")
        return file["image"].shape


def _column(dataset: h5py.Dataset) -> np.ndarray:
    """A whole column; text as (N,) str."""
    return dataset.asstr()[()].astype(str) if h5py.check_string_dtype(dataset.dtype) else dataset[()]


def _write_columns(group: h5py.Group, parts: Sequence[Columns], names: Sequence[str]) -> None:
    """Write each column with the rows of `parts` one after the other."""
    for name in names:
        first, stops = parts[0][name], np.cumsum([len(part[name]) for part in parts])
        dtype = h5py.string_dtype() if first.dtype == object else first.dtype
        column = group.create_dataset(name, shape=(stops[-1], *first.shape[1:]), dtype=dtype)
        for part, stop in zip(parts, stops, strict=True):
            column[stop - len(part[name]) : stop] = part[name]
