"""Train the lifter, which infers the depth of joints from a 2.5D pose."""

from pathlib import Path

import click
import numpy as np

from pipeline.config.data import DataConfig
from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config
from pipeline.config.train import TrainLifterConfig
from pipeline.networks.checkpoint import save_network
from pipeline.packs.pack import read_columns
from pipeline.training.lifter import train_lifter
from stages.command import existing, output, stage


@stage
@click.argument("packed", type=existing)
@click.argument("lifter", type=output)
def main(packed: Path, lifter: Path, params: Path) -> None:
    """Train on the 3D poses of the training people among the packs in PACKED; write weights to LIFTER."""
    pose, config = load_config(PoseConfig, params, "pose"), load_config(TrainLifterConfig, params, "train_lifter")
    subjects = load_config(DataConfig, params, "data").train_subjects
    poses = np.concatenate([read_columns(packed, subject, ("pose_3d",))["pose_3d"] for subject in subjects])
    save_network(lifter, train_lifter(poses, pose, config))


if __name__ == "__main__":
    main()
