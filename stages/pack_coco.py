"""Pack COCO's keypoint files for the pose estimator."""

from pathlib import Path

import click

from pipeline.config.parallel import ParallelConfig
from pipeline.config.section import load_config
from pipeline.estimation.coco import pack_coco
from stages.command import existing, output, stage


@stage
@click.argument("annotations", type=existing)
@click.argument("pictures", type=existing)
@click.argument("pack", type=output)
@click.option("--size", type=(int, int), default=(128, 64), show_default=True, help="Height and width of the crops, px.")
@click.option("--margin", type=click.FloatRange(0, 0.9), default=0.15, show_default=True, help="Share of a crop that is left free around the person.")
@click.option("--fewest", type=click.IntRange(1), default=5, show_default=True, help="Labelled keypoints that a person has at least.")
def main(annotations: Path, pictures: Path, pack: Path, size: tuple[int, int], margin: float, fewest: int, params: Path) -> None:
    """Write the people of the keypoint file ANNOTATIONS, cut out of the PICTURES in a folder, as a PACK (.h5, named as its subject)."""
    count = pack_coco(annotations, pictures, pack, size, margin, fewest, load_config(ParallelConfig, params, "parallel"))
    click.echo(f"pack_coco: {count} people, {pack}")


if __name__ == "__main__":
    main()
