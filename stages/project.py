"""See every pose of one subject from every camera, and label its limbs."""

from pathlib import Path

import click

from pipeline.config.data import DataConfig
from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config
from pipeline.datasets.human36m.manifest import read_poses
from pipeline.datasets.human36m.project import write_poses
from stages.command import existing, output, stage


@stage
@click.argument("subject")
@click.argument("manifest", type=existing)
@click.argument("poses", type=output)
def main(subject: str, manifest: Path, poses: Path, params: Path) -> None:
    """Turn the poses that SUBJECT's file in the folder MANIFEST lists into POSES (HDF5): 3D, 2D and 2.5D labels per view and kept frame."""
    data = load_config(DataConfig, params, "data")
    write_poses(poses, read_poses(manifest, subject), Path(data.root), data.fps, load_config(PoseConfig, params, "pose"))


if __name__ == "__main__":
    main()
