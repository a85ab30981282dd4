"""The runs in DVC's queue: put there, followed to their end."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

import click

from experiments.commands import dvc
from experiments.recipe import Recipe, same_code
from experiments.runs import Run, with_overrides
from experiments.snapshot import STATES, Snapshot, is_dead
from pipeline.utils.errors import UserError
from recipes.graph import ROOT

PAUSE = 2  # s between two looks at the queue


def is_there(recipe: Recipe, run: Run, snapshot: Snapshot) -> bool:
    """Whether the run is done, or on its way, with the parameters and the code of the working tree; UserError where it cannot be."""
    expected = with_overrides(snapshot.here, run.overrides)
    experiment = snapshot.experiments.get(recipe.experiment(run))
    if experiment is None or experiment.state == "failed" or is_dead(experiment):
        return False
    return experiment.params == expected and same_code(recipe, experiment.rev)


def is_done(recipe: Recipe, run: Run, snapshot: Snapshot) -> bool:
    """Whether there is nothing to wait for."""
    return is_there(recipe, run, snapshot) and snapshot.experiments[recipe.experiment(run)].state == "success"


def clear(recipe: Recipe, run: Run, snapshot: Snapshot) -> None:
    """Remove what an earlier try of the run left: a failed, queued or outdated experiment."""
    name = recipe.experiment(run)
    experiment = snapshot.experiments.get(name)
    if experiment is None:
        return
    if experiment.state == "success":
        dvc("exp", "remove", f"refs/exps/{snapshot.commit[:2]}/{snapshot.commit[2:]}/{name}")  # the name alone may be another commit's
        return
    if is_dead(experiment):
        dvc("queue", "kill", str(experiment.task))
    elif experiment.state == "running":
        raise UserError(f"it is running with other parameters or code; wait for it, or end it with `dvc queue kill {name}`")
    dvc("queue", "remove", str(experiment.task))


def queue(recipe: Recipe, run: Run) -> None:
    """Put a run into DVC's queue, with the working tree as it is now."""
    changes = [f"--set-param={recipe.params}:{name}={json.dumps(value)}" for name, value in run.overrides.items()]
    dvc("exp", "run", "--queue", "--name", recipe.experiment(run), *changes, recipe.graph)


def queue_missing(recipe: Recipe, runs: Sequence[Run], snapshot: Snapshot) -> dict[str, str]:
    """Queue what is not there yet; returns why a run could not be queued, by its name."""
    faults = {}
    for run in runs:
        try:
            if is_there(recipe, run, snapshot):
                click.echo(f"{run.name}: {snapshot.experiments[recipe.experiment(run)].state}, not queued again")
                continue
            clear(recipe, run, snapshot)
            queue(recipe, run)
            click.echo(f"{run.name}: queued")
        except UserError as error:
            faults[run.name] = str(error)
    for name, fault in faults.items():
        click.echo(f"{name}: {fault}", err=True)
    return faults


def start_workers(jobs: int) -> None:
    """Start the queue's workers where there are fewer than `jobs`. They outlive the command, so that a pipe to it would stay open."""
    subprocess.run([sys.executable, "-m", "dvc", "queue", "start", "--jobs", str(jobs)], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)


def queue_states() -> dict[str, str]:
    """State of every task of the queue: the first seven digits of its name -> Queued, Running, Failed or Success."""
    lines = [line.split() for line in dvc("queue", "status").splitlines()]
    return {words[0]: words[-1] for words in lines if words and words[-1] in ("Queued", "Running", "Failed", "Success")}


def waiting(recipe: Recipe, runs: Sequence[Run], snapshot: Snapshot) -> dict[str, str]:
    """Task of each run that has not ended yet, those that run first."""
    found = {run.name: snapshot.experiments.get(recipe.experiment(run)) for run in runs}
    unfinished = [(name, one) for name, one in found.items() if one and one.task and one.state in ("running", "queued")]
    return {name: str(one.task) for name, one in sorted(unfinished, key=lambda named: STATES.index(named[1].state))}


def follow(tasks: Mapping[str, str], jobs: int) -> None:
    """Run the queue, `jobs` tasks at a time, and print the tasks' outputs, one after the other, until all of `tasks` (run -> task) have ended."""
    start_workers(jobs)
    for number, (name, task) in enumerate(tasks.items(), start=1):
        click.echo(f"== {name} ({number} of {len(tasks)})")
        since = time.monotonic()
        while (state := queue_states().get(task[:7])) in ("Queued", "Running"):
            if state == "Running":
                shown = [sys.executable, "-m", "dvc", "queue", "logs", "--follow", task]
                subprocess.run(shown, cwd=ROOT, stderr=subprocess.DEVNULL, check=False)  # it complains of what has not printed anything yet
            else:
                start_workers(jobs)
            time.sleep(PAUSE)
        click.echo(f"== {name}: {state}, {(time.monotonic() - since) / 60:.1f} min")
