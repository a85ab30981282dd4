"""The locks agree with code that computes the same: `python -m recipes.take_over BASE`, after `make identical BASE=<BASE>` found no difference.

Each stage of each dvc.lock gets the present command, parameters and hashes of its code; what it read and wrote keeps the hashes that stand in the
lock, whether or not this machine has the files. A stage stays as it is, is named, and has to run, where its results are not known to be those of the
present code: its lock did not agree with the code of the commit BASE, a parameter has another value, or is new and has not the value with which
`make identical` ran (recipes/tiny), or it reads or writes what the lock does not know. Exit status 1 says that a stage is among them that was up to
date at BASE.
"""

import logging
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from dvc.dependency import ParamsDependency
from dvc.output import Output
from dvc.repo import Repo
from dvc.stage import PipelineStage
from ruamel.yaml import YAML

from pipeline.config.section import with_sizes
from pipeline.utils.errors import UserError
from pipeline.utils.files import write_text
from recipes.commits import base_and_present, clone_commit, git
from recipes.graph import PACKAGES, ROOT
from recipes.identical import TINY

LOCK = "dvc.lock"
TAKEN, AGREES, STALE = "taken over", "agreed already", "out of date at the base already"


@dataclass(frozen=True)
class Outcome:
    """What became of one stage of a lock: `TAKEN`, `AGREES`, `STALE`, or why it was refused."""

    lock: str
    stage: str
    what: str

    @property
    def refused(self) -> bool:
        """Whether the stage was up to date at the base, and is no more."""
        return self.what not in (TAKEN, AGREES, STALE)


@click.command(help=__doc__)
@click.argument("base")
def main(base: str) -> None:
    """Let the locks agree with the present code."""
    logging.getLogger("dvc").setLevel(logging.WARNING)  # not a line per stage
    try:
        outcomes = take_over(base)
    except UserError as error:
        raise click.ClickException(str(error)) from error
    for line in summary(outcomes):
        click.echo(line)
    sys.exit(any(outcome.refused for outcome in outcomes))


def take_over(base: str, root: Path = ROOT) -> list[Outcome]:
    """Write the locks of the repository at `root`; returns what became of each stage."""
    commits = base_and_present(base, root)
    with tempfile.TemporaryDirectory() as folder:
        clones = {name: Path(folder) / name for name in commits}
        for name, commit in commits.items():
            clone_commit(commit, clones[name], root)
        locks = [name for name in git("ls-files", "-z", root=root).split("\0") if Path(name).name == LOCK]
        for lock in locks:
            if (clones["base"] / lock).parent.is_dir():
                shutil.copy(clones["new"] / lock, clones["base"] / lock)
        config = {"core": {"site_cache_dir": str(Path(folder) / "site")}}
        with Repo(str(clones["base"]), config=config) as before, Repo(str(clones["new"]), config=config) as present:
            old, new = _stages(before, locks), _stages(present, locks)
            outcomes = [Outcome(lock, name, _verdict(old.get((lock, name)), stage)) for (lock, name), stage in new.items()]
            for lock in {outcome.lock for outcome in outcomes if outcome.what == TAKEN}:
                write_lock([new[lock, outcome.stage] for outcome in outcomes if (outcome.lock, outcome.what) == (lock, TAKEN)])
                write_text(root / lock, (clones["new"] / lock).read_text(encoding="utf-8"))
    return outcomes


def summary(outcomes: Sequence[Outcome]) -> list[str]:
    """A line for each stage that has to run, and the counts of each lock."""
    lines = [
        f"{outcome.lock}: {outcome.stage}: {'refused: ' if outcome.refused else ''}{outcome.what}"
        for outcome in outcomes
        if outcome.what not in (TAKEN, AGREES)
    ]
    for lock in sorted({outcome.lock for outcome in outcomes}):
        counts = Counter("refused" if outcome.refused else outcome.what for outcome in outcomes if outcome.lock == lock)
        lines.append(f"{lock}: {counts.total()} stages: " + ", ".join(f"{count} {what}" for what, count in sorted(counts.items())))
    return lines


def _stages(repo: Repo, locks: Sequence[str]) -> dict[tuple[str, str], PipelineStage]:
    """The stages of the graphs that have one of the `locks`, by lock and name, filled with what stands in the lock."""
    found = {}
    for stage in repo.index.stages:
        lock = Path(stage.path).with_name(LOCK).relative_to(repo.root_dir).as_posix()
        if lock in locks:
            found[lock, stage.name] = stage
    return dict(sorted(found.items()))


def _verdict(before: PipelineStage | None, stage: PipelineStage) -> str:
    """What becomes of a stage, as in `Outcome`; `before` is the stage with the code of the base."""
    return AGREES if agrees(stage) else why_not(before, stage) or TAKEN


def agrees(stage: PipelineStage) -> bool:
    """Whether the lock holds the command, the parameters and the code of the commit that the stage was loaded from."""
    return not stage.cmd_changed and not any(dep.workspace_status() for dep in stage.deps if _is_derived(dep)) and not _unknown(stage)


def why_not(before: PipelineStage | None, stage: PipelineStage) -> str:
    """Why the results in a lock are not known to be those of `stage`; empty where they are."""
    if before is None:
        return "the base has no such stage"
    if not agrees(before):
        return STALE
    if unknown := _unknown(stage):
        return f"its lock has nothing of {', '.join(unknown)}"
    parameters = [(dep.hash_info.value or {}, _numbers(dep)) for dep in stage.deps if isinstance(dep, ParamsDependency)]
    if changed := [name for old, new in parameters for name in other_values(old, new)]:
        return f"other values than in its lock: {', '.join(changed)}"
    proven = proven_values(Path(stage.repo.root_dir), Path(stage.path))
    untried = [name for old, new in parameters for name, value in new_values(old, new) if value_of(proven, name) != value]
    return f"new parameters, and other values than `make identical` ran with: {', '.join(untried)}" if untried else ""


def _numbers(dep: ParamsDependency) -> dict[str, Any]:
    """The parameters of a stage by name; null that follows the size of the images is the number that the stage reads."""
    written = dep.read_params()
    values = with_sizes(YAML(typ="safe").load(Path(dep.fs_path)))
    return {name: value_of(values, name) for name in written}


def proven_values(root: Path, graph: Path) -> dict[str, Any]:
    """The parameters with which `make identical` runs the graph in the file `graph` of the repository at `root`: those of recipes/tiny."""
    yaml, place = YAML(typ="safe"), graph.relative_to(root).parts
    recipe = place[1] if place[0] == "recipes" else ""
    changes = root / TINY / f"{recipe}.yaml"
    if not changes.is_file():
        return dict(yaml.load(root / TINY / "params.yaml"))
    values = dict(yaml.load(root / "recipes" / recipe / "params.yaml"))
    return values | {section: values[section] | changed for section, changed in yaml.load(changes).items()}


def value_of(values: Any, name: str) -> Any:
    """What stands in nested `values` by a name with dots; None where nothing does."""
    for key in name.split("."):
        values = values.get(key) if isinstance(values, dict) else None
    return values


def write_lock(stages: Sequence[PipelineStage]) -> None:
    """Write stages into their lock: command, parameters and code as they are, the hashes of all other files as they stand there."""
    for dep in (dep for stage in stages for dep in stage.deps if _is_derived(dep)):
        dep.save()
    stages[0].dvcfile.dump_stages(stages, update_pipeline=False)


def _is_derived(dep: Output) -> bool:
    """Whether a dependency is known from the commit alone: parameters, and code."""
    return isinstance(dep, ParamsDependency) or (dep.is_in_repo and Path(dep.fs_path).relative_to(dep.repo.root_dir).parts[0] in PACKAGES)


def _unknown(stage: PipelineStage) -> list[str]:
    """What a stage reads, besides code and parameters, or writes, and its lock has no hash of."""
    files = [*(dep for dep in stage.deps if not _is_derived(dep)), *stage.outs]
    return [str(file.def_path) for file in files if not file.hash_info]


def other_values(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """Names of parameters that are in both and have another value; not those that are new, or gone."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() & new.keys()):
            yield from other_values(old[name], new[name], f"{path}.{name}" if path else name)
    elif old != new:
        yield path


def new_values(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Names and values of parameters of which the lock knows nothing."""
    for name, value in new.items():
        place = f"{path}.{name}" if path else name
        if name not in old:
            yield place, value
        elif isinstance(value, dict) and isinstance(old[name], dict):
            yield from new_values(old[name], value, place)


if __name__ == "__main__":
    main()
