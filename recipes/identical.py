"""Does a change of the code change what it computes? `python -m recipes.identical BASE` runs the smallest chain of every graph with both.

BASE is a commit. It and the present commit are cloned; in each clone every graph runs with the values of recipes/tiny, one after the other; then the
SHA-256 of every output is compared. Where bytes differ, what the files hold is compared: the arrays of an HDF5 file or an .npz, the tensors of
weights, the values of JSON, the pixels of a picture. Exit status 0 means that nothing differs: the change can be taken over without
training, by `make take-over`. Exit status 1 names each stage and file that differs, or that only one of the two has.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import cv2
import h5py
import numpy as np
from ruamel.yaml import YAML
from safetensors.numpy import load_file

from pipeline.utils.errors import UserError
from pipeline.utils.files import file_hash
from recipes.commits import base_and_present, clone_commit
from recipes.graph import ROOT

TINY = "recipes/tiny"
GRAPHS = (TINY, "recipes/faces", "recipes/deepfashion", "recipes/pose")  # the last reads the packs of the first
PICTURES = (".png", ".jpg")
SAME, HOLDS, DIFFERS, ONLY_BASE, ONLY_NEW = "the same bytes", "other bytes, the same content", "DIFFERS", "only in the base", "only in the new one"
FINE = (SAME, HOLDS)


@dataclass(frozen=True)
class Verdict:
    """What was found about one file: the stage that writes it (of its graph), its path below the clone, and how the two compare."""

    stage: str
    file: str
    found: str


@click.command(help=__doc__)
@click.argument("base")
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Folder for the two clones, which then stay; else they are removed.")
def main(base: str, keep: Path | None) -> None:
    """Compare the outputs of BASE and of the present commit."""
    try:
        with tempfile.TemporaryDirectory() as temporary:
            verdicts = compare_commits(base, keep or Path(temporary))
    except UserError as error:
        raise click.ClickException(str(error)) from error
    for line in summary(verdicts):
        click.echo(line)
    sys.exit(any(verdict.found not in FINE for verdict in verdicts))


def compare_commits(base: str, folder: Path) -> list[Verdict]:
    """Clone both commits into `folder`, run every graph in both, and compare each output; raise UserError where one cannot run."""
    commits = base_and_present(base)
    clones = {name: folder / name for name in commits}
    for name, commit in commits.items():
        clone_commit(commit, clones[name])
        _make_small(clones[name])
    for graph in GRAPHS:
        for name, clone in clones.items():
            began = time.monotonic()
            _run(clone, graph, folder)
            click.echo(f"identical: {graph} of {name} ({commits[name][:7]}) ran in {time.monotonic() - began:.0f} s", err=True)
    return [verdict for graph in GRAPHS for verdict in compare_outputs(clones["base"], clones["new"], graph)]


def summary(verdicts: Sequence[Verdict]) -> list[str]:
    """Counts, and a line for each file whose bytes differ."""
    counts = {found: sum(verdict.found == found for verdict in verdicts) for found in (*FINE, DIFFERS, ONLY_BASE, ONLY_NEW)}
    lines = [f"{verdict.stage}: {verdict.file}: {verdict.found}" for verdict in verdicts if verdict.found != SAME]
    return [*lines, f"identical: {len(verdicts)} outputs; " + ", ".join(f"{count} {found}" for found, count in counts.items() if count)]


def _make_small(clone: Path) -> None:
    """Give the graphs of a clone the values of recipes/tiny, which are those of the present tree in either clone."""
    yaml = YAML()
    for graph in GRAPHS[1:]:
        path = clone / graph / "params.yaml"
        values = yaml.load(path)
        for section, changes in YAML(typ="safe").load(ROOT / TINY / f"{Path(graph).name}.yaml").items():
            values[section].update(changes)
        yaml.dump(values, path)


def _run(clone: Path, graph: str, private: Path) -> None:
    """Run a graph from the start; its log goes beside the clone."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "DVC_"))}
    env |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}", "DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(private / "dvc")}
    log = private / f"{clone.name}-{Path(graph).name}.log"
    with log.open("w", encoding="utf-8") as file:
        done = subprocess.run([sys.executable, "-m", "dvc", "repro", f"{graph}/dvc.yaml"], cwd=clone, env=env, stdout=file, stderr=file, check=False)
    if done.returncode:
        last = " ".join(log.read_text(encoding="utf-8").split()[-60:])
        raise UserError(f"{clone.name}: `dvc repro {graph}/dvc.yaml` failed; the end of its log: {last}")


def compare_outputs(base: Path, new: Path, graph: str) -> Iterator[Verdict]:
    """Compare every output that the lock files of `graph` name in two clones, sorted by stage and file."""
    found = [dict(_outputs(clone, graph)) for clone in (base, new)]
    for file in sorted(found[0].keys() | found[1].keys(), key=lambda name: (found[1].get(name) or found[0][name], name)):
        stage = found[1].get(file) or found[0][file]
        if file not in found[1]:
            yield Verdict(stage, file, ONLY_BASE)
        elif file not in found[0]:
            yield Verdict(stage, file, ONLY_NEW)
        else:
            yield Verdict(stage, file, compare_files(base / file, new / file))


def _outputs(clone: Path, graph: str) -> Iterator[tuple[str, str]]:
    """(path below the clone, stage) of every file that the stages of a graph wrote."""
    for lock in (clone / graph / "dvc.lock", clone / graph / "data" / "dvc.lock"):
        stages = YAML(typ="safe").load(lock)["stages"] if lock.is_file() else {}
        for name, stage in stages.items():
            for out in (clone / out["path"] for out in stage.get("outs", [])):
                for file in sorted(out.rglob("*")) if out.is_dir() else [out]:
                    if file.is_file():
                        yield file.relative_to(clone).as_posix(), f"{graph}:{name}"


def compare_files(first: Path, second: Path) -> str:
    """`SAME`, `HOLDS` where only what surrounds the content differs (names of classes, units, order of keys), or `DIFFERS`."""
    if file_hash(first) == file_hash(second):
        return SAME
    try:
        return HOLDS if _equal(_content(first), _content(second)) else DIFFERS
    except (OSError, ValueError, KeyError):
        return DIFFERS


def _content(path: Path) -> Any:
    """What a file holds, as values and arrays; its bytes where the kind of file is not known here."""
    if path.suffix == ".json":
        return json.loads(path.read_bytes())
    if path.suffix == ".safetensors":
        return load_file(path)
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    if path.suffix == ".h5":
        with h5py.File(path, "r") as file:
            return _arrays(file)
    if path.suffix in PICTURES:
        return cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    return path.read_bytes()


def _arrays(group: h5py.Group) -> dict[str, Any]:
    """Every data set below a group by its path, without the attributes."""
    found: dict[str, Any] = {}
    for name, item in group.items():
        if isinstance(item, h5py.Group):
            found |= {f"{name}/{inner}": value for inner, value in _arrays(item).items()}
        else:
            found[name] = item[()]
    return found


def _equal(first: Any, second: Any) -> bool:
    """Whether two contents are the same to the bit; numbers that are no number equal each other."""
    if isinstance(first, dict):
        return isinstance(second, dict) and first.keys() == second.keys() and all(_equal(value, second[name]) for name, value in first.items())
    if isinstance(first, list):
        return isinstance(second, list) and len(first) == len(second) and all(map(_equal, first, second))
    if isinstance(first, np.ndarray):
        if not isinstance(second, np.ndarray) or (first.dtype, first.shape) != (second.dtype, second.shape):
            return False
        if first.dtype == object:
            return all(_equal(one, other) for one, other in zip(first.ravel().tolist(), second.ravel().tolist(), strict=True))
        return bool(np.array_equal(first, second, equal_nan=first.dtype.kind in "fc"))
    return type(first) is type(second) and first == second


if __name__ == "__main__":
    main()
