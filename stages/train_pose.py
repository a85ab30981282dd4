"""Train the pose estimator."""

from pathlib import Path

import click

from pipeline.config.parallel import ParallelConfig
from pipeline.config.pose_net import PoseDataConfig, PoseNetConfig, TrainPoseConfig
from pipeline.config.section import load_config
from pipeline.networks.checkpoint import save_network
from pipeline.pose_estimation.training import PoseTraining, train_pose
from pipeline.training.loop import make_fabric, precision_of
from stages.command import existing, output, stage


@stage
@click.argument("backbone", type=click.Choice(["mobilenet", "vgg"]))
@click.argument("packed", type=existing)
@click.argument("net", type=output)
@click.argument("curves", type=output)
def main(backbone: str, packed: Path, net: Path, curves: Path, params: Path) -> None:
    """Train a network with this BACKBONE on the packs in PACKED; write its weights to NET, curves and samples to CURVES."""
    config, shape = load_config(TrainPoseConfig, params, "train_pose"), load_config(PoseNetConfig, params, "pose_net")
    fabric = make_fabric(load_config(ParallelConfig, params, "parallel"), config)
    with PoseTraining.open(fabric, packed, load_config(PoseDataConfig, params, "data"), shape, backbone, config) as run:
        network = train_pose(run, shape, backbone)
        if fabric.is_global_zero:
            save_network(net, network, precision=precision_of(fabric))
            run.publish_curves(curves)


if __name__ == "__main__":
    main()
