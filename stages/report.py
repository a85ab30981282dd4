"""Write the report of a run and the pictures for `dvc plots`."""

from pathlib import Path

import click

from pipeline.config.kinds import load_data
from pipeline.evaluation.examples.cases import read_cases
from pipeline.report.report import (
    PICTURE_FILES,
    contact_sheet,
    left_out_lines,
    read_figures,
    read_left_out,
    read_series,
    render_report,
    write_pictures,
)
from pipeline.utils.files import atomic_folder, write_text
from stages.command import existing, output, stage


@stage
@click.argument("cases", type=existing)
@click.argument("test", type=existing)
@click.argument("series_g1", type=existing)
@click.argument("series_g2", type=existing)
@click.argument("report", type=output)
@click.argument("pictures", type=output)
@click.option("--recordings", type=(existing, existing, existing), help="Folders of manifests, frames and poses: what was recorded of bodies.")
@click.option("--left-out", type=existing, help="Report of a stage that left pictures out.")
def main(
    cases: Path,
    test: Path,
    series_g1: Path,
    series_g2: Path,
    report: Path,
    pictures: Path,
    recordings: tuple[Path, Path, Path] | None,
    left_out: Path | None,
    params: Path,
) -> None:
    """Show CASES, the scores in TEST, both stages' series, what was recorded, and what was left out of it.

    REPORT is one page; PICTURES is a folder of its pictures.
    """
    shown, figures = read_cases(cases), read_figures(test)
    series = {"G1": read_series(series_g1), "G2 and D": read_series(series_g2)}
    contact, lines = {}, [] if left_out is None else left_out_lines(left_out)
    if recordings is not None:
        manifests, frames, poses = recordings
        subjects = load_data(params).subjects
        contact = contact_sheet(frames, poses, subjects)
        lines += read_left_out(manifests, frames, subjects)
    page = render_report(shown, figures, series, contact, lines)
    write_text(report, page)
    with atomic_folder(pictures, PICTURE_FILES) as partial:
        write_pictures(partial, shown, contact)


if __name__ == "__main__":
    main()
