"""Does a stage's cost grow faster than the data? `index`, `project` and `pair` on a simulated Human3.6M, at true size and at fractions of it.

Seven subjects, thirty sequences, four cameras: 840 videos at 50 Hz, and as many poses of each subject as the data set has, in sequences of lengths
like its own. People and cameras are invented. A picture has 64x64 px of one grey, so that videos are written soon and take little room: what it costs
to read a video's bytes, and to decode them, is not measured. The packs that `pair` reads hold zeros for images, which take no room on the disk.

Each stage runs by itself, in one process, with the values of params.yaml: minutes are those of its processor time, so that other work on the machine
hardly changes them; memory is the most that it has held; disk is what it wrote. The verdict is no, and the exit status 1, where a cost grows by a
power of the number of poses above 1.1. With `--share 0.25` the largest set is a quarter of the sequences.
"""

import csv
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import av
import click
import h5py
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from ruamel.yaml import YAML

from benchmarks.measuring import alone, peak
from pipeline.config.data import DataConfig
from pipeline.config.section import load_config
from pipeline.datasets.human36m.metadata import ACTIONS, FILE_NAME, Metadata, write_metadata
from pipeline.datasets.human36m.writer import to_32_joints, video_path, write_poses
from pipeline.datasets.synthetic.dataset import invent_take
from pipeline.datasets.synthetic.names import Sequence as Take
from pipeline.datasets.synthetic.names import sequences
from pipeline.datasets.synthetic.room import CAMERA_IDS, room_cameras
from pipeline.packs.pack import Columns, new_pack, pack_path
from pipeline.pose.crop import crop_box, to_crop
from pipeline.pose.skeleton import H36M_17, LIMBS
from pipeline.utils.progress import track
from stages import index, pair, project

ROOT = Path(__file__).resolve().parents[1]
POSES = {"S1": 62_094, "S5": 99_079, "S6": 62_466, "S7": 101_621, "S8": 64_678, "S9": 79_417, "S11": 58_244}  # table `frames` of metadata.xml
SEQUENCES, FPS = 30, 50
SHORTEST, LONGEST = 992, 6_343  # poses of a sequence
MORE_FRAMES = (1, 3, 3, 1)  # of each camera's video than there are poses
SIDE = 64  # px, of the pictures
SEED = 1
SHARES = (1 / 8, 1 / 4, 1 / 2, 1)
MEASURES = {"minutes": "minutes", "memory_mb": "memory, MB", "disk_mb": "disk, MB"}
MOST_GROWTH = 1.1


@dataclass(frozen=True)
class Cost:
    """What a stage took for a set. poses : of all sequences, each of which every camera sees"""

    stage: str
    poses: int
    minutes: float
    memory_mb: float
    disk_mb: float


# ---- the data


def lengths(subject: str) -> list[int]:
    """Poses of each sequence: within the data set's range, and together as many as the subject has."""
    rng = np.random.default_rng((SEED, POSES[subject]))
    drawn = np.exp(rng.normal(0, 0.45, SEQUENCES))
    low, high = 0.0, float(LONGEST)
    for _ in range(60):  # the scale at which they add up
        scale = (low + high) / 2
        low, high = (scale, high) if np.clip(drawn * scale, SHORTEST, LONGEST).sum() < POSES[subject] else (low, scale)
    found = np.floor(np.clip(drawn * low, SHORTEST, LONGEST)).astype(int)
    found[np.argsort(found)[1 : 1 + POSES[subject] - found.sum()]] += 1
    return [int(length) for length in found]


def takes(count: int) -> list[tuple[Take, int]]:
    """The first `count` sequences of every subject, with their poses."""
    return [pair for subject in POSES for pair in zip(sequences(subject, count), lengths(subject), strict=False)]


def write_recording(root: Path, count: int) -> None:
    """The first `count` sequences of every subject."""
    blank = root / "blank.mp4"
    root.mkdir()
    write_blank(blank, LONGEST + max(MORE_FRAMES))
    for take, poses in track(takes(count), "inventing", len(takes(count))):
        _, motion, _ = invent_take(SEED, take, poses, FPS)
        write_poses(root, take.subject, take.prefix, to_32_joints(motion.joints), {})
        for camera, more in zip(CAMERA_IDS, MORE_FRAMES, strict=True):
            cut_video(blank, video_path(root, take.subject, take.prefix, camera), poses + more)
    blank.unlink()
    write_table(root, count)


def write_table(root: Path, count: int) -> None:
    """metadata.xml of the first `count` sequences of every subject."""
    prefixes = {(take.subject, take.action_id, take.subaction): take.prefix for take, _ in takes(count)}
    cameras = {(subject, number): camera for subject in POSES for number, camera in room_cameras(SIDE, SEED, int(subject[1:])).items()}
    write_metadata(root / FILE_NAME, Metadata(ACTIONS, prefixes, cameras, CAMERA_IDS))


def write_blank(path: Path, frames: int) -> None:
    """A grey video, each of whose beginnings is a video."""
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = SIDE, SIDE, "yuv420p"
        picture = np.full((SIDE * 3 // 2, SIDE), 128, np.uint8)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def cut_video(path: Path, copy: Path, frames: int) -> None:
    """Copy the first `frames` of a video that has no B-frames, as they are."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    with av.open(path) as source, av.open(copy, "w") as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        for _, packet in zip(range(frames), source.demux(video=0), strict=False):
            packet.stream = stream
            container.mux(packet)


def write_share(full: Path, root: Path, count: int) -> None:
    """The first `count` sequences of the recording `full`, whose files are linked."""
    for take, _ in takes(count):
        files = [video_path(full, take.subject, take.prefix, camera) for camera in CAMERA_IDS]
        files += (full / take.subject).rglob(f"{take.prefix}.cdf")
        for file in files:
            copy = root / file.relative_to(full)
            copy.parent.mkdir(parents=True, exist_ok=True)
            os.link(file, copy)
    write_table(root, count)


def write_packs(folder: Path) -> None:
    """Packs of what `project` has left below `folder`, whose images are zeros."""
    data = load_config(DataConfig, folder / "params.yaml", "data")
    (folder / "packed").mkdir()
    twins: Columns = {
        "row": np.zeros(0, np.int32),
        "chain": np.zeros(0, np.int8),
        "label": np.zeros((0, len(LIMBS)), np.int8),
        "pose_3d": np.zeros((0, len(H36M_17), 3), np.float32),
    }
    for subject in POSES:
        with h5py.File(folder / "poses" / f"{subject}.h5") as file:
            rows = [_rows(file[f"{sequence}/{camera}"], data) for sequence in file for camera in file[sequence]]
        with new_pack(pack_path(folder / "packed", subject), subject, "", rows, [twins], data.image_size, background=False):
            pass


def _rows(group: h5py.Group, data: DataConfig) -> Columns:
    """The rows of a view, without images."""
    columns = {name: group[name][()] for name in ("pose_2d", "pose_3d", "label", "frame")}
    columns["box"] = crop_box(columns["pose_2d"], data.image_size, data.margin)
    columns["pose_2d"] = to_crop(columns["pose_2d"], columns["box"], data.image_size).astype(np.float32)
    _, sequence, camera = group.name.split("/")
    texts = {"sequence": sequence, "camera": camera, "identity": group.attrs["identity"], "action": group.attrs["action"]}
    return columns | {name: np.full(len(columns["frame"]), text, dtype=object) for name, text in texts.items()}


# ---- the stages


def run_index(folder: Path) -> Path:
    """Write the manifests."""
    index.main.main([str(folder / "manifest"), *_params(folder)], standalone_mode=False)
    return folder / "manifest"


def run_project(folder: Path) -> Path:
    """Write the poses of every subject."""
    for subject in POSES:
        project.main.main([subject, str(folder / "manifest"), str(folder / "poses" / f"{subject}.h5"), *_params(folder)], standalone_mode=False)
    return folder / "poses"


def run_pair(folder: Path) -> Path:
    """Write the pairs."""
    pair.main.main([str(folder / "packed"), str(folder / "pairs"), *_params(folder)], standalone_mode=False)
    return folder / "pairs"


def _params(folder: Path) -> list[str]:
    return ["--params", str(folder / "params.yaml")]


def measure(stage: Callable[[Path], Path], folder: Path, poses: int) -> Cost:
    """Run a stage in this process."""
    start = time.process_time()
    out = stage(folder)
    minutes = (time.process_time() - start) / 60
    disk = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6
    return Cost(stage.__name__.removeprefix("run_"), poses, minutes, peak(), disk)


def measure_set(full: Path, folder: Path, count: int) -> Iterator[Cost]:
    """All stages on the first `count` sequences of every subject, in the new folder `folder`."""
    poses = sum(length for _, length in takes(count))
    write_share(full, folder / "recording", count)
    yaml = YAML()
    values = yaml.load(ROOT / "params.yaml")
    values["data"].update(root=str(folder / "recording"), subjects=list(POSES), exclude=[])
    values["parallel"]["workers"] = 1
    yaml.dump(values, folder / "params.yaml")
    yield alone(measure, run_index, folder, poses)
    yield alone(measure, run_project, folder, poses)
    alone(write_packs, folder)
    yield alone(measure, run_pair, folder, poses)


# ---- the verdict


def growth(costs: Sequence[Cost], name: str) -> float:
    """By which power of the number of poses a stage's cost grows, from its smallest set to its largest: 1 is as fast as the data."""
    first, last = costs[0], costs[-1]
    return math.log(getattr(last, name) / getattr(first, name)) / math.log(last.poses / first.poses)


def verdict(costs: Sequence[Cost]) -> dict[tuple[str, str], float]:
    """The growth of each stage's minutes, memory and disk."""
    stages = dict.fromkeys(cost.stage for cost in costs)
    return {(stage, name): growth([cost for cost in costs if cost.stage == stage], name) for stage in stages for name in MEASURES}


def write(folder: Path, costs: Sequence[Cost]) -> None:
    """All costs as a table, and as a plot."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "scale.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, [field.name for field in fields(Cost)], lineterminator="\n")
        table.writeheader()
        table.writerows(asdict(cost) for cost in costs)
    figure = Figure(figsize=(10, 3.2), layout="constrained")
    for axes, name, title in zip(figure.subplots(1, 3), *zip(*MEASURES.items(), strict=True), strict=True):
        for stage in dict.fromkeys(cost.stage for cost in costs):
            own = [cost for cost in costs if cost.stage == stage]
            (line,) = axes.loglog([cost.poses for cost in own], [getattr(cost, name) for cost in own], marker=".", label=stage)
            as_data = [getattr(own[-1], name) * cost.poses / own[-1].poses for cost in own]
            axes.loglog([cost.poses for cost in own], as_data, linestyle=":", linewidth=0.8, color=line.get_color())
        axes.set(xlabel="poses", title=title)
        axes.set_xticks(sorted({cost.poses for cost in costs}), [f"{poses:,}" for poses in sorted({cost.poses for cost in costs})])
        axes.xaxis.set_minor_locator(NullLocator())
    axes.legend(title="dotted: as the data", frameon=False)
    figure.savefig(folder / "scale.png", dpi=120, metadata={"Software": None})


@click.command(help=__doc__)
@click.option("--share", type=click.FloatRange(1 / SEQUENCES, 1), default=1.0, show_default=True, help="How much of the data the largest set is.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for scale.csv and scale.png.")
def main(share: float, out: Path | None) -> None:
    """Measure all stages at all shares."""
    counts = sorted({max(1, round(part * share * SEQUENCES)) for part in SHARES})
    if len(counts) < 2:
        raise click.UsageError("--share: too small to compare two sets")
    costs: list[Cost] = []
    with tempfile.TemporaryDirectory() as temporary:
        full = Path(temporary) / "full"
        write_recording(full, counts[-1])
        for count in counts:
            folder = Path(temporary) / str(count)
            for cost in measure_set(full, folder, count):
                costs.append(cost)
                click.echo(
                    f"{cost.stage}, {cost.poses:,} poses: {cost.minutes:.2f} minutes, {cost.memory_mb:.0f} MB, {cost.disk_mb:.1f} MB on the disk"
                )
    if out is not None:
        write(out, costs)
    found = verdict(costs)
    for (stage, name), power in found.items():
        click.echo(f"{stage}: {name} grow as poses^{power:.2f} (at most {MOST_GROWTH})")
    fine = all(power <= MOST_GROWTH for power in found.values())
    click.echo("No stage's cost grows faster than the data" if fine else "A cost grows faster than the data")
    sys.exit(not fine)


if __name__ == "__main__":
    main()
