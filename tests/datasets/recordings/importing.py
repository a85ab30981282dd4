"""The command, as people call it, and what it wrote."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
from click.testing import CliRunner, Result
from ruamel.yaml import YAML

from pipeline.datasets.human36m.cdf import read_pose
from pipeline.datasets.human36m.layout import Layout
from pipeline.datasets.human36m.metadata import Metadata, read_metadata
from pipeline.packs.pack import Pack, read_packs
from pipeline.pose.skeleton import H36M_17, H36M_32_TO_17
from pose25d.cli import main

ROOT = Path(__file__).resolve().parents[3]
TWO = ("--subject", "Walk=S1", "--subject", "Sit=S2")
SPINE = H36M_17.index("spine")


def call(folder: Path, *words: object) -> Result:
    """`pose25d` with the parameters of the tiny recipe, in this process alone; they are written to `folder`."""
    params = (ROOT / "recipes" / "tiny" / "params.yaml").read_text(encoding="utf-8")
    (folder / "params.yaml").write_text(params.replace("workers: -1", "workers: 1"), encoding="utf-8")
    return CliRunner().invoke(main, [*map(str, words), "--params", str(folder / "params.yaml")])


def run_import(session: Path, out: Path, *options: object) -> str:
    """What the import says that has to work."""
    done = call(out.parent, "import", "recording", session, out, *options)
    assert done.exit_code == 0, done.output
    return done.output


def refused(session: Path, out: Path, *options: object) -> str:
    """The one line of an import that has to fail, and leaves nothing behind."""
    done = call(out.parent, "import", "recording", session, out, *options)
    assert done.exit_code == 1, done.output
    lines = done.output.removeprefix("Error: ").strip().splitlines()
    lines = [line for line in lines if not line.startswith("videos")]
    assert len(lines) == 1, done.output
    assert not out.exists()
    assert not list(out.parent.glob(".partial*"))
    return lines[0]


def check(out: Path) -> str:
    done = call(out.parent, "check", out)
    assert done.exit_code == 0, done.output
    return done.output


def make_packs(root: Path, folder: Path, subjects: Sequence[str]) -> Pack:
    """What the stages make of a data folder; the last subject is the one to test on."""
    yaml = YAML()
    params = yaml.load(ROOT / "recipes" / "tiny" / "params.yaml")
    params["data"] |= {"root": str(root), "subjects": list(subjects), "test_subjects": [subjects[-1]]}
    params["parallel"]["workers"] = 1
    folder.mkdir(exist_ok=True)
    yaml.dump(params, folder / "params.yaml")

    def run(stage: str, *arguments: object) -> None:
        done = CliRunner().invoke(import_module(f"stages.{stage}").main, [*map(str, arguments), "--params", str(folder / "params.yaml")])
        assert done.exit_code == 0, done.output

    run("index", folder / "manifest")
    for subject in subjects:
        frames, poses = folder / "frames" / subject, folder / "poses" / f"{subject}.h5"
        run("extract", subject, folder / "manifest", frames)
        run("project", subject, folder / "manifest", poses)
        run("pack", subject, frames, poses, folder / "packed" / f"{subject}.h5")
    return read_packs(folder / "packed", list(subjects))


@dataclass(frozen=True)
class Imported:
    """A data folder: its metadata, and its poses of 17 joints."""

    root: Path

    @property
    def metadata(self) -> Metadata:
        return read_metadata(self.root)

    def world(self, subject: str, prefix: str) -> np.ndarray:
        return read_pose(Layout(self.root / subject).world_pose(prefix), 3)[:, H36M_32_TO_17]

    def view(self, kind: str, subject: str, prefix: str, camera: str, dims: int) -> np.ndarray:
        return read_pose(Layout(self.root / subject).view_pose(kind, prefix, camera), dims)[:, H36M_32_TO_17]

    def video(self, subject: str, prefix: str, camera: str) -> Path:
        return Layout(self.root / subject).video(prefix, camera)
