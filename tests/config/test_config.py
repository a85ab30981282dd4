"""params.yaml is typed: what is wrong is said in one line that names the key, the value and what is allowed."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from pipeline.config.data import DataConfig
from pipeline.config.model import ModelConfig
from pipeline.config.params import check_params
from pipeline.config.section import load_config
from pipeline.utils.errors import UserError

ROOT = Path(__file__).resolve().parents[2]


def changed(tmp_path: Path, key: str, value: object) -> Path:
    """A copy of params.yaml with one value changed."""
    values = YAML(typ="safe").load(ROOT / "params.yaml")
    *sections, name = key.split(".")
    inner = values
    for section in sections:
        inner = inner[section]
    inner[name] = value
    path = tmp_path / "params.yaml"
    YAML().dump(values, path)
    return path


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("train_g1.lr", "fast", r"train_g1\.lr = 'fast': .*valid number"),
        ("train_g1.lr", -1, r"train_g1\.lr = -1: .*greater than 0"),
        ("train_g1.lr", float("nan"), r"train_g1\.lr = nan: .*"),
        ("model.upsampling", "cubic", r"model\.upsampling = 'cubic': .*'nearest', 'bilinear' or 'transposed'"),
        ("model.lamda", 10, r"model\.lamda = 10: unknown key; known here: generator, lambda, filters"),
        ("pose.limb_radius.tail", 10, r"pose\.limb_radius\.tail = 10: unknown key; known here: thigh, calf, "),
        ("pose.maps", ["rgb", "rgb"], r"pose\.maps = .*each value once"),
        ("pose.depth", "perhaps", r"pose\.depth = 'perhaps': .*boolean"),
        ("data.test_subjects", ["S2"], r"data.*S2 is not one of subjects"),
        ("data.test_subjects", ["S1", "S5", "S6", "S7", "S8", "S9", "S11"], r"data.*leave at least one for training"),
        ("data.subjects", ["S1", "S1", "S9", "S11"], r"data\.subjects = .*each value once"),
        ("data.cameras", [], r"data.*cameras.*found an empty list"),
        ("data.image_size", [128], r"data\.image_size.*missing"),
        ("data.margin", 1.0, r"data\.margin = 1\.0: .*less than 0\.9"),
        ("synthetic.subjects", ["S12"], r"synthetic\.subjects.*S12 is not one of S1, S2"),
        ("synthetic.video_size", 250, r"synthetic\.video_size = 250: .*multiple of 16"),
        ("parallel.devices", 0, r"parallel\.devices = 0: .*greater than or equal to 1"),
    ],
)
def test_a_wrong_value_is_one_line_with_key_value_and_what_is_allowed(tmp_path: Path, key: str, value: object, expected: str) -> None:
    with pytest.raises(UserError, match=expected) as error:
        check_params(changed(tmp_path, key, value))
    assert str(error.value).startswith(str(tmp_path / "params.yaml"))
    assert "\n" not in str(error.value)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    values = YAML(typ="safe").load(ROOT / "params.yaml")
    del values["data"]["fps"]
    YAML().dump(values, tmp_path / "params.yaml")
    with pytest.raises(UserError, match=r"params\.yaml: data\.fps: missing"):
        load_config(DataConfig, tmp_path / "params.yaml", "data")


def test_a_missing_section_file_or_broken_yaml_is_said(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    with pytest.raises(UserError, match="not found"):
        check_params(path)
    path.write_text("data: [1,\n", encoding="utf-8")
    with pytest.raises(UserError, match="not valid YAML"):
        check_params(path)
    path.write_text("- 1\n", encoding="utf-8")
    with pytest.raises(UserError, match="expected sections"):
        check_params(path)
    path.write_text("data: {}\n", encoding="utf-8")
    with pytest.raises(UserError, match="section `model` is missing"):
        load_config(ModelConfig, path, "model")


def test_numbers_are_read_as_dvc_reads_them(tmp_path: Path) -> None:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    path = tmp_path / "params.yaml"
    path.write_text(re.sub(r"lambda: .*", "lambda: 1e-05", text), encoding="utf-8")
    assert load_config(ModelConfig, path, "model").lambda_ == 1e-5


def test_camera_numbers_without_quotes_become_names(tmp_path: Path) -> None:
    config = load_config(DataConfig, changed(tmp_path, "data.cameras", [54138969]), "data")
    assert config.cameras == ("54138969",)


def test_sections_are_frozen() -> None:
    config = load_config(ModelConfig, ROOT / "params.yaml", "model")
    with pytest.raises(ValidationError, match="frozen"):
        config.filters = 3
