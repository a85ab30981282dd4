"""Commits of this repository: what git says of them, and clones of them to work in."""

import subprocess
from pathlib import Path

from pipeline.utils.errors import UserError
from recipes.graph import ROOT


def git(*arguments: str, root: Path = ROOT) -> str:
    """What a `git` command prints; raises UserError with what it complains of if it fails."""
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"git {' '.join(arguments)}: {' '.join(done.stderr.split()) or 'failed'}")
    return done.stdout


def base_and_present(base: str, root: Path = ROOT) -> dict[str, str]:
    """The commits `base` and `new`, in full; raise UserError where the working tree has changes, since only commits are compared."""
    if git("status", "--porcelain", "--untracked-files=no", root=root):
        raise UserError("the working tree has changes that are in no commit: commit them first, only commits are compared")
    return {name: git("rev-parse", "--verify", f"{commit}^{{commit}}", root=root).strip() for name, commit in (("base", base), ("new", "HEAD"))}


def clone_commit(commit: str, place: Path, root: Path = ROOT) -> None:
    """The commit in a repository of its own."""
    git("clone", "--quiet", "--no-checkout", str(root), str(place), root=root)
    git("-C", str(place), "checkout", "--quiet", commit, root=root)
