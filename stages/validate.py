"""Check the whole of params.yaml before any work."""

from pathlib import Path

import click

from pipeline.config.everything import check_params
from pipeline.files import write_text
from stages.command import output, stage


@stage
@click.argument("checked", type=output)
def main(checked: Path, params: Path) -> None:
    """Check every parameter and write the constant file CHECKED, which the first stages wait for."""
    check_params(params)
    write_text(checked, "every parameter is valid\n")


if __name__ == "__main__":
    main()
