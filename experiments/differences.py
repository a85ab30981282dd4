"""How far runs are apart on the same pairs: worked out from the file of cases of each, and kept in `results.json`, which outlives DVC's cache."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from experiments.recipe import Recipe
from experiments.results import Result
from experiments.runs import RunList
from pipeline.comparison.compare import compare
from pipeline.config.section import Section, parse
from pipeline.evaluation.examples.cases import Cases
from pipeline.utils.errors import UserError
from pipeline.utils.files import read_json
from pipeline.utils.numbers import rounded
from pose25d.compare import CASES, read_revision
from recipes.graph import ROOT

Bounds = tuple[float, float, float]  # second - first, and what encloses it with 95 % confidence over people


class Compared(Section):
    """Two runs: their names, the commits of the experiments that were compared, and by image and score how far the second is from the first,
    pair by pair."""

    first: str
    second: str
    experiments: tuple[str, str]
    scores: dict[str, dict[str, Bounds]]


class _Run(BaseModel):
    """What `results.json` has of a run, as far as it matters here."""

    name: str
    metrics: dict[str, Any] | None


class _Kept(Section):
    """What `results.json` has of runs and of their differences."""

    runs: tuple[_Run, ...] = ()
    compared: tuple[Compared, ...] = ()


def kept_differences(path: Path, results: Sequence[Result]) -> tuple[Compared, ...]:
    """Those in the `results.json` at `path`, if it is there, of runs whose figures are in `results` what they are in the file.

    Whoever makes a run again, to the same figures, has the same scores of every pair. Raises UserError where this package did not write the file.
    """
    if not path.exists():
        return ()
    document = read_json(path)
    kept = parse(_Kept, {name: document.get(name, []) for name in ("runs", "compared")}, str(path), hint="restore the file or remove it")
    figures = {one.name: one.metrics for one in kept.runs}
    same = {one.run.name for one in results if one.metrics and figures.get(one.run.name) == one.metrics}
    return tuple(one for one in kept.compared if {one.first, one.second} <= same)


def find_differences(recipe: Recipe, listed: RunList, results: Sequence[Result], kept: Sequence[Compared]) -> list[Compared]:
    """Those that the list asks for, of runs that are done: as they are kept, else from the files of cases in DVC's cache, else left out."""
    done = {one.run.name: one.experiment for one in results if one.state == "done" and one.experiment}
    known = {(one.first, one.second): one for one in kept}
    cases: dict[str, Cases | None] = {}
    found = []
    for first, second in wanted(listed):
        if first in done and second in done:
            one = known.get((first, second)) or _compare(recipe, listed, (first, second), done, cases)
            found += [one] if one else []
    return found


def wanted(listed: RunList) -> Iterator[tuple[str, str]]:
    """Which runs are compared: the one that the list names with all others, and those that differ in the seed alone."""
    pairs = [(listed.against, run.name) for run in listed.runs if listed.against and run.name != listed.against]
    yield from dict.fromkeys([*pairs, *listed.seeds])


def incomparable(recipe: Recipe, listed: RunList, results: Mapping[str, Result], made: Collection[str]) -> set[str]:
    """Of runs with a result, those that are compared with one of the runs that are to be `made`, but whose scores of every pair are not here."""
    partners = {name for pair in wanted(listed) if set(pair) & set(made) for name in pair} - set(made)
    return {name for name in partners & results.keys() if _cases(recipe, str(results[name].experiment)) is None}


def _compare(recipe: Recipe, listed: RunList, names: tuple[str, str], done: Mapping[str, str], cases: dict[str, Cases | None]) -> Compared | None:
    """Two runs, or None where one has no cases here, or where they scored other pairs; cases : what was read so far."""
    for name in names:
        if name not in cases:
            cases[name] = _cases(recipe, done[name])
    first, second = (cases[name] for name in names)
    if first is None or second is None:
        return None
    with suppress(UserError):
        scores = {image: _bounds(first, second, image) for image in listed.shown_images}
        return Compared(first=names[0], second=names[1], experiments=(done[names[0]], done[names[1]]), scores=scores)
    return None


def _cases(recipe: Recipe, experiment: str) -> Cases | None:
    with suppress(UserError):
        return read_revision(experiment, f"{recipe.folder}{CASES}", ROOT)
    return None


def _bounds(first: Cases, second: Cases, image: str) -> dict[str, Any]:
    found = {one.score: (one.difference, one.low, one.high) for one in compare(first, second, image)}
    return {score: tuple(map(rounded, values)) for score, values in found.items() if all(map(math.isfinite, values))}
