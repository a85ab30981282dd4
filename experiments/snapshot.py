"""The experiments of one commit, as DVC has them."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.commands import dvc
from experiments.recipe import Recipe
from pipeline.utils.errors import UserError

PAUSE = 2  # s between two tries
STATES = ("running", "queued", "success", "failed")  # the first of them counts where one name stands twice


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
class Snapshot:
    """The experiments of one commit, and the parameters of that commit and of the working tree."""

    commit: str
    here: Mapping[str, Any]
    base: Mapping[str, Any]
    experiments: Mapping[str, Experiment]


def read_snapshot(recipe: Recipe, rev: str) -> Snapshot:
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
    return Snapshot(base["rev"], _values(here, "params", recipe.params), _values(base, "params", recipe.params), dict(found))


def _experiment(entry: Mapping[str, Any], recipe: Recipe) -> tuple[str, Experiment]:
    revision, executor = entry["revs"][0], entry["executor"] or {}
    local = executor.get("local") or {}
    values = (_values(revision, kind, file) for kind, file in (("params", recipe.params), ("metrics", recipe.scores)))
    return entry["name"], Experiment(executor.get("state", "success"), revision["rev"], local.get("task_id"), local.get("pid"), *values)


def _values(revision: Mapping[str, Any], kind: str, file: str) -> Mapping[str, Any]:
    """The content of one file of parameters or metrics; empty where it is missing or damaged."""
    files = (revision["data"] or {}).get(kind) or {}
    return (files.get(file) or {}).get("data") or {}


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
