"""Inspect a download before anyone waits for it."""

import re
import time
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.config.data import DataConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config
from pipeline.datasets.human36m.index import check_complete, left_out
from pipeline.datasets.human36m.inspection import Fault, Subject, Take, inspect
from pipeline.datasets.human36m.metadata import Metadata, read_metadata
from pipeline.utils.errors import UserError
from pipeline.utils.exposure import exposure
from pose25d.cost import Cost, estimate_costs
from stages.command import stage

_PRINTED_WIDTH = 200  # columns, where the table goes to a file


@stage
@click.argument("root", type=click.Path(path_type=Path))
@click.option("--decode", is_flag=True, help="Decode every frame of every video: slow, and finds all damage.")
def main(root: Path, decode: bool, params: Path) -> None:
    """Inspect the Human3.6M folder ROOT: every subject that is there, with the cameras and exclusions of the parameters.

    Prints a table of sequences, poses and frames, and what is missing or cannot be decoded. Exit status 1 if the pipeline could not run.
    """
    data = load_config(DataConfig, params, "data")
    metadata = read_metadata(root)
    found = find_subjects(root, metadata)
    data = data.model_copy(update={"root": str(root), "subjects": tuple(found)})
    parallel, start = load_config(ParallelConfig, params, "parallel"), time.monotonic()
    subjects = inspect(data, parallel, decode)
    inspected = time.monotonic() - start
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PRINTED_WIDTH
    console.print(take_table(metadata.camera_ids if data.cameras == "all" else data.cameras, subjects))
    for line in [*remarks(root, metadata, data), *_left_out(subjects)]:
        console.print(line, markup=False, soft_wrap=True)
    check_complete(subjects, data.skip_bad)
    if len(subjects) < 2:
        raise UserError(f"{root}: expected at least two subjects, one to train and one to test on, found {', '.join(found)}")
    costs = estimate_costs(subjects, inspected, data, load_config(PoseConfig, params, "pose"), parallel)
    if costs:
        console.print(cost_table(costs))
    console.print(f"{root}: the pipeline can run on {', '.join(found)}", markup=False, soft_wrap=True)


def find_subjects(root: Path, metadata: Metadata) -> list[str]:
    """The subjects that `metadata.xml` names and that have a folder; raise UserError where there is none."""
    found = [subject for subject in metadata.subjects() if (root / subject).is_dir()]
    if not found:
        raise UserError(f"{root}: expected folders of subjects ({', '.join(metadata.subjects())}), found none")
    return found


def remarks(root: Path, metadata: Metadata, data: DataConfig) -> list[str]:
    """What is no fault and yet worth knowing: recordings that would get into commits, subjects without a folder, folders without a subject,
    exclusions that match nothing."""
    known = metadata.subjects()
    absent = [subject for subject in known if not (root / subject).is_dir()]
    strange = sorted(path.name for path in root.iterdir() if re.fullmatch(r"S[0-9]+", path.name) and path.name not in known)
    sequences = {f"{subject}/{prefix}" for (subject, _, _), prefix in metadata.prefixes.items()}
    unmatched = [item.sequence for item in data.exclude if item.sequence not in sequences]
    warning = exposure(root)
    return [
        *([warning] if warning else []),
        *([f"no folder of {', '.join(absent)}"] if absent else []),
        *(f"{name}: table mapping of metadata.xml does not name this subject" for name in strange),
        *(f"data.exclude: table mapping of metadata.xml has no sequence {name}" for name in unmatched),
    ]


def _left_out(subjects: Sequence[Subject]) -> list[str]:
    entries = [(subject.name, entry) for subject in subjects for entry in left_out(subject)]
    return [f"{' '.join(filter(None, (name, entry['sequence'], entry['camera'])))}: {entry['reason']}" for name, entry in entries]


def take_table(cameras: Sequence[str], subjects: Sequence[Subject]) -> Table:
    """One row per sequence: poses that can be used (of those that there are), the frames of each camera's video, their sizes and rates."""
    table = Table("subject", "sequence", "action", "poses", *cameras, "px", "frames/s")
    for subject in subjects:
        for take in subject.takes:
            frames = (_frames(take, camera) for camera in cameras)
            table.add_row(subject.name, escape(take.prefix), escape(take.action), _poses(take), *frames, *_pictures(take))
        for prefix in subject.excluded:
            table.add_row(subject.name, escape(prefix), "", "excluded")
    return table


def cost_table(costs: Sequence[Cost]) -> Table:
    """One row per stage; `-` where the data does not decide it."""
    table = Table("stage", "MB of disk", "minutes", "MB of memory", title="What this data will take here, about", title_justify="left")
    for cost in costs:
        numbers = (cost.disk and cost.disk / 1e6, cost.seconds and cost.seconds / 60, cost.memory and cost.memory / 1e6)
        table.add_row(cost.stage, *("-" if number is None else f"{number:,.0f}" if number >= 10 else f"{number:.2g}" for number in numbers))
    return table


def _poses(take: Take) -> str:
    whole = [fault for fault in take.faults if fault.camera is None]
    if whole:
        return _fault(whole[0])
    return str(take.poses) if take.poses == take.recorded_poses else f"{take.poses} of {take.recorded_poses}"


def _frames(take: Take, camera: str) -> str:
    """Frames of a camera's video; `-` where the sequence has no poses, so that its videos were not looked at."""
    cells = {view.camera: str(view.video.frames) for view in take.views}
    cells |= {fault.camera: _fault(fault) for fault in take.faults if fault.camera}
    return cells.get(camera, "-")


def _fault(fault: Fault) -> str:
    return f"[red]{fault.kind}[/red]"


def _pictures(take: Take) -> tuple[str, str]:
    """Sizes and rates of the videos, each once."""
    sizes = dict.fromkeys(f"{view.video.width}x{view.video.height}" for view in take.views)
    rates = dict.fromkeys(f"{view.video.fps:g}" for view in take.views)
    return " ".join(sizes), " ".join(rates)


if __name__ == "__main__":
    main()
