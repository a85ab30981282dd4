"""Try the pose studio out: invented people, and the weights that come with the project."""

import shutil
import tempfile
from pathlib import Path

import click

from pipeline.page.folder import PhotoFolder
from pipeline.utils.errors import UserError
from pose25d.serve import make_motions, make_studio, page_options, serve
from pose25d.weights import ROOT, pretrained
from stages.command import one_line

PHOTOS = ROOT / "examples" / "demo"


@click.command()
@page_options
@one_line
def main(port: int, browser: bool) -> None:
    """Open the pose studio on a few invented people: drag a joint, turn a limb in front or behind, and see the person repainted.

    Nothing has to be trained before: the weights are those of models/pretrained. It is for this machine alone.
    """
    weights = pretrained()
    with tempfile.TemporaryDirectory(prefix="pose25d-demo-", ignore_cleanup_errors=True) as folder:
        photos = PhotoFolder(copy_photos(Path(folder)))
        studio = make_studio(photos, weights)
        _say(f"{len(photos.photos)} photos of invented people, copied to a temporary folder; painted with the weights {weights.name}")
        serve(photos, None, studio, make_motions(studio, weights), port, browser, _say)


def copy_photos(folder: Path) -> Path:
    """Copy the photos of the demo and what is known of them into a folder, so that no label gets into the repository; returns the folder."""
    if not PHOTOS.is_dir():
        raise UserError(f"{PHOTOS}: not found; expected the photos of the demo: `git checkout -- examples/demo` in a clone brings them back")
    for path in PHOTOS.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    return folder


def _say(line: str) -> None:
    click.echo(f"demo: {line}")


if __name__ == "__main__":
    main()
