"""Choose the pairs that are trained on and those that are scored."""

from pathlib import Path

import click

from pipeline.config.data import PairsConfig
from pipeline.config.photos import PhotoDataConfig
from pipeline.config.recipe import load_data
from pipeline.config.section import load_config
from pipeline.datasets.photos.annotations import read_pairs
from pipeline.packs.pairs import write_pairs
from stages.command import existing, output, stage


@stage
@click.argument("packed", type=existing)
@click.argument("pairs", type=output)
def main(packed: Path, pairs: Path, params: Path) -> None:
    """Write train.csv, test.csv and report.json to the folder PAIRS, chosen among the packs in the folder PACKED."""
    data = load_data(params)
    listed = read_pairs(Path(data.root) / data.test_pairs) if isinstance(data, PhotoDataConfig) and data.test_pairs else None
    write_pairs(packed, pairs, data, load_config(PairsConfig, params, "pairs"), listed)


if __name__ == "__main__":
    main()
