from pathlib import Path

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from pipeline.datasets.human36m.metadata import read_metadata
from stages.synthesize import main

PARAMS = Path(__file__).parents[3] / "params.yaml"


@pytest.fixture
def params(tmp_path):
    """Writes a file of parameters with a small `synthetic` section."""

    def write(**synthetic):
        values = YAML(typ="safe").load(PARAMS)
        small = {"subjects": ["S5"], "sequences": 1, "seconds": 0.1, "video_size": 64, "twin_subjects": []}
        values["synthetic"].update({**small, **synthetic})
        values["parallel"]["workers"] = 1
        path = tmp_path / "params.yaml"
        YAML().dump(values, path)
        return str(path)

    return write


def test_the_stage_writes_a_folder_in_the_layout(tmp_path, params):
    done = CliRunner().invoke(main, [str(tmp_path / "root"), "--params", params()])
    assert done.exit_code == 0, done.output
    assert read_metadata(tmp_path / "root").subjects() == ["S5"]
    assert len(list((tmp_path / "root" / "S5" / "Videos").iterdir())) == 4


def test_an_old_folder_is_replaced_whole(tmp_path, params):
    (tmp_path / "root" / "S99").mkdir(parents=True)
    assert CliRunner().invoke(main, [str(tmp_path / "root"), "--params", params()]).exit_code == 0
    assert sorted(path.name for path in (tmp_path / "root").iterdir()) == ["S5", "metadata.xml"]


@pytest.mark.parametrize(
    ("key", "value"), [("subjects", ["S12"]), ("sequences", 31), ("seconds", 0), ("seconds", 0.001), ("video_size", 100), ("crf", 99)]
)
def test_a_wrong_value_is_one_line_and_leaves_nothing(tmp_path, params, key, value):
    done = CliRunner().invoke(main, [str(tmp_path / "root"), "--params", params(**{key: value})])
    assert done.exit_code == 1
    assert f"synthetic.{key}" in done.output
    assert done.output.count("\n") == 1
    assert not (tmp_path / "root").exists()
