"""Choose the pairs that are trained on and those that are scored."""

from pathlib import Path

import click

from pipeline.config.data import PairsConfig
from pipeline.config.kinds import load_data
from pipeline.config.section import load_config
from pipeline.packs.pairs import write_pairs
from stages.command import existing, output, stage


@stage
@click.argument("packed", type=existing)
@click.argument("pairs", type=output)
def main(packed: Path, pairs: Path, params: Path) -> None:
    """Write train.csv, test.csv and report.json to the folder PAIRS, chosen among the packs in the folder PACKED."""
    data = load_data(params)
    listed = None
    if data.kind == "photos" and data.test_pairs:
        from pipeline.datasets.photos.annotations import read_pairs

        listed = read_pairs(Path(data.root) / data.test_pairs)
    write_pairs(packed, pairs, data, load_config(PairsConfig, params, "pairs"), listed)


if __name__ == "__main__":
    main()
