"""Keep every k-th frame of a subject's videos."""

from pathlib import Path

import click

from pipeline.config.data import DataConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.config.section import load_config
from pipeline.datasets.human36m.extract import extract_subject
from pipeline.datasets.human36m.manifest import read_videos
from stages.command import existing, output, stage


@stage
@click.argument("subject")
@click.argument("manifest", type=existing)
@click.argument("frames", type=output)
def main(subject: str, manifest: Path, frames: Path, params: Path) -> None:
    """Write the kept frames of SUBJECT's videos, as the folder MANIFEST lists them, to the folder FRAMES."""
    videos = read_videos(manifest, subject)
    extract_subject(videos, frames, load_config(DataConfig, params, "data"), load_config(ParallelConfig, params, "parallel"))


if __name__ == "__main__":
    main()
