"""`pose25d import video`, as people call it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from click.testing import CliRunner, Result

from pose25d.cli import main

PARAMS = Path(__file__).resolve().parents[1] / "params.yaml"


@dataclass(frozen=True)
class Held:
    """What somebody holds: a video, its keypoints as OpenPose writes them, and where each of the people is, (T, 18, 2) px."""

    video: Path
    keypoints: Path
    people: list[np.ndarray]


def call_video(*words: object) -> Result:
    return CliRunner().invoke(main, ["import", "video", *map(str, words), "--params", str(PARAMS)])


def run_video(*words: object) -> str:
    """What an import says that has to work."""
    done = call_video(*words)
    assert done.exit_code == 0, done.output
    return done.output


def refused_video(*words: object, out: Path) -> str:
    """The one line of an import to `out` that has to fail, and leaves nothing behind."""
    done = call_video(*words, out)
    assert done.exit_code == 1, done.output
    (line,) = done.stderr.removeprefix("Error: ").strip().splitlines()[-1:]
    assert done.stdout == ""
    assert sum("rror: " in said for said in done.stderr.splitlines()) == 1, done.output
    assert not out.exists()
    assert not list(out.parent.glob(".partial*"))
    return line.removeprefix("Error: ")
