"""The graphs say truly what each stage depends on."""

import json
import re
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pipeline.config.faces import FaceMapConfig
from pipeline.config.pose import MapConfig
from pipeline.config.section import Section
from pipeline.utils.code import imported_code
from recipes.graph import GRAPHS, OWN_GRAPHS, PACKAGES, PLACES, ROOT, expected_graphs, kind_of_graph, rooms

STAGES_OF = {graph: YAML(typ="safe").load(ROOT / graph)["stages"] for graph in (*OWN_GRAPHS, *GRAPHS)}
STAGES = {name: stage for stages in STAGES_OF.values() for name, stage in stages.items()}
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


def unnamed(files: Iterable[str], stage: dict) -> list[str]:
    """Those of `files`, relative to the root, that are not among the dependencies of a stage, nor in a folder that is."""
    deps = set(stage["deps"])
    return sorted(file for file in files if not deps & {file, *map(str, Path(file).parents)})


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_deps_name_every_module_the_stage_imports(stage: str) -> None:
    """Those that it imports when it starts; the tests of the recipes look at what it has loaded when it ends."""
    loaded = loaded_by(stage)
    files = {str(Path(file).relative_to(ROOT)) for file in loaded["files"]}
    for stages in STAGES_OF.values():
        if stage in stages:
            assert unnamed(files, stages[stage]) == []
    assert f"stages/{stage}.py" in files
    assert loaded["torch"] is False or stage not in DATA_STAGES


def stale(file: str, graph: str) -> set[str]:
    """The stages of a graph that an edit of `file` makes stale."""
    return {name for name, stage in STAGES_OF[graph].items() if not unnamed([file], stage)}


def test_a_section_of_scores_makes_no_training_stale() -> None:
    """And none of the data: only who reads the section, and `validate`, whose output never changes."""
    for graph in STAGES_OF:
        assert stale("pipeline/config/evaluate.py", graph) <= {"validate", "evaluate"}
        assert stale("pipeline/config/params.py", graph) <= {"validate"}
    assert stale("pipeline/config/evaluate.py", "dvc.yaml") == {"validate", "evaluate"}


def test_the_pose_estimator_knows_nothing_of_depth_layers_and_warps() -> None:
    files = imported_code(ROOT / "stages" / "train_pose.py", ROOT, PACKAGES)
    assert "pipeline/networks/openpose.py" in files
    assert not [file for file in files if re.match(r"pipeline/pose/(bodies|faces)/|pipeline/networks/(coarse|lifter|unet)", file)]


@pytest.mark.parametrize("graph", [*GRAPHS, *OWN_GRAPHS])
def test_what_is_special_to_a_kind_makes_nothing_of_another_kind_stale(graph: str) -> None:
    """But for `validate`, whose output never changes, and, for faces, `evaluate`, which loads what it scores of bodies."""
    kind = kind_of_graph(graph)
    for place in (place for place, kinds in PLACES.items() if kind not in kinds):
        files = [ROOT / place] if (ROOT / place).is_file() else [file for file in (ROOT / place).rglob("*.py") if file.name != "__init__.py"]
        assert files
        for file in files:
            spared = {"validate", "evaluate"} if kind == "faces" else {"validate"}
            assert stale(str(file.relative_to(ROOT)), graph) <= spared, file


def test_maps_of_a_pose_do_not_train_the_lifter_again() -> None:
    for module in ("maps", "depth_layers", "warp", "conditioning"):
        assert "train_lifter" not in stale(f"pipeline/pose/bodies/{module}.py", "dvc.yaml")
        assert "train_g1" in stale(f"pipeline/pose/bodies/{module}.py", "dvc.yaml")


def test_a_room_stands_for_its_modules_where_a_third_are_used_and_no_part_is_foreign(tmp_path: Path) -> None:
    for name in ("a/one", "a/two", "a/three", "b/own", "b/deep/one", "config/one", "config/two", "utils/one", "utils/two"):
        (tmp_path / "pipeline" / f"{name}.py").parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pipeline" / f"{name}.py").touch()
    used = [f"pipeline/{name}.py" for name in ("a/one", "b/own", "config/one", "utils/one")]
    assert rooms(used, root=tmp_path) == ["pipeline/a", "pipeline/b/own.py", "pipeline/config/one.py", "pipeline/utils"]
    used += ["pipeline/b/deep/one.py", "pipeline/config/two.py"]
    assert rooms(used, root=tmp_path) == [f"pipeline/{room}" for room in ("a", "b", "config", "utils")]
    assert rooms(used, ["pipeline/a/three.py", "pipeline/b"], tmp_path)[:2] == ["pipeline/a/one.py", "pipeline/b"]
    (tmp_path / "pipeline" / "a" / "four.py").touch()
    assert rooms(["pipeline/a/one.py"], root=tmp_path) == ["pipeline/a/one.py"]


def test_the_graph_can_be_read() -> None:
    assert len((ROOT / "dvc.yaml").read_text(encoding="utf-8").splitlines()) <= 260


def used_params(stage: str, stages: dict = STAGES) -> set[str]:
    """Names `section.key` that a stage lists in `params`; a whole section counts as `section`."""
    (params,) = stages[stage].get("do", stages[stage]).get("params", [{}])
    return {name for names in params.values() for name in names or []}


def leaves(values: dict, above: str = "") -> Iterator[str]:
    """Full names of all parameters."""
    for name, value in values.items():
        yield from leaves(value, f"{above}{name}.") if isinstance(value, dict) else [f"{above}{name}"]


def untracked(names: Iterable[str], tracked: Collection[str]) -> list[str]:
    """Those of `names` that are in no list, nor below a section that is."""
    return [name for name in names if not any(f"{name}.".startswith(f"{one}.") for one in tracked)]


@pytest.mark.parametrize("folder", ["", *(f"recipes/{path.parent.name}/" for path in sorted((ROOT / "recipes").glob("*/dvc.yaml")))])
def test_another_value_of_any_parameter_makes_a_stage_run(folder: str) -> None:
    """But for where the data lies and the work is done, of which no result depends, and what kind of data a recipe is for."""
    graphs = [YAML(typ="safe").load(path)["stages"] for name in GRAPHS if (path := ROOT / folder / name).is_file()]
    tracked = {name for stages in graphs for stage in stages if stage != "validate" for name in used_params(stage, stages)}
    values = YAML(typ="safe").load(ROOT / folder / "params.yaml")
    assert [name for name in untracked(leaves(values), tracked) if not re.match(r"parallel\.|data\.(root|packed|kind)$", name)] == []


@pytest.mark.parametrize(
    ("graph", "seen"), [("dvc.yaml", MapConfig), ("recipes/deepfashion/dvc.yaml", MapConfig), ("recipes/faces/dvc.yaml", FaceMapConfig)]
)
@pytest.mark.parametrize("stage", ["train_g1", "train_g2"])
def test_what_the_networks_see_is_a_parameter_of_both_trainings(graph: str, seen: type[Section], stage: str) -> None:
    stages = YAML(typ="safe").load(ROOT / graph)["stages"]
    assert untracked([f"pose.{name}" for name in seen.model_fields], used_params(stage, stages)) == []


@pytest.mark.parametrize("stage", sorted(set(STAGES) - {"validate"}))
def test_no_stage_depends_on_where_the_work_runs_or_where_the_data_lies(stage: str) -> None:
    assert not {name for name in used_params(stage) if re.match(r"parallel|data\.root|data$", name)}


def test_no_output_is_kept_between_runs_or_hidden_from_the_run_cache() -> None:
    for stage in STAGES.values():
        assert all(isinstance(out, str) or list(out.values()) == [{"cache": False}] for out in stage.get("outs", []))
        assert "always_changed" not in stage
