"""A list of runs as experiments: DVC's queue runs their overrides one after the other, a table shows what they gave.

`python -m experiments run` queues the runs of experiments/ablation.yaml, or of another list (`--list experiments/comparison.yaml`), follows them to
their end and writes the table; `python -m experiments table` writes it again from the experiments that are there. All runs are queued at
once, before the first one starts: later edits do not change what they compare.

Experiments belong to a commit and a clone. What they gave is committed with `results.json`, and a run that stands there is not made again while
the code that it runs and its parameters are the same: a list of runs can be worked off bit by bit. `python -m experiments take-over BASE` lets it
stand where the code is another that computes the same.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import click

from experiments.differences import incomparable
from experiments.queue import follow, is_done, queue_missing, waiting
from experiments.recipe import Recipe, same_files
from experiments.results import earlier_results, result_or_earlier
from experiments.runs import Run, RunList, choose, read_list
from experiments.snapshot import read_snapshot
from experiments.take_over import summary, take_over_results
from experiments.write import write_results
from pipeline.utils.errors import UserError
from recipes.commits import git
from recipes.graph import ROOT
from stages.command import existing, output

RUNS = ROOT / "experiments" / "ablation.yaml"


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Print a UserError, and what git or DVC says, as one line; say what happens to the queue where the user stops waiting for it."""
    try:
        yield
    except UserError as error:
        raise click.ClickException(str(error)) from error
    except subprocess.CalledProcessError as error:
        raise click.ClickException(f"`{' '.join(map(str, error.cmd))}` failed: {' '.join((error.stderr or 'see above').split())}") from error
    except KeyboardInterrupt:
        click.echo("\nThe queue goes on. The same command follows it again; `dvc queue stop --kill` ends it.", err=True)
        sys.exit(130)


def options(function: Callable[..., None]) -> Callable[..., None]:
    """What both commands take."""

    @click.option("--recipe", help="Folder below recipes/ whose graph and parameters are used; default: those at the root.")
    @click.option("--list", "path", type=existing, default=RUNS, help="File of runs.  [default: experiments/ablation.yaml]")
    @click.option("--runs", "names", default="", help="Names of runs, separated by spaces.  [default: all]")
    @click.option("--out", type=output, help="Folder of the results.  [default: metrics/ablation of the recipe, or as the list is called]")
    @wraps(function)
    def command(recipe: str | None, path: Path, names: str, out: Path | None, **others: Any) -> None:
        with one_line_errors():
            listed = read_list(path)
            chosen = Recipe(recipe, listed.title)
            if not (ROOT / chosen.graph).is_file():
                raise UserError(f"{chosen.graph}: not found; expected the graph of a recipe")
            function(chosen, listed, choose(listed.runs, names), out or ROOT / chosen.folder / "metrics" / listed.title, **others)

    return command


@click.group(help=__doc__)
def main() -> None:
    """Nothing of its own; the help is the module's."""


@main.command("run")
@options
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Runs at a time. Two slow each other down on few cores.")
def run_command(recipe: Recipe, listed: RunList, chosen: Sequence[Run], out: Path, jobs: int) -> None:
    """Queue the chosen runs that are not there yet, follow them to their end, write the table; status 1 if one failed."""
    commit = git("rev-parse", "HEAD").strip()
    snapshot, runs = read_snapshot(recipe, commit), listed.runs
    earlier = earlier_results(recipe, runs, snapshot, out) if same_files((*recipe.code, recipe.params), commit) else {}
    again = incomparable(recipe, listed, earlier, [run.name for run in chosen if run.name not in earlier])
    missing = [run for run in chosen if run.name not in earlier or run.name in again]
    for run in chosen:
        if run.name in earlier:
            what = "made again, since its scores of every pair are not here" if run.name in again else "not queued again"
            click.echo(f"{run.name}: done at commit {earlier[run.name].commit[:7]}, {what}")
    faults = queue_missing(recipe, missing, snapshot)
    if not all(run.name in faults or is_done(recipe, run, snapshot) for run in missing):
        follow(waiting(recipe, missing, read_snapshot(recipe, commit)), jobs)
        snapshot = read_snapshot(recipe, commit)
    results = [result_or_earlier(recipe, run, snapshot, earlier, faults.get(run.name)) for run in runs]
    write_results(recipe, listed, results, snapshot.commit, out)
    failed = [one.run.name for one in results if one.run in chosen and one.state != "done"]
    if failed:
        raise UserError(f"{len(failed)} of {len(chosen)} runs are without a result: {', '.join(failed)}")


@main.command("table")
@click.option("--rev", default="HEAD", show_default=True, help="Commit whose experiments are shown.")
@options
def table_command(recipe: Recipe, listed: RunList, chosen: Sequence[Run], out: Path, rev: str) -> None:
    """Write the table again from the experiments that are there."""
    snapshot = read_snapshot(recipe, rev)
    earlier = earlier_results(recipe, chosen, snapshot, out)
    write_results(recipe, listed, [result_or_earlier(recipe, run, snapshot, earlier) for run in chosen], snapshot.commit, out)


@main.command("take-over")
@click.argument("base")
def take_over_command(base: str) -> None:
    """Let the results that hold at the commit BASE hold at the present one, after `make identical BASE=<BASE>` found no difference."""
    with one_line_errors():
        for line in summary(take_over_results(base)):
            click.echo(line)


if __name__ == "__main__":
    main()
