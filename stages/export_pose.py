"""Export a trained pose estimator."""

from pathlib import Path

import click

from pipeline.networks.checkpoint import load_network
from pipeline.networks.openpose import PoseNet
from pipeline.pose_estimation.export import export_onnx
from pipeline.utils.files import check_file_place
from stages.command import check_apart, existing, output, stage


@stage
@click.argument("net", type=existing)
@click.argument("onnx", type=output)
def main(net: Path, onnx: Path, params: Path) -> None:  # noqa: ARG001 (every stage takes it)
    """Write the network with the weights NET as ONNX, and compare what both say."""
    check_apart(onnx, net)
    check_file_place(onnx)
    difference = export_onnx(load_network(net, PoseNet), onnx)
    click.echo(f"export_pose: {onnx}, maps differ from torch's by {difference:.1g} at most")


if __name__ == "__main__":
    main()
