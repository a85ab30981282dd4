"""List what killed and failed trainings have left to go on from, and clear it away: `pose25d scratch`."""

import click

from pipeline.training.resume import scratch_root
from pipeline.training.scratch import Leftover, clear, is_busy, leftovers
from stages.command import one_line


@click.command()
@click.option("--clear", "clearing", is_flag=True, help="Remove all that no process is at work in.")
@one_line
def main(clearing: bool) -> None:
    """List what killed and failed trainings left in .scratch: stage, name, size, age.

    A training with the same parameters, data and code goes on from it; with others it is never used again.
    """
    found = leftovers(scratch_root())
    if not found:
        click.echo(f"{scratch_root()}: nothing there")
    for left in found:
        state = ("removed" if clear(left) else "in use, kept") if clearing else _state(left)
        click.echo(f"{left.stage} {left.folder.name}  {left.size / 1e6:.1f} MB  {left.age / 86400:.1f} days old  {state}")


def _state(left: Leftover) -> str:
    if is_busy(left):
        return "in use"
    return "free" if left.folder.exists() else "ended, an empty lock file is left"


if __name__ == "__main__":
    main()
