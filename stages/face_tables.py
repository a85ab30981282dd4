"""Write the tables and figures of the face report."""

from pathlib import Path

import click

from pipeline.evaluation.examples.cases import read_cases
from pipeline.report.curves import read_curves
from pipeline.report.face_tables import TABLE_FILES, write_tables
from pipeline.utils.files import atomic_folder, read_json
from stages.command import existing, output, stage


@stage
@click.argument("cases", type=existing)
@click.argument("test", type=existing)
@click.argument("curves_g2", type=existing)
@click.argument("tables", type=output)
def main(cases: Path, test: Path, curves_g2: Path, tables: Path, params: Path) -> None:  # noqa: ARG001 (every stage takes it)
    """Write Table 1 and 2, Figure 12 and 13 of CASES, the scores in TEST and the curves of CURVES_G2 to the folder TABLES."""
    with atomic_folder(tables, TABLE_FILES) as partial:
        write_tables(partial, read_cases(cases), read_json(test), read_curves(curves_g2))


if __name__ == "__main__":
    main()
