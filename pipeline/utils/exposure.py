"""Whether recordings lie where they would get into commits: people's pictures that a licence does not let out of hand."""

import os
import shutil
import subprocess
from pathlib import Path


def exposure(folder: Path) -> str | None:
    """One line of warning where `folder` lies inside this folder's git repository and git does not ignore it; else None.

    DVC adds such files to the commit of an experiment without a word. Without git, or outside of a repository, there is nothing to warn of.
    """
    root = _repository(Path())
    place = Path(os.path.realpath(folder))
    if root is None or not place.is_relative_to(root) or _repository(place) not in (root, None) or _ignored(root, place):
        return None
    rule = "" if place == root else f"add the line /{place.relative_to(root).as_posix()}/ to .gitignore, or "
    return (
        f"warning: {folder} lies inside the repository {root}, and git does not ignore it: `dvc exp run` and `git add` would put its files into "
        f"commits; {rule}keep the recordings elsewhere"
    )


def _repository(folder: Path) -> Path | None:
    """The top of the repository that `folder`, or what there is of it, lies in."""
    there = next((path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir()), None)
    top = _git(there, "rev-parse", "--show-toplevel") if there else None
    return Path(os.path.realpath(top.stdout.strip())) if top and top.returncode == 0 and top.stdout.strip() else None


def _ignored(root: Path, place: Path) -> bool:
    """Whether git ignores what lies in a folder, which need not be there."""
    answer = _git(root, "check-ignore", "--quiet", str(place / "recording"))
    return answer is None or answer.returncode != 1


def _git(folder: Path, *command: str) -> subprocess.CompletedProcess[str] | None:
    """What git says in `folder`; None where there is no git."""
    if shutil.which("git") is None:
        return None
    return subprocess.run(["git", "-C", str(folder), *command], capture_output=True, text=True, errors="surrogateescape", check=False)
