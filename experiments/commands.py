"""DVC, run at the root of the project."""

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
