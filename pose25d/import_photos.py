"""Import sets of photos as people hold them."""

from pathlib import Path

import click

from pipeline.datasets.photo_sets.importer import FORMATS, LISTS, find_photos, import_photos
from pipeline.datasets.photos.annotations import FILE_NAME
from pipeline.utils.exposure import exposure
from pipeline.utils.files import check_replaceable
from stages.command import existing, one_line, output


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("out", type=output)
@click.option("--pictures", type=existing, help="The folder of the pictures, where it lies elsewhere; that of a COCO file.")
@click.option("--file", "files", type=existing, multiple=True, help="A list, pairs or keypoints of the field about the same pictures; kept in OUT.")
@click.option("--format", "name", type=click.Choice([form.name for form in FORMATS]), help="How SOURCE is laid out.  [default: found]")
@click.option("--copy", is_flag=True, help="Copy the pictures, in place of links to them.")
@one_line
def main(source: Path, out: Path, pictures: Path | None, files: tuple[Path, ...], name: str | None, copy: bool) -> None:
    """Bring photos into the new folder OUT, as recipes/deepfashion reads them.

    SOURCE is a COCO keypoint file, or the folder of DeepFashion's In-shop benchmark or of Market-1501 as downloaded. Prints what was found and left
    out, and keeps it in OUT/import.txt.
    """
    check_replaceable(out, ())
    form, found = find_photos(source, pictures, name)
    for line in (f"{source}: {form.about}", *import_photos(found, out, files, copy)):
        click.echo(line)
    for line in _next(out):
        click.echo(line)


def _next(out: Path) -> list[str]:
    """What whoever has imported does next."""
    warning, keypoints = exposure(out), out / FILE_NAME
    first = f"pose25d label {out}" if keypoints.is_file() else f"pose25d find-keypoints {out} {keypoints} --model ..., where no file holds keypoints"
    lists = [f"data.{part}_list={file if (out / file).is_file() else 'null'}" for part, file in LISTS.items()]
    return [*([warning] if warning else []), f"next: {first}", f"for recipes/deepfashion: data.root={out} {' '.join(lists)}"]


if __name__ == "__main__":
    main()
