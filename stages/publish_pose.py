"""Publish the weights of a pose estimator in half precision."""

from pathlib import Path

import click

from pipeline.config.data import DataConfig
from pipeline.config.section import load_config
from pipeline.evaluation.photo_joints import score_joints
from pipeline.inference.published import publish_pose_net
from pipeline.networks.checkpoint import load_network
from pipeline.networks.openpose import PoseNet
from pipeline.utils.devices import fix_arithmetic
from pipeline.utils.files import file_hash, write_json
from stages.command import existing, output, stage

THREADS = 1


@stage
@click.argument("net", type=existing)
@click.argument("photos", type=existing)
@click.argument("published", type=output)
@click.argument("scores", type=output)
def main(net: Path, photos: Path, published: Path, scores: Path, params: Path) -> None:
    """Write the weights NET to the file PUBLISHED in half precision, and its SHA-256 and its SCORES on the demo's PHOTOS."""
    fix_arithmetic(THREADS)
    publish_pose_net(net, published)
    figures = score_joints(load_network(published, PoseNet), photos, load_config(DataConfig, params, "data").margin)
    write_json(scores, figures | {"sha256": file_hash(published)})


if __name__ == "__main__":
    main()
