"""What every stage shares: the `--params` option, and errors as one line."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pipeline.errors import UserError

existing = click.Path(exists=True, path_type=Path)
output = click.Path(path_type=Path)


def stage(function: Callable[..., None]) -> click.Command:
    """Make `function` a command with `--params`; a UserError is printed as it is, without a traceback, with exit status 1."""

    @click.command(help=function.__doc__)
    @click.option("--params", type=existing, default="params.yaml", show_default=True, help="File of parameters.")
    @functools.wraps(function)
    def command(*args: Any, **kwargs: Any) -> None:
        try:
            function(*args, **kwargs)
        except UserError as error:
            raise click.ClickException(str(error)) from error

    return command
