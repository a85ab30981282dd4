"""What became of each run: from its experiment, or from what an earlier commit holds of it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from experiments.commands import dvc
from experiments.minutes import training_minutes
from experiments.recipe import Recipe, origin, same_code
from experiments.runs import Run, is_made_of, with_overrides
from experiments.scores import order_of
from experiments.snapshot import Experiment, Snapshot
from pipeline.utils.errors import UserError
from pipeline.utils.files import read_json

KEPT = ("state", "reason", "experiment", "edited", "metrics", "commit", "origin", "same_as", "minutes")  # of a result, in `results.json`
NEWER = ("same_as", "minutes")  # of these, what older files do not have


@dataclass(frozen=True)
class Result:
    """What became of a run: `done`, `failed`, `running` or `not run`, and its figures if it is done."""

    run: Run
    state: str
    reason: str = ""
    experiment: str | None = None  # the commit that holds code, parameters and figures
    edited: bool = False  # made with code or parameters that the commit below it does not have
    metrics: Mapping[str, Any] | None = None
    commit: str = ""  # the one below the experiment
    origin: str = ""  # a hash of that commit's code and the run's parameters; of those of `same_as` where there is one
    same_as: str = ""  # a later commit, whose code computes the same
    minutes: Mapping[str, float] = field(default_factory=dict)  # of training until an image can be painted, by image


def kept(document: Mapping[str, Any], run: Run, origin: str) -> Result | None:
    """The result of a run in an earlier `results.json`, if it was made of the same code and parameters; None where there is none."""
    for entry in document.get("runs", []):
        if entry["state"] == "done" and not entry["edited"] and (entry["name"], entry["origin"]) == (run.name, origin):
            return from_entry(entry, run)
    return None


def from_entry(entry: Mapping[str, Any], run: Run) -> Result:
    """What `results.json` says of a run."""
    return Result(run, **{name: entry[name] for name in KEPT if name in entry or name not in NEWER})


def earlier_results(recipe: Recipe, runs: Sequence[Run], snapshot: Snapshot, out: Path) -> dict[str, Result]:
    """By name, the runs of which `out` has a result that was made of this commit's code and of the parameters that it would have now."""
    path = out / "results.json"
    document = read_json(path) if path.exists() else {}
    found: dict[str, Result] = {}
    try:
        for run in runs:
            with suppress(UserError):  # nothing was made of a parameter that there is not
                one = kept(document, run, origin(recipe, snapshot.commit, with_overrides(snapshot.base, run.overrides)))
                found |= {run.name: one} if one else {}
    except (AttributeError, KeyError, TypeError) as error:
        raise UserError(f"{path}: expected the results that this command writes, found others ({error}); restore the file or remove it") from None
    return found


def result(recipe: Recipe, run: Run, snapshot: Snapshot, fault: str | None = None) -> Result:
    """What became of a run; `fault` says why it could not be queued."""
    experiment = snapshot.experiments.get(recipe.experiment(run))
    if fault:
        return Result(run, "failed", fault)
    if experiment is None or not is_made_of(experiment.params, experiment.params, run.overrides):
        return Result(run, "not run")
    if experiment.state == "failed":
        return Result(run, "failed", why_failed(experiment))
    if experiment.state != "success":
        return Result(run, "running")
    edited = is_edited(recipe, run, experiment, snapshot)
    made_of = origin(recipe, snapshot.commit, experiment.params)
    minutes = training_minutes(experiment.task)
    return Result(run, "done", "", experiment.rev, edited, experiment.metrics, snapshot.commit, made_of, minutes=minutes)


def result_or_earlier(recipe: Recipe, run: Run, snapshot: Snapshot, earlier: Mapping[str, Result], fault: str | None = None) -> Result:
    """The same; where there is no experiment of it, what is known from earlier, and where it was not trained again, how long that took then."""
    found, before = result(recipe, run, snapshot, fault), earlier.get(run.name)
    if before is None or found.state == "not run":
        return before or found
    return found if found.minutes or found.metrics != before.metrics else replace(found, minutes=before.minutes)


def why_failed(experiment: Experiment) -> str:
    """The first error in the output of a failed run."""
    try:
        lines = dvc("queue", "logs", str(experiment.task)).splitlines()
    except UserError as error:  # it ended before its first stage
        return str(error)
    errors = [line.partition(":")[2].strip() for line in lines if line.upper().startswith("ERROR:")]
    return errors[0] if errors else f"`dvc queue logs {str(experiment.task)[:7]}` says why"


def is_edited(recipe: Recipe, run: Run, experiment: Experiment, snapshot: Snapshot) -> bool:
    """Whether the experiment has code, or parameters besides its overrides, that its commit does not have."""
    return not is_made_of(experiment.params, snapshot.base, run.overrides) or not same_code(recipe, snapshot.commit, experiment.rev)


def to_json(results: Sequence[Result]) -> dict[str, Any]:
    """The runs that the table is made from: each with its overrides, what it was made of, and all its metrics."""
    return {
        "runs": [
            {"name": result.run.name, "about": result.run.about, "set": result.run.overrides, **{name: getattr(result, name) for name in KEPT}}
            for result in results
        ]
    }


def has_order(results: Sequence[Result]) -> bool:
    """Whether any run was judged by the order of limbs."""
    return any(order_of(result.metrics or {}, "refined")[0] is not None for result in results)
