"""A clone of the project to run whole commands in, for the tests that need the real thing."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TINY = "recipes/tiny"
GRAPH = f"{TINY}/dvc.yaml"


@dataclass
class Clone:
    """A clone of the project, and how to run commands in it."""

    path: Path
    env: dict[str, str]

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
