"""A list of runs as experiments: DVC's queue runs their overrides one after the other, a table shows what they gave.

`python -m recipes.ablation run` queues the runs of recipes/ablation.yaml, or of another list (`--list recipes/comparison.yaml`), follows them to
their end and writes the table; `python -m recipes.ablation table` writes it again from the experiments that are there. All runs are queued at
once, before the first one starts: later edits do not change what they compare.

Experiments belong to a commit and a clone. What they gave is committed with `results.json`, and a run that stands there is not made again while
the code that it runs and its parameters are the same: a list of runs can be worked off bit by bit.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
from ruamel.yaml import YAML

from pipeline.pose.drawing import as_jpeg, encode
from pipeline.utils.errors import UserError
from pipeline.utils.files import atomic_file, read_json, write_json, write_text
from recipes.ablation_table import Result, Run, RunList, choose, is_made_of, kept, page, plot, read_list, table, to_json, with_block, with_overrides
from recipes.graph import PACKAGES
from stages.command import existing, output

ROOT = Path(__file__).resolve().parent.parent
RUNS = ROOT / "recipes" / "ablation.yaml"
PAUSE = 2  # s between two looks at the queue
TITLE, ROWS_HEIGHT = 34, 820  # px; of a run's name in a figure, and of its sheet: four rows
STATES = ("running", "queued", "success", "failed")  # the first of them counts where one name stands twice


@dataclass(frozen=True)
class Recipe:
    """Where a recipe's graph, parameters and scores lie, relative to the root; the unnamed one is the root's own.

    list_title : of the list of runs
    """

    name: str | None
    list_title: str = "ablation"

    @property
    def folder(self) -> str:
        """What every path of the recipe begins with."""
        return f"recipes/{self.name}/" if self.name else ""

    @property
    def graph(self) -> str:
        """The graph that the experiments run."""
        return f"{self.folder}dvc.yaml"

    @property
    def params(self) -> str:
        """The file that overrides apply to."""
        return f"{self.folder}params.yaml"

    @property
    def scores(self) -> str:
        """The file of metrics that the table shows."""
        return f"{self.folder}metrics/test.json"

    @property
    def code(self) -> tuple[str, ...]:
        """What decides, next to the parameters, what a run computes: the graphs, and the code that their stages depend on."""
        graphs = self.graph, f"{self.folder}data/dvc.yaml"
        stages = [stage for graph in graphs for stage in YAML(typ="safe").load(ROOT / graph)["stages"].values()]
        return *graphs, *sorted({dep for stage in stages for dep in stage["deps"] if dep.split("/")[0] in PACKAGES})

    @property
    def title(self) -> str:
        """What experiments and the block in docs/ are named after."""
        return f"{self.list_title} {self.name}" if self.name else self.list_title

    def experiment(self, run: Run) -> str:
        """Name of a run's experiment."""
        return f"{self.title.replace(' ', '-')}-{run.name}"


@dataclass(frozen=True)
class Experiment:
    """An experiment as `dvc exp show` has it."""

    state: str
    rev: str
    task: str | None  # its name in the queue
    pid: int | None
    params: Mapping[str, Any]
    metrics: Mapping[str, Any]


@dataclass(frozen=True)
class Examples:
    """The experiments of one commit, and the parameters of that commit and of the working tree."""

    commit: str
    here: Mapping[str, Any]
    base: Mapping[str, Any]
    experiments: Mapping[str, Experiment]


def dvc(*arguments: str) -> str:
    """What a `dvc` command prints; raises UserError with its last lines if it fails."""
    done = subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(" ".join(done.stderr.removeprefix("ERROR: ").split("\n\n")[0].split()) or f"dvc {arguments[0]} failed")
    return done.stdout


def show(recipe: Recipe, rev: str) -> Examples:
    """Read the experiments of a commit; tried again where a run began or ended just then."""
    for last in (False, False, True):
        try:
            here, base, *_ = json.loads(dvc("exp", "show", "--json", "--rev", rev))
            break
        except UserError:
            if last:
                raise
            time.sleep(PAUSE)
    found = [_experiment(entry, recipe) for entry in base["experiments"] or []]
    found.sort(key=lambda named: STATES.index(named[1].state), reverse=True)
    return Examples(base["rev"], _values(here, "params", recipe.params), _values(base, "params", recipe.params), dict(found))


def _experiment(entry: Mapping[str, Any], recipe: Recipe) -> tuple[str, Experiment]:
    revision, executor = entry["revs"][0], entry["executor"] or {}
    local = executor.get("local") or {}
    values = (_values(revision, kind, file) for kind, file in (("params", recipe.params), ("metrics", recipe.scores)))
    return entry["name"], Experiment(executor.get("state", "success"), revision["rev"], local.get("task_id"), local.get("pid"), *values)


def _values(revision: Mapping[str, Any], kind: str, file: str) -> Mapping[str, Any]:
    """The content of one file of parameters or metrics; empty where it is missing or damaged."""
    files = (revision["data"] or {}).get(kind) or {}
    return (files.get(file) or {}).get("data") or {}


def same_code(recipe: Recipe, *revisions: str) -> bool:
    """Whether two revisions, or one and the working tree, hold the same code."""
    return _same(recipe.code, *revisions)


def _same(paths: Sequence[str], *revisions: str) -> bool:
    status = subprocess.run(["git", "diff", "--quiet", *revisions, "--", *paths], cwd=ROOT, check=False).returncode
    if status not in (0, 1):
        raise UserError(f"git cannot compare {' and '.join(revisions)}")
    return status == 0


def origin(recipe: Recipe, commit: str, params: Mapping[str, Any]) -> str:
    """A hash of what a run is made of: a commit's code, and the parameters with the run's overrides."""
    objects = subprocess.run(["git", "ls-tree", commit, *recipe.code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return hashlib.sha256(f"{objects}{json.dumps(params, sort_keys=True)}".encode()).hexdigest()


def earlier_results(recipe: Recipe, runs: Sequence[Run], shown: Examples, out: Path) -> dict[str, Result]:
    """By name, the runs of which `out` has a result that was made of this commit's code and of the parameters that it would have now."""
    path = out / "results.json"
    document = read_json(path) if path.exists() else {}
    found: dict[str, Result] = {}
    try:
        for run in runs:
            with suppress(UserError):  # nothing was made of a parameter that there is not
                one = kept(document, run, origin(recipe, shown.commit, with_overrides(shown.base, run.overrides)))
                found |= {run.name: one} if one else {}
    except (AttributeError, KeyError, TypeError) as error:
        raise UserError(f"{path}: expected the results that this command writes, found others ({error}); restore the file or remove it") from None
    return found


def is_there(recipe: Recipe, run: Run, shown: Examples) -> bool:
    """Whether the run is done, or on its way, with the parameters and the code of the working tree; UserError where it cannot be."""
    expected = with_overrides(shown.here, run.overrides)
    experiment = shown.experiments.get(recipe.experiment(run))
    if experiment is None or experiment.state == "failed" or is_dead(experiment):
        return False
    return experiment.params == expected and same_code(recipe, experiment.rev)


def is_done(recipe: Recipe, run: Run, shown: Examples) -> bool:
    """Whether there is nothing to wait for."""
    return is_there(recipe, run, shown) and shown.experiments[recipe.experiment(run)].state == "success"


def is_dead(experiment: Experiment) -> bool:
    """Whether the queue believes in a process that is gone, as after a restart of the machine."""
    if experiment.state != "running" or experiment.pid is None:
        return False
    try:
        os.kill(experiment.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def clear(recipe: Recipe, run: Run, shown: Examples) -> None:
    """Remove what an earlier try of the run left: a failed, queued or outdated experiment."""
    name = recipe.experiment(run)
    experiment = shown.experiments.get(name)
    if experiment is None:
        return
    if experiment.state == "success":
        dvc("exp", "remove", f"refs/exps/{shown.commit[:2]}/{shown.commit[2:]}/{name}")  # the name alone may be another commit's
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


def queue_missing(recipe: Recipe, runs: Sequence[Run], shown: Examples) -> dict[str, str]:
    """Queue what is not there yet; returns why a run could not be queued, by its name."""
    faults = {}
    for run in runs:
        try:
            if is_there(recipe, run, shown):
                click.echo(f"{run.name}: {shown.experiments[recipe.experiment(run)].state}, not queued again")
                continue
            clear(recipe, run, shown)
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


def follow(tasks: Mapping[str, str], jobs: int) -> None:
    """Run the queue, `jobs` tasks at a time, and print the tasks' outputs, one after the other, until all of `tasks` (run -> task) have ended."""
    start_workers(jobs)
    for number, (name, task) in enumerate(tasks.items(), start=1):
        click.echo(f"== {name} ({number} of {len(tasks)})")
        since = time.monotonic()
        while (state := queue_states().get(task[:7])) in ("Queued", "Running"):
            if state == "Running":
                subprocess.run([sys.executable, "-m", "dvc", "queue", "logs", "--follow", task], cwd=ROOT, check=False)
            else:
                start_workers(jobs)
            time.sleep(PAUSE)
        click.echo(f"== {name}: {state}, {(time.monotonic() - since) / 60:.1f} min")


def waiting(recipe: Recipe, runs: Sequence[Run], shown: Examples) -> dict[str, str]:
    """Task of each run that has not ended yet, those that run first."""
    found = {run.name: shown.experiments.get(recipe.experiment(run)) for run in runs}
    unfinished = [(name, one) for name, one in found.items() if one and one.task and one.state in ("running", "queued")]
    return {name: str(one.task) for name, one in sorted(unfinished, key=lambda named: STATES.index(named[1].state))}


def result(recipe: Recipe, run: Run, shown: Examples, fault: str | None = None) -> Result:
    """What became of a run; `fault` says why it could not be queued."""
    experiment = shown.experiments.get(recipe.experiment(run))
    if fault:
        return Result(run, "failed", fault)
    if experiment is None or not is_made_of(experiment.params, experiment.params, run.overrides):
        return Result(run, "not run")
    if experiment.state == "failed":
        return Result(run, "failed", why_failed(experiment))
    if experiment.state != "success":
        return Result(run, "running")
    edited = is_edited(recipe, run, experiment, shown)
    return Result(run, "done", "", experiment.rev, edited, experiment.metrics, shown.commit, origin(recipe, shown.commit, experiment.params))


def result_or_earlier(recipe: Recipe, run: Run, shown: Examples, earlier: Mapping[str, Result], fault: str | None = None) -> Result:
    """The same; where there is no experiment of it, what is known from earlier."""
    found = result(recipe, run, shown, fault)
    return earlier.get(run.name, found) if found.state == "not run" else found


def why_failed(experiment: Experiment) -> str:
    """The first error in the output of a failed run."""
    try:
        lines = dvc("queue", "logs", str(experiment.task)).splitlines()
    except UserError as error:  # it ended before its first stage
        return str(error)
    errors = [line.partition(":")[2].strip() for line in lines if line.upper().startswith("ERROR:")]
    return errors[0] if errors else f"`dvc queue logs {str(experiment.task)[:7]}` says why"


def is_edited(recipe: Recipe, run: Run, experiment: Experiment, shown: Examples) -> bool:
    """Whether the experiment has code, or parameters besides its overrides, that its commit does not have."""
    return not is_made_of(experiment.params, shown.base, run.overrides) or not same_code(recipe, shown.commit, experiment.rev)


def sample_pictures(recipe: Recipe, results: Sequence[Result]) -> Iterator[tuple[str, bytes]]:
    """The sheet of samples of each run whose experiment is in this clone, as JPEG, by the run's name."""
    for result in results:
        named = f"{result.experiment}:{recipe.folder}metrics/samples/samples.png"
        shown = subprocess.run(["git", "show", named], cwd=ROOT, capture_output=True, check=False)
        if result.state == "done" and shown.returncode == 0:
            yield result.run.name, as_jpeg(shown.stdout)


def stacked(pictures: Mapping[str, bytes], names: Sequence[str]) -> bytes | None:
    """The pictures (JPEG) of the runs `names`, those that there are, one below the other under their names; None without any."""
    images = [(name, cv2.imdecode(np.frombuffer(pictures[name], np.uint8), cv2.IMREAD_COLOR)) for name in names if name in pictures]
    if not images:
        return None
    width = max(image.shape[1] for _, image in images)
    tiles = []
    for name, image in images:
        tile = np.full((TITLE + min(image.shape[0], ROWS_HEIGHT), width, 3), 255, np.uint8)
        tile[TITLE:, : image.shape[1]] = image[:ROWS_HEIGHT]
        cv2.putText(tile, name, (6, TITLE - 10), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (40, 40, 40), 1, cv2.LINE_AA)
        tiles.append(tile)
    return encode(np.concatenate(tiles)[..., ::-1], ".jpg")


def write_results(recipe: Recipe, listed: RunList, results: Sequence[Result], commit: str, out: Path) -> None:
    """Write the table, the figures and the plot below `out`, and table and plot where a page of docs/ has a place for them."""
    if all(one.state == "not run" for one in results):
        raise UserError(f"no experiment of commit {commit[:7]} belongs to the list; `python -m recipes.ablation run` makes them")
    text = table(results, listed.images, listed.scores)
    write_json(out / "results.json", to_json(results))
    write_text(out / "table.md", text)
    with atomic_file(out / "plot.png") as partial:
        plot(results).savefig(partial, dpi=120)
    pictures = dict(sample_pictures(recipe, results)) if listed.images or listed.figures else {}
    if listed.images:
        write_text(out / "page.html", page(listed, results, pictures))
    for name, runs in listed.figures.items():
        content = stacked(pictures, runs)
        if content is not None:
            with atomic_file(out / f"{name}.jpg") as partial:
                partial.write_bytes(content)
    for document in sorted((ROOT / "docs").glob("*.md")):
        before = document.read_text(encoding="utf-8")
        shown = f"{text}\n![the runs against their SSIM]({os.path.relpath(out / 'plot.png', document.parent)})\n"
        after = with_block(before, recipe.title, shown)
        if after != before:
            write_text(document, after)
    click.echo(text)


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
    @click.option("--list", "path", type=existing, default=RUNS, help="File of runs.  [default: recipes/ablation.yaml]")
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
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    shown, runs = show(recipe, commit), listed.runs
    earlier = earlier_results(recipe, runs, shown, out) if _same((*recipe.code, recipe.params), commit) else {}
    missing = [run for run in chosen if run.name not in earlier]
    for name in (run.name for run in chosen if run.name in earlier):
        click.echo(f"{name}: done at commit {earlier[name].commit[:7]}, not queued again")
    faults = queue_missing(recipe, missing, shown)
    if not all(run.name in faults or is_done(recipe, run, shown) for run in missing):
        follow(waiting(recipe, missing, show(recipe, commit)), jobs)
        shown = show(recipe, commit)
    results = [result_or_earlier(recipe, run, shown, earlier, faults.get(run.name)) for run in runs]
    write_results(recipe, listed, results, shown.commit, out)
    failed = [one.run.name for one in results if one.run in chosen and one.state != "done"]
    if failed:
        raise UserError(f"{len(failed)} of {len(chosen)} runs are without a result: {', '.join(failed)}")


@main.command("table")
@click.option("--rev", default="HEAD", show_default=True, help="Commit whose experiments are shown.")
@options
def table_command(recipe: Recipe, listed: RunList, chosen: Sequence[Run], out: Path, rev: str) -> None:
    """Write the table again from the experiments that are there."""
    shown = show(recipe, rev)
    earlier = earlier_results(recipe, chosen, shown, out)
    write_results(recipe, listed, [result_or_earlier(recipe, run, shown, earlier) for run in chosen], shown.commit, out)


if __name__ == "__main__":
    main()
