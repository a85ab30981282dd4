"""Bring a subject's frames and poses together: crops around the person, with the joints moved along."""

from pathlib import Path

import click

from pipeline.config.data import DataConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config
from pipeline.datasets.human36m.pack import pack_subject
from stages.command import existing, output, stage


@stage
@click.argument("subject")
@click.argument("frames", type=existing)
@click.argument("poses", type=existing)
@click.argument("packed", type=output)
def main(subject: str, frames: Path, poses: Path, packed: Path, params: Path) -> None:
    """Crop SUBJECT's stored frames (folder FRAMES) around the person of POSES (HDF5), and write everything to PACKED (HDF5)."""
    background = load_config(PoseConfig, params, "pose").background
    pack_subject(subject, frames, poses, packed, load_config(DataConfig, params, "data"), background, load_config(ParallelConfig, params, "parallel"))


if __name__ == "__main__":
    main()
