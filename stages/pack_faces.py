"""Bring pictures of faces and their landmarks together, people who are trained on apart from those who are scored."""

from pathlib import Path

import click

from pipeline.config.faces import FaceDataConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.config.section import load_config
from pipeline.datasets.fei.pack import pack_faces
from stages.command import output, stage


@stage
@click.argument("packed", type=output)
def main(packed: Path, params: Path) -> None:
    """Write the packs of the pictures below `data.root`, and what was left out, to the folder PACKED."""
    pack_faces(packed, load_config(FaceDataConfig, params, "data"), load_config(ParallelConfig, params, "parallel"))


if __name__ == "__main__":
    main()
