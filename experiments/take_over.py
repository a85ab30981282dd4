"""Results of lists of runs hold for code that computes the same, as the locks do (`recipes.take_over`)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from experiments.recipe import Recipe, origin, same_files
from experiments.runs import with_overrides
from pipeline.config.section import with_sizes
from pipeline.utils.errors import UserError
from pipeline.utils.files import read_json, write_json
from recipes.commits import git
from recipes.graph import PACKAGES, ROOT
from recipes.take_over import AGREES, STALE, TAKEN, new_values, other_values, proven_values, value_of

RESULTS = "results.json"


@dataclass(frozen=True)
class Outcome:
    """What became of the result of one run: `TAKEN`, `AGREES`, `STALE`, or why it was refused."""

    file: str
    run: str
    what: str


def take_over_results(base: str) -> list[Outcome]:
    """Let the committed results that hold at the commit `base` hold at the present one, and write them; returns what became of each."""
    commits = {name: git("rev-parse", "--verify", f"{commit}^{{commit}}").strip() for name, commit in (("base", base), ("new", "HEAD"))}
    outcomes = []
    for file in committed_results():
        document = read_json(ROOT / file)
        done = [entry for entry in document["runs"] if entry["state"] == "done" and not entry["edited"]]
        found = [Outcome(file, entry["name"], _take_over(_recipe(file), entry, commits["base"], commits["new"])) for entry in done]
        if any(one.what == TAKEN for one in found):
            write_json(ROOT / file, document)
        outcomes += found
    return outcomes


def summary(outcomes: Sequence[Outcome]) -> list[str]:
    """A line for each run that has to be made again although it held at the base, and the counts of each file."""
    lines = [f"{one.file}: {one.run}: refused: {one.what}" for one in outcomes if one.what not in (TAKEN, AGREES, STALE)]
    for file in sorted({one.file for one in outcomes}):
        counts = Counter(one.what if one.what in (TAKEN, AGREES, STALE) else "refused" for one in outcomes if one.file == file)
        lines.append(f"{file}: {counts.total()} runs: " + ", ".join(f"{count} {what}" for what, count in sorted(counts.items())))
    return lines


def committed_results() -> list[str]:
    """The files of results of all lists and recipes that are there still, relative to the root."""
    files = [file for file in git("ls-files", "-z", f"*/{RESULTS}").split("\0") if Path(file).match(f"metrics/*/{RESULTS}")]
    return [file for file in files if (ROOT / _recipe(file).graph).is_file()]


def _recipe(file: str) -> Recipe:
    """The recipe whose results are in `file`, as in recipes/full/metrics/ablation/results.json."""
    first, second, *_ = Path(file).parts
    return Recipe(second if first == "recipes" else None, Path(file).parent.name)


def _take_over(recipe: Recipe, entry: dict[str, Any], base: str, new: str) -> str:
    """What becomes of a result, as in `Outcome`; `entry`, as `results.json` has it, is changed where it is taken over."""
    latest = entry.get("same_as") or entry["commit"]
    paths = *PACKAGES, recipe.graph, f"{recipe.folder}data/dvc.yaml", recipe.params
    try:
        if same_files(paths, latest, new):
            return AGREES
        if not same_files(paths, latest, base):
            return STALE
        params = _params(recipe, new, entry["set"])
        made_of = origin(recipe, new, params)
        fault = _why_not(with_sizes(_params(recipe, base, entry["set"])), with_sizes(params), proven_values(ROOT, ROOT / recipe.graph))
    except UserError as error:  # a commit that is not in this clone, or a parameter that is gone
        return str(error)
    if not fault:
        entry |= {"origin": made_of, "same_as": new}
    return fault or TAKEN


def _params(recipe: Recipe, commit: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
    return with_overrides(YAML(typ="safe").load(git("show", f"{commit}:{recipe.params}")), overrides)


def _why_not(old: Mapping[str, Any], new: Mapping[str, Any], proven: Mapping[str, Any]) -> str:
    """Why parameters do not mean the same; empty where they do. New ones do at the values with which `make identical` ran."""
    if changed := list(other_values(old, new)):
        return f"other values than before: {', '.join(changed)}"
    untried = [name for name, value in new_values(old, new) if value_of(proven, name) != value]
    return f"new parameters, and other values than `make identical` ran with: {', '.join(untried)}" if untried else ""
