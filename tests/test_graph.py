"""The graphs say truly what each stage depends on."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from recipes.graph import GRAPHS, OWN_GRAPHS, ROOT, code_deps, expected_graphs

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
    assert files <= set(STAGES[stage]["deps"])
    assert f"stages/{stage}.py" in files
    assert loaded["torch"] is False or stage not in DATA_STAGES


def test_imports_inside_functions_count_and_imports_for_types_do_not(tmp_path: Path) -> None:
    for folder, name, text in (
        ("stages", "a", "from pipeline import b\n\ndef f():\n    import pipeline.c\n"),
        ("pipeline", "b", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pipeline.d import x\n"),
        ("pipeline", "c", "from pipeline.e.f import y\n"),
        ("pipeline", "d", ""),
        ("pipeline/e", "f", "import numpy\n"),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / f"{name}.py").write_text(text, encoding="utf-8")
    assert code_deps("a", tmp_path) == ["pipeline/b.py", "pipeline/c.py", "pipeline/e/f.py", "stages/a.py"]


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
