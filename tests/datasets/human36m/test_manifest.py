"""Manifests are what `index` wrote, or refused in one line."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.data import DataConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.datasets.human36m.index import write_manifests
from pipeline.datasets.human36m.inspection import inspect
from pipeline.datasets.human36m.manifest import read_poses, read_videos
from pipeline.utils.errors import UserError
from pipeline.utils.params_file import read_params
from stages import extract, project

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def manifests(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `index` writes about a complete folder."""
    values = read_params(REPOSITORY / "params.yaml")
    data = DataConfig.model_validate(values["data"] | {"root": str(pristine), "subjects": ["S1", "S9"], "test_subjects": ["S9"], "exclude": []})
    folder = tmp_path_factory.mktemp("manifest")
    write_manifests(folder, inspect(data, ParallelConfig.model_validate(values["parallel"] | {"workers": 1})))
    return folder


KINDS = {"videos": read_videos, "poses": read_poses}


def fails(folder: Path, kind: str, values: Any, words: str) -> None:
    path = folder / f"S1.{kind}.json"
    path.write_text(values if isinstance(values, str) else json.dumps(values), encoding="utf-8")
    with pytest.raises(UserError, match=words) as error:
        KINDS[kind](folder, "S1")
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400 + len(str(path))


@pytest.mark.parametrize("kind", KINDS)
def test_what_index_writes_is_read(manifests: Path, kind: str) -> None:
    for subject in ("S1", "S9"):
        assert KINDS[kind](manifests, subject) == json.loads((manifests / f"{subject}.{kind}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", KINDS)
def test_another_subjects_manifest_is_refused_by_name(manifests: Path, tmp_path: Path, kind: str) -> None:
    fails(tmp_path, kind, (manifests / f"S9.{kind}.json").read_text(encoding="utf-8"), "expected the manifest of S1, found that of S9")
    with pytest.raises(UserError, match=rf"S5\.{kind}\.json: not found"):
        KINDS[kind](tmp_path, "S5")


BAD = {
    "sequence": ["../../escape", "/tmp/a", "a\\b", "", " a", "a" * 101, "twins", ".a", "a\nb", 7, None],
    "camera": ["../1", "", 54138969, None],
    "path": ["../S1/a.mp4", "/etc/passwd", "S1/../../a", "", "S1//a", "S1/a\x00b", "C:/a", 7],
    "sha256": ["abc", "", None, "G" * 64],
    "fps": [0, -50, 1e30, "50", None, True, [50]],
    "width": [0, -1, 1.5, 1e9, "64", None],
    "poses": [-1, 0.5, 2**40, "6", None],
    "action": ["a" * 200, "", "\x07"],
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in BAD.items() for value in values])
def test_values_that_index_does_not_write_are_named(manifests: Path, tmp_path: Path, key: str, value: Any) -> None:
    for kind in KINDS:
        values = json.loads((manifests / f"S1.{kind}.json").read_text(encoding="utf-8"))
        entry = values["videos"][1] if kind == "videos" else values["sequences"][1]
        entry = entry["views"][0] if key not in entry else entry
        entry[key] = value
        if kind == "poses" and value is None and key == "sha256":
            fails(tmp_path, kind, values, r"sequences\.1: expected path and sha256 of the poses in the world's frame; run the stage `index` again")
        else:
            fails(tmp_path, kind, values, rf"\.{key} = .*; run the stage `index` again")
        del entry[key]
        fails(tmp_path, kind, values, rf"{key}.*run the stage `index` again")


@pytest.mark.parametrize(("stage", "kind", "output"), [(extract, "videos", "frames/S1"), (project, "poses", "poses/S1.h5")])
def test_a_stage_writes_nothing_outside_whatever_the_manifest_says(
    manifests: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: Any, kind: str, output: str
) -> None:
    values = json.loads((manifests / f"S1.{kind}.json").read_text(encoding="utf-8"))
    values["videos" if kind == "videos" else "sequences"][0]["sequence"] = "../../escape"
    (tmp_path / "work/manifest").mkdir(parents=True)
    (tmp_path / f"work/manifest/S1.{kind}.json").write_text(json.dumps(values), encoding="utf-8")
    monkeypatch.chdir(tmp_path / "work")
    result = CliRunner().invoke(stage.main, ["S1", "manifest", output, "--params", str(REPOSITORY / "params.yaml")])
    assert result.exit_code == 1
    assert re.fullmatch(r"Error: manifest/S1\.\w+\.json: \w+\.0\.sequence = '../../escape': [^\n]+; run the stage `index` again\n", result.output)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [f"S1.{kind}.json"]


def test_a_view_or_a_sequence_twice_is_named(manifests: Path, tmp_path: Path) -> None:
    values = json.loads((manifests / "S1.videos.json").read_text(encoding="utf-8"))
    values["videos"].append(values["videos"][0])
    fails(tmp_path, "videos", values, "expected Sitting 1, camera 54138969 once, found it 2 times")
    values = json.loads((manifests / "S1.poses.json").read_text(encoding="utf-8"))
    values["sequences"].append({**values["sequences"][0], "views": []})
    fails(tmp_path, "poses", values, "expected Sitting 1 once, found it 2 times")


@pytest.mark.parametrize("text", ["", "[]", "null", "7", "{", '{"subject": "S1"}', "[" * 100_000, '{"subject": NaN}', "\ufeff{}"])
@pytest.mark.parametrize("kind", KINDS)
def test_other_files_are_one_line(tmp_path: Path, kind: str, text: str) -> None:
    fails(tmp_path, kind, text, "expected|missing|valid|manifest")


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every way that leads to something in nested values."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(place for key, inner in items for place in places(inner, (*way, key)))]


STRANGE = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({}), st.just("../x"))


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_whatever_stands_anywhere_is_read_or_refused_in_one_line(
    manifests: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    kind = data.draw(st.sampled_from(sorted(KINDS)))
    values = json.loads((manifests / f"S1.{kind}.json").read_text(encoding="utf-8"))
    way = data.draw(st.sampled_from(places(values)[1:]))
    changed = copy.deepcopy(values)
    inner = changed
    for key in way[:-1]:
        inner = inner[key]
    inner[way[-1]] = data.draw(STRANGE)
    folder = tmp_path_factory.mktemp("strange")
    (folder / f"S1.{kind}.json").write_text(json.dumps(changed), encoding="utf-8")
    try:
        found, message = KINDS[kind](folder, "S1"), None
    except UserError as error:
        found, message = None, str(error)
    assert message is not None or found == changed
    assert message is None or ("\n" not in message and str(folder) in message)
