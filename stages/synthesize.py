"""Invent the built-in data."""

from pathlib import Path

import click

from pipeline.config.parallel import ParallelConfig
from pipeline.config.section import load_config
from pipeline.config.synthetic import SyntheticConfig
from pipeline.datasets.synthetic.dataset import write_dataset
from pipeline.utils.files import atomic_folder
from stages.command import output, stage


@stage
@click.argument("root", type=output)
def main(root: Path, params: Path) -> None:
    """Invent people who move before four cameras, and write them to ROOT in the Human3.6M layout."""
    config = load_config(SyntheticConfig, params, "synthetic")
    parallel = load_config(ParallelConfig, params, "parallel")
    with atomic_folder(root) as partial:
        write_dataset(partial, config, parallel)


if __name__ == "__main__":
    main()
