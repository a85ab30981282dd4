"""What a recording will cost: disk, time and memory of every stage, from running the data stages on the beginning of a few of its views."""

import io
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from pipeline.config.data import DataConfig
from pipeline.config.estimate import PROCESS
from pipeline.config.parallel import ParallelConfig
from pipeline.config.pose import PoseConfig
from pipeline.datasets.human36m.extract import extract_subject
from pipeline.datasets.human36m.frames import kept_frames
from pipeline.datasets.human36m.index import pose_manifest, video_manifest
from pipeline.datasets.human36m.inspection import Subject, Take, View
from pipeline.datasets.human36m.pack import PIECE, pack_subject
from pipeline.datasets.human36m.project import write_poses
from pipeline.parallel import AHEAD
from pipeline.utils.errors import MachineError, UserError
from pipeline.utils.numbers import spread

VIEWS, POSES = 3, 500  # views that are tried, and how many of the first poses of each
FIRST = 10  # poses of the first try, which is not counted: it loads and compiles what is needed
STAGES = ("extract", "project", "pack")


@dataclass(frozen=True)
class Cost:
    """Of one stage, None where the data does not decide it. disk, memory : bytes; seconds : on this machine"""

    stage: str
    disk: float | None
    seconds: float | None
    memory: float | None


@dataclass
class Tried:
    """What the stages took for `rows` rows: s and bytes on disk, by stage."""

    rows: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    disk: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STAGES, 0))

    @contextmanager
    def clock(self, stage: str, written: Path) -> Iterator[None]:
        """Count the time of the block, and what it has `written`."""
        start = time.perf_counter()
        yield
        self.seconds[stage] += time.perf_counter() - start
        files = written.rglob("*.h5") if written.is_dir() else [written]
        self.disk[stage] += sum(path.stat().st_size for path in files)


def estimate_costs(subjects: Sequence[Subject], inspected: float, data: DataConfig, pose: PoseConfig, parallel: ParallelConfig) -> list[Cost]:
    """Of all that was found; inspected : seconds that finding it took. Nothing where not one of the views that are tried can be read."""
    views = [(subject, take, view) for subject in subjects for take in subject.takes for view in take.views]
    alone = parallel.model_copy(update={"workers": 1, "scheduler": None})
    with tempfile.TemporaryDirectory() as folder, redirect_stderr(io.StringIO()):  # the progress of stages is not that of this
        chosen = [views[number] for number in spread(np.arange(len(views)), VIEWS).tolist()]
        _try_views(chosen[:1], FIRST, Path(folder) / "first", data, pose, alone)
        tried = _try_views(chosen, POSES, Path(folder) / "tried", data, pose, alone)
    if not tried.rows:
        return []
    rows = {subject.name: [_rows(take, view, data) for take in subject.takes for view in take.views] for subject in subjects}
    return scale(tried, rows, inspected, data, pose, (os.cpu_count() or 1) if parallel.workers < 1 else parallel.workers)


def _rows(take: Take, view: View, data: DataConfig) -> int:
    return len(kept_frames(view.video.fps, data.fps, take.poses))


def _try_views(
    views: Sequence[tuple[Subject, Take, View]], most: int, folder: Path, data: DataConfig, pose: PoseConfig, alone: ParallelConfig
) -> Tried:
    """Run the data stages on the first poses of each view, at `most` so many; one that cannot be read counts for nothing here."""
    tried, root = Tried(), Path(data.root)
    for number, (subject, take, view) in enumerate(views):
        poses_tried = min(take.poses, most)
        frames, poses, packed = (folder / str(number) / name for name in ("frames", "poses.h5", "packed.h5"))
        short = replace(subject, takes=(replace(take, views=(view,)),), truth=None)  # the twins of invented data are left out
        videos, sequences = video_manifest(short), pose_manifest(short)
        videos["videos"][0]["poses"] = sequences["sequences"][0]["poses"] = poses_tried
        try:
            with tried.clock("extract", frames):
                extract_subject(videos, frames, data, alone)
            with tried.clock("project", poses):
                write_poses(poses, sequences, root, data.fps, pose)
            with tried.clock("pack", packed):
                pack_subject(subject.name, frames, poses, packed, data, pose.background, alone)
        except MachineError:
            raise
        except UserError:
            continue
        tried.rows += len(kept_frames(view.video.fps, data.fps, poses_tried))
    return tried


def scale(tried: Tried, rows: dict[str, list[int]], inspected: float, data: DataConfig, pose: PoseConfig, workers: int) -> list[Cost]:
    """From the rows that were tried to all `rows`, of each view, by subject. Memory is that of all processes of a stage."""
    every, largest, longest = sum(map(sum, rows.values())), max(map(sum, rows.values())), max(max(counts, default=0) for counts in rows.values())
    trained = sum(sum(counts) for subject, counts in rows.items() if subject not in data.test_subjects)
    disk, seconds = ({stage: found[stage] / tried.rows for stage in STAGES} for found in (tried.disk, tried.seconds))
    with_plates = 7 / 3 if pose.background == "plate" else 1  # four channels beside three
    words = max(0.0, disk["pack"] - 3 * data.image_size[0] * data.image_size[1] * with_plates)  # what a row has beside images
    memory = {
        "extract": workers * (PROCESS + 2 * disk["extract"] * longest),
        "project": PROCESS + 2 * disk["project"] * largest,
        "pack": workers * (PROCESS + AHEAD * PIECE * with_plates) + 2 * words * largest,
    }
    at_once = {"extract": workers, "project": 1, "pack": workers}
    costs = [Cost(stage, disk[stage] * every, seconds[stage] * every / at_once[stage], memory[stage]) for stage in STAGES]
    return [Cost("index", None, inspected, None), *costs, Cost("training", None, None, words * trained)]
