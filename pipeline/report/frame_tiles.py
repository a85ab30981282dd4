"""Extracted frames with their projected skeletons, one of each subject and camera, cut around the person."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import h5py
import numpy as np

from pipeline.packs.frame_store import FrameStore, store_path, views_in
from pipeline.pose.drawing import draw_over, scaled_pose
from pipeline.pose.skeleton import H36M_17, LIMB_NAMES
from pipeline.utils.errors import UserError
from pipeline.utils.hdf5 import NUMBER, WHOLE, check_range, open_hdf5, read_dataset
from pipeline.utils.images import enlarge
from pipeline.utils.numbers import MOST_PX

TILE = 220  # height of a tile, px


def frame_tiles(frames: Path, poses: Path, subjects: Sequence[str]) -> dict[str, dict[str, np.ndarray]]:
    """One extracted frame per subject and camera, cut around the person, with the projected skeleton: subject -> camera -> image.

    It is the middle frame of the subject's middle sequence. Raises UserError where a file of frames or poses is missing or damaged.
    """
    return {subject: dict(_subject_tiles(frames / subject, poses / f"{subject}.h5")) for subject in subjects}


def _subject_tiles(frames: Path, poses: Path) -> Iterator[tuple[str, np.ndarray]]:
    with open_hdf5(poses, "poses", "project") as file:
        views = [(sequence, camera) for sequence, camera in views_in(frames) if f"{sequence}/{camera}" in file]
        sequences = sorted({sequence for sequence, _ in views})
        for sequence, camera in views:
            if sequence == sequences[len(sequences) // 2]:
                yield camera, _tile(store_path(frames, sequence, camera), file, f"{sequence}/{camera}")


def _tile(path: Path, file: h5py.File, view: str) -> np.ndarray:
    """The view's middle frame with its skeleton, cut around the person."""
    frame = read_dataset(file, f"{view}/frame", (None,), WHOLE)
    pose_2d = read_dataset(file, f"{view}/pose_2d", (len(frame), len(H36M_17), 2), NUMBER)
    label = read_dataset(file, f"{view}/label", (len(frame), len(LIMB_NAMES)), WHOLE)
    check_range(pose_2d, -MOST_PX, MOST_PX, f"{view}/pose_2d")
    check_range(label, -1, 1, f"{view}/label")
    with FrameStore(path) as store:
        middle = len(store) // 2
        row = np.flatnonzero(frame == store.frame[middle : middle + 1])
        if not len(row):
            raise UserError(f"{path}: the middle frame has no pose; run the stages `extract` and `project` again")
        pose = scaled_pose(pose_2d[row[0]], store.stored[0] / store.size[0])
        image = store[middle]
    centre, reach = (pose.max(0) + pose.min(0)) / 2, 0.72 * np.ptp(pose, axis=0).max()
    x0, y0 = np.floor(centre - reach).clip(0).astype(int)
    x1, y1 = np.ceil(centre + reach).clip(0).astype(int)
    cut = np.ascontiguousarray(image[y0:y1, x0:x1])
    if not cut.size:
        raise UserError(f"{path}: the skeleton lies outside the picture; do camera and video belong together?")
    tile = enlarge(cut, TILE)
    return draw_over(tile, scaled_pose(pose - (x0, y0), TILE / cut.shape[0]), label[row[0]], width=3)
