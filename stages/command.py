"""What every stage shares: the `--params` option, the care for files that are there already, and errors as one line."""

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pipeline.utils.errors import UserError, is_machine_fault, machine_error

INTERRUPTED = 130  # exit status, as shells give it to what Ctrl+C ends

existing = click.Path(exists=True, path_type=Path)


class Output(click.Path):
    """Where a command writes a file or a folder.

    unless : the option that says to keep what is there and to add to it, so that a file that stands there is no mistake
    """

    def __init__(self, unless: str | None = None) -> None:
        super().__init__(path_type=Path)
        self.unless = unless


output = Output()


def check_apart(out: Path, *inputs: Path | None) -> None:
    """Raise UserError where a command would write over what it reads; no `--force` asks for that."""
    for path in inputs:
        if path is not None and out.exists() and out.samefile(path):
            raise UserError(f"{out}: is read by this very command, and is not replaced; give another name")


def stage(function: Callable[..., None]) -> click.Command:
    """Make `function` a command with `--params`; a UserError is printed as it is, without a traceback, with exit status 1.

    Ctrl+C gives one line, too, and status 130. A file that stands where the command is to write is replaced only by DVC, which takes outputs of an
    earlier run away itself, and with `--force`.
    """

    @click.command(help=function.__doc__)
    @click.option("--params", type=existing, default="params.yaml", show_default=True, help="File of parameters.")
    @click.option("--force", is_flag=True, help="Replace files that are there already.")
    @functools.wraps(function)
    @one_line
    def command(*args: Any, force: bool, **kwargs: Any) -> None:
        if not force and "DVC_STAGE" not in os.environ:
            _check_free(click.get_current_context(), kwargs)
        function(*args, **kwargs)

    return command


def one_line(function: Callable[..., None]) -> Callable[..., None]:
    """Make `function` print what a user can put right as one line, and end with status 1; after Ctrl+C with 130."""

    @functools.wraps(function)
    def careful(*args: Any, **kwargs: Any) -> None:
        try:
            function(*args, **kwargs)
        except UserError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if not is_machine_fault(error):
                raise
            raise click.ClickException(str(machine_error(error, function.__module__))) from error
        except KeyboardInterrupt:
            click.echo("Interrupted: no output was written by halves; the same command begins again, a training goes on", err=True)
            sys.exit(INTERRUPTED)

    return careful


def _check_free(context: click.Context, values: dict[str, Any]) -> None:
    """Raise UserError where a file stands at an output's place; folders are looked at by who writes them."""
    for parameter in context.command.params:
        path = values.get(parameter.name or "")
        if isinstance(parameter.type, Output) and path is not None and path.is_file() and not values.get(parameter.type.unless or ""):
            add = "" if parameter.type.unless is None else f"--{parameter.type.unless} to keep it and add what it lacks, "
            raise UserError(f"{path}: is there already, and is not replaced; give another name, {add}or --force to replace it")
