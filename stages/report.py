"""Write the report of a run and the pictures for `dvc plots`."""

from pathlib import Path

import click

from pipeline.config.kinds import load_data
from pipeline.evaluation.examples.cases import read_cases
from pipeline.report.curves import read_curves
from pipeline.report.figures import read_figures
from pipeline.report.frame_tiles import frame_tiles
from pipeline.report.html import render_report
from pipeline.report.left_out import left_out_lines, read_left_out
from pipeline.report.pictures import PICTURE_FILES, write_pictures
from pipeline.utils.files import atomic_folder, write_text
from pipeline.utils.progress import working
from stages.command import existing, output, stage


@stage
@click.argument("cases", type=existing)
@click.argument("test", type=existing)
@click.argument("curves_g1", type=existing)
@click.argument("curves_g2", type=existing)
@click.argument("report", type=output)
@click.argument("pictures", type=output)
@click.option("--recordings", type=(existing, existing, existing), help="Folders of manifests, frames and poses: what was recorded of bodies.")
@click.option("--left-out", type=existing, help="Report of a stage that left pictures out.")
def main(
    cases: Path,
    test: Path,
    curves_g1: Path,
    curves_g2: Path,
    report: Path,
    pictures: Path,
    recordings: tuple[Path, Path, Path] | None,
    left_out: Path | None,
    params: Path,
) -> None:
    """Show CASES, the scores in TEST, both trainings' curves, what was recorded, and what was left out of it.

    REPORT is one page; PICTURES is a folder of its pictures.
    """
    shown, figures = read_cases(cases), read_figures(test)
    curves = {"G1": read_curves(curves_g1), "G2 and D": read_curves(curves_g2)}
    tiles, lines = {}, [] if left_out is None else left_out_lines(left_out)
    with working("report"):
        if recordings is not None:
            manifests, frames, poses = recordings
            subjects = load_data(params).subjects
            tiles = frame_tiles(frames, poses, subjects)
            lines += read_left_out(manifests, frames, subjects)
        page = render_report(shown, figures, curves, tiles, lines)
    write_text(report, page)
    with atomic_folder(pictures, PICTURE_FILES) as partial:
        write_pictures(partial, shown, tiles)


if __name__ == "__main__":
    main()
