"""Check the whole of params.yaml before any work."""

from pathlib import Path

import click

from pipeline.config.everything import check_params
from pipeline.files import atomic_output
from stages.command import output, stage


@stage
@click.argument("checked", type=output)
def main(checked: Path, params: Path) -> None:
    """Check every parameter and write the constant file CHECKED, which the first stages wait for."""
    check_params(params)
    with atomic_output(checked) as partial:
        partial.write_text("every parameter is valid\n", encoding="utf-8")


if __name__ == "__main__":
    main()
