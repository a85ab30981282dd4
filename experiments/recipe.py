"""Where a recipe's graph, parameters and scores lie, and what its results are made of."""

import hashlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from experiments.runs import Run
from pipeline.utils.errors import UserError
from recipes.commits import git
from recipes.graph import ROOT, code_deps, kind_of_graph


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

    @cached_property
    def code(self) -> tuple[str, ...]:
        """What decides, next to the parameters, what a run computes: the graphs, and all that their stages import."""
        graphs = self.graph, f"{self.folder}data/dvc.yaml"
        named = {dep for graph in graphs for stage in YAML(typ="safe").load(ROOT / graph)["stages"].values() for dep in stage["deps"]}
        stages = (dep for dep in named if dep.startswith("stages/"))
        kind = kind_of_graph(self.graph)
        return *graphs, *sorted({file for stage in stages for file in code_deps(Path(stage).stem, kind)})

    @property
    def title(self) -> str:
        """What experiments and the place of the table are named after."""
        return f"{self.list_title} {self.name}" if self.name else self.list_title

    def experiment(self, run: Run) -> str:
        """Name of a run's experiment."""
        return f"{self.title.replace(' ', '-')}-{run.name}"


def same_code(recipe: Recipe, *revisions: str) -> bool:
    """Whether two revisions, or one and the working tree, hold the same code."""
    return same_files(recipe.code, *revisions)


def same_files(paths: Sequence[str], *revisions: str) -> bool:
    """Whether two revisions, or one and the working tree, hold the same content at these paths."""
    status = subprocess.run(["git", "diff", "--quiet", *revisions, "--", *paths], cwd=ROOT, check=False).returncode
    if status not in (0, 1):
        raise UserError(f"git cannot compare {' and '.join(revisions)}")
    return status == 0


def origin(recipe: Recipe, commit: str, params: Mapping[str, Any]) -> str:
    """A hash of what a run is made of: a commit's code, and the parameters with the run's overrides."""
    return hashlib.sha256(f"{git('ls-tree', commit, *recipe.code)}{json.dumps(params, sort_keys=True)}".encode()).hexdigest()
