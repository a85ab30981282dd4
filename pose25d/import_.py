"""Bring your own data in: `pose25d import`, a group of subcommands."""

import click

from pose25d.cli import Lazy

COMMANDS = {
    "photos": "Import photos: COCO keypoints, DeepFashion's In-shop benchmark, Market-1501.",
    "recording": "Import calibrated cameras, 3D poses and videos: Pose2Sim, Caliscope, FreeMoCap, C3D.",
    "video": "Import videos of one camera, with 2D keypoints or a model that finds them.",
}


@click.command(cls=Lazy, commands_of=("pose25d.import_", COMMANDS))
def main() -> None:
    """Bring your own data into a form that the pipeline reads."""
