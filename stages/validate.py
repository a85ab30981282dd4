"""Check the whole of params.yaml before any work."""

from pathlib import Path

import click

from pipeline.config.params import check_params
from pipeline.utils.exposure import exposure
from pipeline.utils.files import write_text
from stages.command import output, stage


@stage
@click.argument("checked", type=output)
def main(checked: Path, params: Path) -> None:
    """Check every parameter and write the constant file CHECKED, which the first stages wait for."""
    values = check_params(params)
    root = getattr(getattr(values, "data", None), "root", None)
    if root is not None and (warning := exposure(Path(root))):
        click.echo(warning, err=True)
    write_text(checked, "every parameter is valid\n")


if __name__ == "__main__":
    main()
