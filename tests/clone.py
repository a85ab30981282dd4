"""A clone of the project to run whole commands in, for the tests that need the real thing."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
TINY = "recipes/tiny"
GRAPH = f"{TINY}/dvc.yaml"
NOTE_MODULES = """
import atexit, os, sys

def note():
    stages = [word.partition(".")[2] for word in sys.orig_argv if word.startswith("stages.")]
    files = {os.path.relpath(module.__file__) for name, module in sys.modules.items() if name.split(".")[0] == "pipeline" and module.__file__}
    if stages:
        with open(os.path.join(os.path.dirname(__file__), "loaded", f"{stages[0]}.txt"), "a") as out:
            out.writelines(f"{file}\\n" for file in files if not file.endswith("__init__.py"))

atexit.register(note)
"""  # what every Python process of a clone runs when it starts


@dataclass
class Clone:
    """A clone of the project, and how to run commands in it."""

    path: Path
    env: dict[str, str]
    private: Path  # a folder outside of it, for what the machine would keep elsewhere

    def run(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self.path, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
        return done.stdout + done.stderr

    def failing(self, *command: str) -> str:
        """What a command says that has to fail."""
        done = subprocess.run(command, cwd=self.path, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode != 0, done.stdout
        return done.stdout + done.stderr

    def dvc(self, *command: str) -> str:
        return self.run(sys.executable, "-m", "dvc", *command)

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--allow-empty", "--message", message)

    def loaded_unnamed(self, *graphs: str) -> list[str]:
        """Files of the library that stages have loaded while they ran and that their graphs do not name, with the stage."""
        stages = {name: stage for graph in graphs for name, stage in YAML(typ="safe").load(self.path / graph)["stages"].items()}
        found = []
        for note in sorted((self.private / "loaded").iterdir()):
            deps = set(stages[note.stem]["deps"])
            files = sorted(set(note.read_text(encoding="utf-8").splitlines()))
            found += [f"{note.stem}: {file}" for file in files if not deps & {file, *map(str, Path(file).parents)}]
        return found

    def outputs(self) -> dict[str, bytes]:
        """Every file that the tiny recipe has made, by name."""
        folders = [self.path / TINY / name for name in ("data", "models", "metrics")]
        files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
        return {str(file.relative_to(self.path)): file.read_bytes() for file in files}


def stages_run(log: str) -> set[str]:
    """Names of the stages that ran (matrix stages without their subject)."""
    return set(re.findall(r"Running stage '(?:[^':]*:)?(\w+)[@']", log))


def clone_of_the_working_tree(folder: Path, private: Path) -> Clone:
    """What git tracks, as it is now, in a repository of its own; with it goes what numba has compiled, which takes long to compile again."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    machine_code = [str(file.relative_to(ROOT)) for file in (ROOT / "pipeline").rglob("__pycache__/*.nb[ci]")]
    for name in filter(None, [*tracked, *machine_code]):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "DVC_", "PYTEST_"))}
    (private / "loaded").mkdir(parents=True)
    (private / "sitecustomize.py").write_text(NOTE_MODULES, encoding="utf-8")
    env |= {
        "PYTHONPATH": str(private),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(private),
        **{f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in (("NAME", "A User"), ("EMAIL", "user@example.com"))},
    }
    clone = Clone(folder, env, private)
    clone.run("git", "init", "--quiet", "--initial-branch=main")
    clone.run("git", "config", "user.name", "A User")
    clone.run("git", "config", "user.email", "user@example.com")
    clone.commit("The project as it is")
    return clone
