"""What a file of parameters is for stands in `data.kind`, and nowhere else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pipeline.config.kinds import KINDS, kind_of, load_data, load_map_config, map_config_from
from pipeline.config.params import FILES_OF, check_params
from pipeline.utils.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
FILE_OF = {"recordings": "params.yaml", "faces": "recipes/faces/params.yaml", "photos": "recipes/deepfashion/params.yaml"}
THERE = ", ".join(KINDS)
LOADED = """
import json, sys
from pathlib import Path
from pipeline.config.kinds import load_data, load_map_config
load_data(Path(sys.argv[1])), load_map_config(Path(sys.argv[1]))
print(json.dumps([name for name in sys.modules if name.startswith("pipeline.config")]))
"""


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, rf"p\.yaml: data\.kind: missing; expected what the data are, one of {THERE}"),
        ({"kind": "hands"}, rf"p\.yaml: data\.kind = 'hands': expected what the data are, one of {THERE}"),
        ({"kind": ["faces"]}, r"p\.yaml: data\.kind = \['faces'\]: expected"),
        (None, r"p\.yaml: section `data` is missing; expected one with `kind`"),
    ],
)
def test_a_kind_that_is_missing_or_unknown_is_one_line(tmp_path: Path, data: object, expected: str) -> None:
    path = tmp_path / "p.yaml"
    YAML().dump({"data": data}, path)
    for load in (load_data, load_map_config, check_params):
        with pytest.raises(UserError, match=expected):
            load(path)


def test_a_file_of_another_kind_is_refused_by_the_names_of_its_sections(tmp_path: Path) -> None:
    values = YAML(typ="safe").load(ROOT / "params.yaml")
    values["data"]["kind"] = "faces"
    YAML().dump(values, tmp_path / "p.yaml")
    with pytest.raises(UserError, match=r"p\.yaml: synthetic = .*unknown key; known here: data, faces, pose"):
        check_params(tmp_path / "p.yaml")


def test_each_kind_has_its_file_and_each_file_of_the_project_its_kind() -> None:
    assert set(FILES_OF) == set(KINDS)
    for path in [ROOT / "params.yaml", *ROOT.glob("recipes/*/params.yaml")]:
        assert type(check_params(path)) is FILES_OF[kind_of(path, YAML(typ="safe").load(path))]


@pytest.mark.parametrize("kind", FILE_OF)
def test_sections_of_other_kinds_are_not_loaded(kind: str) -> None:
    done = subprocess.run([sys.executable, "-c", LOADED, FILE_OF[kind]], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.removeprefix("pipeline.config.") for name in json.loads(done.stdout)}
    assert loaded & {"faces", "photos"} == {kind} & {"faces", "photos"}


@pytest.mark.parametrize("kind", FILE_OF)
def test_what_networks_see_comes_back_from_the_values_beside_their_weights(kind: str) -> None:
    maps = load_map_config(ROOT / FILE_OF[kind])
    assert map_config_from(maps.kind, json.loads(json.dumps(maps.model_dump(mode="json")))) == maps
    assert not maps.of_the_target.source
    assert load_data(ROOT / FILE_OF[kind]).kind == kind
