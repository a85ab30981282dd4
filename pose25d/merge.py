"""Bring the depth labels of two people together."""

from pathlib import Path

import click

from pipeline.datasets.photos.hand_labels import check_label_file, locked_label_file, merge_labels, read_label_file, write_label_file
from pipeline.utils.files import check_file_place
from pipeline.utils.remade import check_kept
from stages.command import existing, output, stage


@stage
@click.argument("first", type=existing)
@click.argument("second", type=existing)
@click.argument("merged", type=output)
def main(first: Path, second: Path, merged: Path, params: Path) -> None:  # noqa: ARG001 (every stage takes it)
    """Write what FIRST and SECOND say to MERGED. Limbs on which they disagree are listed and left empty, for the page to ask again.

    A file that is there holds somebody's labels, and stays, unless --force says otherwise.
    """
    check_file_place(merged)
    check_kept(merged)
    check_label_file(merged)
    mine, theirs = read_label_file(first), read_label_file(second)
    labels, faults = merge_labels(mine, theirs)
    both = [(a, b) for name in mine.keys() & theirs.keys() for a, b in zip(mine[name], theirs[name], strict=True) if a is not None and b is not None]
    for fault in faults:
        click.echo(f"merge: {fault}")
    with locked_label_file(merged):
        write_label_file(merged, labels, durable=True)
    share = f", {100 * (1 - len(faults) / len(both)):.1f} % of them alike" if both else ""
    click.echo(f"merge: {len(labels)} pictures in {click.format_filename(merged)}; {len(both)} limbs were labelled twice{share}")


if __name__ == "__main__":
    main()
