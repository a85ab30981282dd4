"""Write the report of a run and the pictures for `dvc plots`."""

from pathlib import Path

import click

from pipeline.config.data import DataConfig
from pipeline.config.section import load_config
from pipeline.files import atomic_output, read_json
from pipeline.metrics.cases import read_cases
from pipeline.report import contact_sheet, read_left_out, read_series, render_report, write_pictures
from stages.command import existing, output, stage


@stage
@click.argument("cases", type=existing)
@click.argument("test", type=existing)
@click.argument("series_g1", type=existing)
@click.argument("series_g2", type=existing)
@click.argument("manifests", type=existing)
@click.argument("frames", type=existing)
@click.argument("poses", type=existing)
@click.argument("report", type=output)
@click.argument("pictures", type=output)
def main(
    cases: Path, test: Path, series_g1: Path, series_g2: Path, manifests: Path, frames: Path, poses: Path, report: Path, pictures: Path, params: Path
) -> None:
    """Show CASES, the scores in TEST, both stages' series, what MANIFESTS leave out, and FRAMES with their POSES.

    REPORT is one page; PICTURES is a folder of its pictures.
    """
    subjects = load_config(DataConfig, params, "data").subjects
    shown, figures = read_cases(cases), read_json(test)
    series = {"G1": read_series(series_g1), "G2 and D": read_series(series_g2)}
    contact = contact_sheet(frames, poses, subjects)
    page = render_report(shown, figures, series, contact, read_left_out(manifests, frames, subjects))
    with atomic_output(report) as partial:
        partial.write_text(page, encoding="utf-8")
    with atomic_output(pictures) as partial:
        write_pictures(partial, shown, contact)


if __name__ == "__main__":
    main()
