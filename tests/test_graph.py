"""The graphs say truly what each stage depends on."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from recipes.graph import GRAPHS, OWN_GRAPHS, ROOT, expected_graphs, rooms

STAGES = {name: stage for graph in (*OWN_GRAPHS, *GRAPHS) for name, stage in YAML(typ="safe").load(ROOT / graph)["stages"].items()}
DATA_STAGES = (
    *("validate", "synthesize", "index", "extract", "project", "pack", "pair", "report"),
    *("synthesize_faces", "pack_faces", "face_tables", "synthesize_photos", "pack_photos"),
)

LOADED = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
names = [name for name in sys.modules if name.split(".")[0] in ("pipeline", "stages")]
files = {name: sys.modules[name].__file__ for name in names}
print(json.dumps({"files": [file for file in files.values() if file and not file.endswith("__init__.py")], "torch": "torch" in sys.modules}))
"""


def loaded_by(stage: str) -> dict:
    """What a fresh interpreter has loaded after importing the stage."""
    done = subprocess.run([sys.executable, "-c", LOADED, f"stages.{stage}"], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_the_graphs_are_what_make_graph_writes() -> None:
    stale = [str(path.relative_to(ROOT)) for path, text in expected_graphs().items() if path.read_text(encoding="utf-8") != text]
    assert not stale, "run `make graph`"


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_deps_name_every_module_the_stage_imports(stage: str) -> None:
    loaded = loaded_by(stage)
    files = {str(Path(file).relative_to(ROOT)) for file in loaded["files"]}
    deps = set(STAGES[stage]["deps"])
    assert [file for file in files if not deps & {file, *map(str, Path(file).parents)}] == []
    assert f"stages/{stage}.py" in files
    assert loaded["torch"] is False or stage not in DATA_STAGES


def test_a_section_of_scores_makes_no_training_stale() -> None:
    """And none of the data: only who reads the section, and `validate`, whose output never changes."""
    stale = {name for name, stage in STAGES.items() if "pipeline/config/evaluate.py" in stage["deps"]}
    assert stale == {"validate", "evaluate"}
    assert {name for name, stage in STAGES.items() if "pipeline/config/params.py" in stage["deps"]} == {"validate"}


def test_a_room_stands_for_its_modules_where_most_are_used_and_no_part_is_foreign(tmp_path: Path) -> None:
    for name in ("a/one", "a/two", "a/three", "b/own", "b/deep/one", "config/one", "config/two", "utils/one", "utils/two"):
        (tmp_path / "pipeline" / f"{name}.py").parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pipeline" / f"{name}.py").touch()
    used = [f"pipeline/{name}.py" for name in ("a/one", "a/two", "b/own", "config/one", "config/two", "utils/one")]
    assert rooms(used, tmp_path) == ["pipeline/a", "pipeline/b/own.py", "pipeline/config/one.py", "pipeline/config/two.py", "pipeline/utils"]
    assert rooms([*used, "pipeline/b/deep/one.py"], tmp_path)[1] == "pipeline/b"
    assert rooms(["pipeline/a/one.py"], tmp_path) == ["pipeline/a/one.py"]


def used_params(stage: str) -> set[str]:
    """Names `section.key` that a stage lists in `params`; a whole section counts as `section`."""
    (params,) = STAGES[stage].get("params", [{}])
    return {name for names in params.values() for name in names or []}


@pytest.mark.parametrize("stage", sorted(set(STAGES) - {"validate"}))
def test_no_stage_depends_on_where_the_work_runs_or_where_the_data_lies(stage: str) -> None:
    assert not {name for name in used_params(stage) if re.match(r"parallel|data\.root|data$", name)}


def test_no_output_is_kept_between_runs_or_hidden_from_the_run_cache() -> None:
    for stage in STAGES.values():
        assert all(isinstance(out, str) for out in stage.get("outs", []))
        assert "always_changed" not in stage
