"""Invent the built-in photos."""

from pathlib import Path

import click

from pipeline.config.parallel import ParallelConfig
from pipeline.config.photos import PhotosConfig
from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config
from pipeline.datasets.photos.synthetic import write_photos
from pipeline.utils.files import atomic_folder
from stages.command import output, stage


@stage
@click.argument("root", type=output)
def main(root: Path, params: Path) -> None:
    """Invent people, and write photos of them, their keypoints and their depth labels to ROOT."""
    config, pose = load_config(PhotosConfig, params, "photos"), load_config(PoseConfig, params, "pose")
    with atomic_folder(root) as partial:
        write_photos(partial, config, pose, load_config(ParallelConfig, params, "parallel"))


if __name__ == "__main__":
    main()
