"""What `dvc` and `git` print, run at the root of the project."""

import subprocess
import sys

from pipeline.utils.errors import UserError
from recipes.graph import ROOT


def dvc(*arguments: str) -> str:
    """What a `dvc` command prints; raises UserError with its last lines if it fails."""
    done = subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(" ".join(done.stderr.removeprefix("ERROR: ").split("\n\n")[0].split()) or f"dvc {arguments[0]} failed")
    return done.stdout


def git(*arguments: str) -> str:
    """What a `git` command prints; raises UserError with what it complains of if it fails."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"git {arguments[0]}: {' '.join(done.stderr.split()) or 'failed'}")
    return done.stdout
