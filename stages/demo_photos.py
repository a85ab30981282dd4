"""Invent the photos of the demo."""

from pathlib import Path

import click

from pipeline.config.data import DataConfig
from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config
from pipeline.config.synthetic import SyntheticConfig
from pipeline.datasets.photos.demo import KINDS, write_demo
from pipeline.utils.files import atomic_folder
from stages.command import output, stage


@stage
@click.argument("photos", type=output)
def main(photos: Path, params: Path) -> None:
    """Write photos of invented people who are never trained on, with keypoints, depth labels and twins, to the folder PHOTOS."""
    subjects = load_config(DataConfig, params, "data").test_subjects
    with atomic_folder(photos, KINDS) as partial:
        write_demo(partial, subjects, load_config(SyntheticConfig, params, "synthetic"), load_config(PoseConfig, params, "pose"))


if __name__ == "__main__":
    main()
