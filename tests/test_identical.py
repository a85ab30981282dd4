"""Two commits compute the same, or it is said what differs."""

import json
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pytest
from ruamel.yaml import YAML
from safetensors.numpy import save_file

from pipeline.utils.errors import UserError
from recipes.identical import (
    DIFFERS,
    GRAPHS,
    HOLDS,
    ONLY_BASE,
    ONLY_NEW,
    ROOT,
    SAME,
    Verdict,
    compare_commits,
    compare_files,
    compare_outputs,
    summary,
)

PIXELS = np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)


def write(path: Path, values: np.ndarray, words: str) -> None:
    """A file of the kind that its suffix says, with these values in it, and words about them."""
    if path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file.attrs["units"] = words
            file["a/b"] = values
            file["a/names"] = np.array(["x", "y"], dtype=object)
    elif path.suffix == ".safetensors":
        save_file({"w": values}, path, {"words": words})
    elif path.suffix == ".json":
        path.write_text(json.dumps({"a": values.tolist(), "b": [None, 1.5]}, indent=len(words)), encoding="utf-8")
    elif path.suffix == ".npz":
        np.savez(path, **({"a": values, "b": values} if words == "px" else {"b": values, "a": values}))
    elif path.suffix == ".png":
        path.write_bytes(cv2.imencode(".png", values, [cv2.IMWRITE_PNG_COMPRESSION, len(words)])[1].tobytes())
    else:
        path.write_bytes(words.encode() + values.tobytes())


@pytest.mark.parametrize("suffix", [".h5", ".safetensors", ".json", ".npz", ".png"])
def test_what_a_file_holds_counts_not_the_words_around_it(tmp_path: Path, suffix: str) -> None:
    other = PIXELS.copy()
    other[3, 3, 1] += 1
    for name, values, words in (("a", PIXELS, "px"), ("b", PIXELS, "px"), ("c", PIXELS, "pixels"), ("d", other, "px")):
        write(tmp_path / f"{name}{suffix}", values, words)
    found = [compare_files(tmp_path / f"a{suffix}", tmp_path / f"{name}{suffix}") for name in "bcd"]
    assert found == [SAME, HOLDS, DIFFERS]


def test_of_other_kinds_the_bytes_count(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", PIXELS, "px")
    write(tmp_path / "b.mp4", PIXELS, "pixels")
    assert compare_files(tmp_path / "a.mp4", tmp_path / "b.mp4") == DIFFERS
    (tmp_path / "c.h5").write_bytes(b"no HDF5")
    write(tmp_path / "d.h5", PIXELS, "px")
    assert compare_files(tmp_path / "c.h5", tmp_path / "d.h5") == DIFFERS


def test_every_output_is_compared_and_named_with_its_stage(tmp_path: Path) -> None:
    graph = "recipes/a"
    lock = {"stages": {"one": {"outs": [{"path": "recipes/a/x"}]}, "two@S1": {"outs": [{"path": "recipes/a/y.bin"}]}, "validate": {}}}
    for name in ("base", "new"):
        (tmp_path / name / graph / "x" / "deep").mkdir(parents=True)
        YAML().dump(lock, tmp_path / name / graph / "dvc.lock")
        (tmp_path / name / graph / "x" / "same").touch()
        (tmp_path / name / graph / "y.bin").write_text(name, encoding="utf-8")
    (tmp_path / "base" / graph / "x" / "deep" / "old").touch()
    (tmp_path / "new" / graph / "x" / "deep" / "new").touch()
    verdicts = list(compare_outputs(tmp_path / "base", tmp_path / "new", graph))
    assert verdicts == [
        Verdict("recipes/a:one", "recipes/a/x/deep/new", ONLY_NEW),
        Verdict("recipes/a:one", "recipes/a/x/deep/old", ONLY_BASE),
        Verdict("recipes/a:one", "recipes/a/x/same", SAME),
        Verdict("recipes/a:two@S1", "recipes/a/y.bin", DIFFERS),
    ]
    assert summary(verdicts)[-1] == f"identical: 4 outputs; 1 {SAME}, 1 {DIFFERS}, 1 {ONLY_BASE}, 1 {ONLY_NEW}"
    assert "recipes/a:two@S1: recipes/a/y.bin: DIFFERS" in summary(verdicts)


def test_a_base_that_is_no_commit_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no_such_commit|changes that are in no commit"):
        compare_commits("no_such_commit", tmp_path)


@pytest.mark.parametrize("graph", GRAPHS[1:])
def test_the_small_values_are_of_keys_that_the_graph_has(graph: str) -> None:
    known: dict[str, Any] = YAML(typ="safe").load(ROOT / graph / "params.yaml")
    small = YAML(typ="safe").load(ROOT / "recipes/tiny" / f"{Path(graph).name}.yaml")
    assert small
    assert all(set(values) <= set(known[section]) for section, values in small.items())
