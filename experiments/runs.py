"""A list of runs: what each is called, what it is, and which parameters it changes."""

import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from experiments.scores import DEFAULT_SCORES, IMAGE_SCORES
from pipeline.config.section import Section, parse
from pipeline.utils.errors import UserError
from pipeline.utils.params_file import read_params


class Run(Section):
    """One run of the list: its name, what it is, and the parameters that differ from the file of parameters."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    about: str = Field(min_length=1)
    overrides: dict[str, Any] = Field(alias="set")


class RunList(Section):
    """The file of runs; `shared` holds what several runs have in common, as YAML anchors.

    title : what experiments, results and the place of the table are named after; images : those that have a row each in the table, of all
    runs, beside the true images and the baselines; without any the table has a row per run, its refined image; heading : of the page that
    such a list gets; scores : columns of its table, as far as they are known; figures : pictures of several runs one below the other, by name;
    against : the run that all others are compared with, pair by pair; seeds : runs that differ in the seed of the training alone
    """

    title: str = Field(default="ablation", pattern=r"^[a-z]+$")
    heading: str = "The same pairs"
    images: tuple[Literal["coarse", "refined"], ...] = ()
    scores: tuple[str, ...] = DEFAULT_SCORES
    figures: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    against: str | None = None
    seeds: tuple[tuple[str, str], ...] = ()
    shared: dict[str, Any] = Field(default_factory=dict)
    runs: tuple[Run, ...] = Field(min_length=1)

    @property
    def shown_images(self) -> tuple[str, ...]:
        """The images of each run that its table shows."""
        return self.images or ("refined",)


def read_list(path: Path) -> RunList:
    """Read a list of runs; raise UserError where it is not one, or where a name stands twice."""
    found = parse(RunList, read_params(path), str(path), hint="see the comment at the top of experiments/ablation.yaml")
    twice = [name for name, count in Counter(run.name for run in found.runs).items() if count > 1]
    if twice:
        raise UserError(f"{path}: expected every run's name once, found several runs named {', '.join(twice)}")
    unknown = [name for name in found.scores if name not in IMAGE_SCORES]
    if unknown:
        raise UserError(f"{path}: scores: {', '.join(unknown)}: unknown; there are {', '.join(IMAGE_SCORES)}")
    choose(found.runs, " ".join([found.against or "", *(name for pair in found.seeds for name in pair)]))
    for name, runs in found.figures.items():
        if not runs:
            raise UserError(f"{path}: figures.{name}: expected names of runs, found none")
        choose(found.runs, " ".join(runs))
    return found


def choose(runs: Sequence[Run], names: str) -> list[Run]:
    """The runs that `names` lists, separated by spaces or commas; all of them where it is empty."""
    wanted = names.replace(",", " ").split()
    unknown = [name for name in wanted if name not in {run.name for run in runs}]
    if unknown:
        raise UserError(f"no run is named {', '.join(unknown)}; there are: {', '.join(run.name for run in runs)}")
    return [run for run in runs if not wanted or run.name in wanted]


def with_overrides(params: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """`params` with each `section.key` of `overrides` replaced; raises UserError where there is no such parameter."""
    changed = copy.deepcopy(dict(params))
    for name, value in overrides.items():
        *path, key = name.split(".")
        section: Any = changed
        for part in path:
            section = section.get(part) if isinstance(section, dict) else None
        if not isinstance(section, dict) or key not in section:
            raise UserError(f"there is no parameter {name}")
        section[key] = value
    return changed


def is_made_of(params: Mapping[str, Any], base: Mapping[str, Any], overrides: Mapping[str, Any]) -> bool:
    """Whether `params` are those of `base` with `overrides`."""
    try:
        return with_overrides(base, overrides) == params
    except UserError:
        return False
