"""Look at the raw data once and write what later stages are to read of it."""

from pathlib import Path

import click

from pipeline.config.data import DataConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.config.section import load_config
from pipeline.datasets.human36m.index import check_complete, left_out, write_manifests
from pipeline.datasets.human36m.inspection import inspect
from pipeline.utils.files import atomic_folder
from stages.command import output, stage


@stage
@click.argument("manifest", type=output)
def main(manifest: Path, params: Path) -> None:
    """Inspect `data.root` and write two manifests per subject into the folder MANIFEST."""
    data = load_config(DataConfig, params, "data")
    subjects = inspect(data, load_config(ParallelConfig, params, "parallel"))
    check_complete(subjects, data.skip_bad)
    with atomic_folder(manifest, ("*.videos.json", "*.poses.json")) as folder:
        write_manifests(folder, subjects)
    for subject in subjects:
        for entry in left_out(subject):
            click.echo(f"{subject.name}: left out {entry['sequence']} {entry['camera'] or ''}: {entry['reason']}".replace(" :", ":"))


if __name__ == "__main__":
    main()
