"""Pack COCO's keypoint files for the pose estimator."""

from pathlib import Path

import click

from pipeline.config.parallel import ParallelConfig
from pipeline.config.section import load_config
from pipeline.datasets.coco import pack_coco, summary
from pipeline.utils.errors import UserError
from pipeline.utils.files import check_file_place
from stages.command import check_apart, existing, output, stage

SIDE = click.IntRange(8, 4096)  # px of a crop


@stage
@click.argument("annotations", type=existing)
@click.argument("pictures", type=existing)
@click.argument("pack", type=output)
@click.option("--size", type=(SIDE, SIDE), default=(128, 64), show_default=True, help="Height and width of the crops, px.")
@click.option("--margin", type=click.FloatRange(0, 0.9), default=0.15, show_default=True, help="Share of a crop that is left free around the person.")
@click.option("--fewest", type=click.IntRange(1), default=5, show_default=True, help="Labelled keypoints that a person has at least.")
def main(annotations: Path, pictures: Path, pack: Path, size: tuple[int, int], margin: float, fewest: int, params: Path) -> None:
    """Write the people of the keypoint file ANNOTATIONS, cut out of the PICTURES in a folder, as a PACK (.h5, named as its subject)."""
    if not 0 <= margin < 1:  # click lets NaN pass
        raise UserError(f"--margin {margin}: expected a share from 0 to 0.9")
    check_apart(pack, annotations)
    check_file_place(pack)
    count, left_out = pack_coco(annotations, pictures, pack, size, margin, fewest, load_config(ParallelConfig, params, "parallel"))
    for line in (f"{count} people, {pack}", *summary(left_out)):
        click.echo(f"pack-coco: {line}")


if __name__ == "__main__":
    main()
