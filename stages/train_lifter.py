"""Train the lifter, which infers the depth of joints from a 2.5D pose."""

from pathlib import Path

import click

from pipeline.config.data import DataConfig
from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config
from pipeline.config.train import TrainLifterConfig
from pipeline.networks.checkpoint import save_network
from pipeline.training.lifter import LifterTraining, train_lifter
from stages.command import existing, output, stage


@stage
@click.argument("packed", type=existing)
@click.argument("lifter", type=output)
@click.argument("curves", type=output)
def main(packed: Path, lifter: Path, curves: Path, params: Path) -> None:
    """Train on the 3D poses of the training people among the packs in PACKED; write weights to LIFTER, and loss curves to CURVES."""
    data, pose = load_config(DataConfig, params, "data"), load_config(PoseConfig, params, "pose")
    with LifterTraining.open(packed, data, pose, load_config(TrainLifterConfig, params, "train_lifter")) as run:
        save_network(lifter, train_lifter(run))
        run.publish_curves(curves)


if __name__ == "__main__":
    main()
