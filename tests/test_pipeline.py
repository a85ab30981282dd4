"""The whole pipeline in a fresh clone on the tiny recipe: one chain, run once, serves every test here."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TINY = "recipes/tiny"
GRAPH = f"{TINY}/dvc.yaml"
GRAPHS = (GRAPH, f"{TINY}/data/dvc.yaml")
EVERY_STAGE = {"validate", "synthesize", "index", "extract", "project", "pack", "pair", "train_g1", "train_g2", "evaluate", "report"}


@dataclass
class Clone:
    """A clone of the project, and how to run commands in it."""

    path: Path
    env: dict[str, str]

    def run(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self.path, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
        return done.stdout + done.stderr

    def dvc(self, *command: str) -> str:
        return self.run(sys.executable, "-m", "dvc", *command)

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--allow-empty", "--message", message)

    def outputs(self) -> dict[str, bytes]:
        """Every file that the tiny recipe has made, by name."""
        folders = [self.path / TINY / name for name in ("data", "models", "metrics")]
        files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
        return {str(file.relative_to(self.path)): file.read_bytes() for file in files}


def stages_run(log: str) -> set[str]:
    """Names of the stages that ran (matrix stages without their subject)."""
    return set(re.findall(r"Running stage '(?:[^':]*:)?(\w+)[@']", log))


def clone_of_the_working_tree(folder: Path, private: Path) -> Clone:
    """What git tracks, as it is now, in a repository of its own."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, tracked):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "DVC_", "PYTEST_"))}
    env |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(private),
        **{f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in (("NAME", "A User"), ("EMAIL", "user@example.com"))},
    }
    clone = Clone(folder, env)
    clone.run("git", "init", "--quiet", "--initial-branch=main")
    clone.run("git", "config", "user.name", "A User")
    clone.run("git", "config", "user.email", "user@example.com")
    clone.commit("The project as it is")
    return clone


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clone, str]:
    """A fresh clone in which the tiny recipe has run once, and what `dvc repro` said."""
    clone = clone_of_the_working_tree(tmp_path_factory.mktemp("clone") / "pose25d", tmp_path_factory.mktemp("site"))
    log = clone.dvc("repro", GRAPH)
    clone.commit("Results of the tiny recipe")
    return clone, log


def test_one_command_runs_every_stage(chain: tuple[Clone, str]) -> None:
    clone, log = chain
    assert stages_run(log) == EVERY_STAGE
    scores = json.loads((clone.path / TINY / "metrics" / "test.json").read_text(encoding="utf-8"))
    assert scores["pairs"] > 0
    assert 0 < scores["refined"]["ssim"] <= 1
    assert scores["depth"]["label_accuracy"] > 0.5
    report = (clone.path / TINY / "metrics" / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"""(?:src|href)=["']?http""", report)


def test_nothing_runs_twice(chain: tuple[Clone, str]) -> None:
    clone, _ = chain
    assert stages_run(clone.dvc("repro", GRAPH)) == set()
    assert clone.run("git", "status", "--porcelain") == ""


def test_a_thicker_torso_projects_again_and_decodes_nothing(chain: tuple[Clone, str]) -> None:
    clone, _ = chain
    params = clone.path / TINY / "params.yaml"
    before = params.read_text(encoding="utf-8")
    params.write_text(before.replace("torso_thickness: 240", "torso_thickness: 200"), encoding="utf-8")
    try:
        would_run = set(re.findall(r"^(?:[^':\s]*:)?(\w+)(?:@\S+)?:$", clone.dvc("status", GRAPH), re.MULTILINE))
    finally:
        params.write_text(before, encoding="utf-8")
    assert {"validate", "project"} <= would_run
    assert not would_run & {"synthesize", "extract", "train_g1", "pair"}


def test_an_experiment_runs_what_its_parameter_touches_and_metrics_diff_compares_branches(chain: tuple[Clone, str]) -> None:
    clone, _ = chain
    log = clone.dvc("exp", "run", "--name", "lambda-50", "--set-param", f"{TINY}/params.yaml:model.lambda=50", GRAPH)
    assert stages_run(log) == {"validate", "train_g2", "evaluate", "report"}
    clone.run("git", "checkout", "--quiet", "-b", "lambda-50")
    clone.commit("An experiment")
    clone.run("git", "checkout", "--quiet", "main")
    plain = Clone(clone.path.parent / "plain", clone.env)
    clone.run("git", "clone", "--quiet", str(clone.path), str(plain.path))
    diff = json.loads(plain.dvc("metrics", "diff", "--json", "main", "origin/lambda-50"))
    changes = diff[f"{TINY}/metrics/test.json"]
    assert {"refined.ssim", "refined.mask_l1"} <= set(changes)
    assert "coarse.ssim" not in changes
    clone.dvc("checkout", "--quiet", *GRAPHS)


def test_two_clean_runs_give_the_same_bytes(chain: tuple[Clone, str], tmp_path: Path) -> None:
    clone, _ = chain
    other = clone_of_the_working_tree(tmp_path / "other", tmp_path / "site")
    log = other.dvc("repro", GRAPH)
    assert stages_run(log) == EVERY_STAGE
    clone.run("git", "checkout", "--quiet", "--force", "main")
    clone.dvc("checkout", "--force", "--quiet", *GRAPHS)
    first, second = clone.outputs(), other.outputs()
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name] and not name.endswith("dvc.lock")] == []


def test_a_mistyped_value_stops_before_any_work(chain: tuple[Clone, str]) -> None:
    clone, _ = chain
    command = [sys.executable, "-m", "dvc", "exp", "run", "--set-param", f"{TINY}/params.yaml:train_g1.steps=many", GRAPH]
    done = subprocess.run(command, cwd=clone.path, env=clone.env, capture_output=True, text=True, check=False)
    clone.run("git", "checkout", "--quiet", "--force", "main")
    assert done.returncode != 0
    assert stages_run(done.stdout + done.stderr) == {"validate"}
    assert "train_g1.steps = 'many'" in done.stdout + done.stderr
