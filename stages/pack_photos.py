"""Bring photos, their keypoints and their depth labels together, people who are trained on apart from those who are scored."""

from pathlib import Path

import click

from pipeline.config.parallel import ParallelConfig
from pipeline.config.photos import PhotoDataConfig
from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config
from pipeline.datasets.photos.pack import pack_photos
from pipeline.utils.files import read_json
from stages.command import output, stage


@stage
@click.argument("packed", type=output)
def main(packed: Path, params: Path) -> None:
    """Write the packs of the photos below `data.root`, and what was left out, to the folder PACKED."""
    pose, parallel = load_config(PoseConfig, params, "pose"), load_config(ParallelConfig, params, "parallel")
    pack_photos(packed, load_config(PhotoDataConfig, params, "data"), pose, parallel)
    report = read_json(packed / "report.json")
    pictures = ", ".join(f"{count} to {split} on" for split, count in report["pictures"].items())
    click.echo(f"pack_photos: {pictures}; {report['limbs_without_label']} of {report['limbs']} limbs without a label count as level with the torso")
    for reason, count in report["counts"].items():
        click.echo(f"pack_photos: {count} left out, {reason} (their names: {click.format_filename(packed / 'report.json')})")


if __name__ == "__main__":
    main()
