"""Invent the built-in faces."""

from pathlib import Path

import click

from pipeline.config.faces import FacesConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.config.section import load_config
from pipeline.datasets.fei.synthetic.invent import write_faces
from pipeline.utils.files import atomic_folder
from stages.command import output, stage


@stage
@click.argument("root", type=output)
def main(root: Path, params: Path) -> None:
    """Invent people, and write pictures of their faces at FEI's ten angles and the landmarks to ROOT."""
    config, parallel = load_config(FacesConfig, params, "faces"), load_config(ParallelConfig, params, "parallel")
    with atomic_folder(root) as partial:
        write_faces(partial, config, parallel)


if __name__ == "__main__":
    main()
