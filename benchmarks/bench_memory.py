"""Does memory grow with the data? The most that a training step and the stage `pack` hold, of a small set and of one as large as Human3.6M.

Seven packs of 422,000 rows in all, as many as there are at 10 frames/s, of 128x64 px, hold zeros for images, which take no room on the disk. Some
steps of G1 are made with the values of params.yaml, at half size and at full size, on one core. One subject of 60,000 rows is packed, with plates.
Each is measured in a process of its own (on Linux). At most 300 MB more are expected of the large set. Speeds are images per second of the core's own
time, so that other work on the machine hardly changes them.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from benchmarks.measuring import alone, peak
from pipeline.config.data import PairsConfig
from pipeline.config.params import Params, check_params
from pipeline.datasets.human36m.pack import pack_subject
from pipeline.networks.coarse import conditioning_of
from pipeline.networks.lifter import Lifter
from pipeline.packs.frame_store import store_path, write_frames
from pipeline.packs.pack import Columns, new_pack, pack_path
from pipeline.packs.pairs import write_pairs
from pipeline.pose.skeleton import H36M_17, LIMBS
from pipeline.training.generators import GeneratorTraining, train_g1
from pipeline.training.loop import make_fabric
from pipeline.training.objectives import PG2Objective
from pipeline.utils.files import write_json

SMALL, FULL = 4_220, 422_000  # rows of all subjects
SMALL_SUBJECT, FULL_SUBJECT = 600, 60_000
SEQUENCES, CAMERAS = 30, ("54138969", "55011271", "58860488", "60457274")
SIDE = 32  # px, of the pictures that are packed: small ones take less time, and a crop as much memory
STEPS = 4  # of each size, whose batches are made together
ALLOWED = 300  # MB


def load_params() -> Params:
    """Those of params.yaml, but for what takes long or other processes."""
    params = check_params(Path(__file__).resolve().parents[1] / "params.yaml")
    assert isinstance(params, Params)
    one = params.parallel.model_copy(update={"workers": 1})
    return params.model_copy(update={"parallel": one, "pairs": PairsConfig(**params.pairs.model_dump() | {"test": 10, "min_distance": 1})})


def poses_of(rng: np.random.Generator, count: int, size: tuple[int, int]) -> Columns:
    """Poses that fill images of this width and height, px, and what else a row has."""
    return {
        "pose_2d": (rng.random((count, len(H36M_17), 2)) * size).astype(np.float32),
        "pose_3d": (rng.random((count, len(H36M_17), 3)) * 1000 + 4000).astype(np.float32),
        "label": rng.integers(-1, 2, (count, len(LIMBS)), dtype=np.int8),
        "frame": np.arange(count, dtype=np.int32),
    }


def write_packs(folder: Path, rows: int, params: Params) -> None:
    """Packs of all subjects whose images are zeros."""
    folder.mkdir()
    height, width = params.data.image_size
    count = -(-rows // (len(params.data.subjects) * SEQUENCES * len(CAMERAS)))
    nothing = np.zeros(0, np.int32)
    twins: Columns = {
        "row": nothing,
        "chain": nothing,
        "label": np.zeros((0, len(LIMBS)), np.int8),
        "pose_3d": np.zeros((0, len(H36M_17), 3), np.float32),
    }
    for number, subject in enumerate(params.data.subjects):
        rng = np.random.default_rng(number)
        names = [_names(subject, sequence, camera) for sequence in range(SEQUENCES) for camera in CAMERAS]
        views = [_view(rng, count, (width, height), name) for name in names]
        with new_pack(pack_path(folder, subject), subject, "", views, [twins], (height, width), background=False):
            pass


def _view(rng: np.random.Generator, count: int, size: tuple[int, int], names: dict[str, str]) -> Columns:
    """The rows of a view, without images."""
    columns = dict(poses_of(rng, count, size))
    columns["box"] = np.tile(np.array([100.0, 100, 356, 612]), (count, 1))
    for name, text in names.items():
        columns[name] = np.full(count, text, dtype=object)
    return columns


def _names(subject: str, sequence: int, camera: str) -> dict[str, str]:
    return {"sequence": f"Directions {sequence:02}", "camera": camera, "identity": subject, "action": "Directions"}


class Clocked(PG2Objective):
    """The objective, which notes when each step calls it."""

    def __call__(self, g1: Any, batch: Any, step: int, /) -> Any:
        """As `Objective` says."""
        if step == 0:
            self.called: list[float] = []
        self.called.append(time.process_time())
        return super().__call__(g1, batch, step)


def train(folder: Path) -> tuple[float, float, float]:
    """Peak of some training steps, MB; images per second of batches at full size, and of the steps on them, batches included."""
    os.chdir(folder)  # where the run's scratch folder goes
    params = load_params()
    config, model = params.train_g1.model_copy(update={"steps": 4 * STEPS, "half_size": 0.5, "threads": 1}), params.model
    lifter = Lifter(params.train_lifter.width, params.train_lifter.blocks, params.pose.rule) if params.pose.lift else None
    conditioning, objective = conditioning_of(model, params.pose, lifter), Clocked(config)
    inputs = folder / "packed", folder / "pairs" / "train.csv", params.data, conditioning, model, config
    with GeneratorTraining.open("train_g1", make_fabric(params.parallel, config), *inputs) as run:
        train_g1(run, model, config, objective)
        images, last = STEPS * config.batch_size, objective.called[-1 - STEPS :]  # from one batch of a group to that of the next
        start = time.process_time()
        list(run.batches(3 * STEPS, 4 * STEPS))
        loading = time.process_time() - start
    return peak(), images / loading, images / (last[-1] - last[0])


def write_views(folder: Path, rows: int, params: Params) -> None:
    """Frames and poses of the subject S1, as `extract` and `project` leave them."""
    rng, count = np.random.default_rng(0), rows // (SEQUENCES * len(CAMERAS))
    frames, image, first = folder / "frames", rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8), folder / "frames.h5"
    frames.mkdir(parents=True)
    write_frames(first, (image for _ in range(count)), np.arange(count), (SIDE, SIDE), (SIDE, SIDE), params.data.fps)
    write_json(frames / "report.json", {"subject": "S1", "left_out": []})
    with h5py.File(folder / "poses.h5", "w") as file:
        file.attrs["subject"] = "S1"
        for sequence in range(SEQUENCES):
            for camera in CAMERAS:
                names = _names("S1", sequence, camera)
                os.link(first, store_path(frames, names["sequence"], camera))
                group = file.create_group(f"{names['sequence']}/{camera}")
                group.attrs.update({name: names[name] for name in ("identity", "action")} | {"width": SIDE, "height": SIDE})
                for name, values in poses_of(rng, count, (SIDE, SIDE)).items():
                    group[name] = values


def pack(folder: Path) -> float:
    """Peak of `pack`, MB."""
    params = load_params()
    pack_subject("S1", folder / "frames", folder / "poses.h5", folder / "packed.h5", params.data, "plate", params.parallel)
    return peak()


def prepare_training(folder: Path, rows: int) -> None:
    """Packs and pairs."""
    params = load_params()
    write_packs(folder / "packed", rows, params)
    write_pairs(folder / "packed", folder / "pairs", params.data, params.pairs)


def prepare_packing(folder: Path, rows: int) -> None:
    """Frames and poses."""
    write_views(folder, rows, load_params())


def compare(name: str, prepare: Callable[[Path, int], None], measure: Callable[[Path], Any], small: int, full: int) -> list[Any]:
    """Measure a small set and a large one, and print how much more memory the large one takes."""
    found = []
    for rows in (small, full):
        with tempfile.TemporaryDirectory() as folder:
            alone(prepare, Path(folder), rows)
            found.append(alone(measure, Path(folder)))
    peaks = [one if isinstance(one, float) else one[0] for one in found]
    more = peaks[1] - peaks[0]
    print(f"{name}: {peaks[0]:.0f} MB for {small:,} rows, {peaks[1]:.0f} MB for {full:,}: {more:+.0f} MB (at most {ALLOWED})", flush=True)
    return found


def main() -> None:
    """Measure both stages."""
    torch.set_num_threads(1)
    compare("pack", prepare_packing, pack, SMALL_SUBJECT, FULL_SUBJECT)
    for rows, (_, loading, training) in zip((SMALL, FULL), compare("train_g1", prepare_training, train, SMALL, FULL), strict=True):
        print(f"train_g1, {rows:,} rows: batches {loading:.0f} images/s, training with them {training:.0f} images/s")


if __name__ == "__main__":
    main()
