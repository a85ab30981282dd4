"""Every parameter can be overridden: what `dvc exp run -S` writes is read back, with that value and no other changed."""

import copy
import shutil
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.hydra import apply_overrides

from experiments.runs import read_list
from pipeline.config.params import check_params
from pipeline.config.section import BY_SIZE
from pipeline.utils.errors import UserError
from pipeline.utils.params_file import read_params

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([ROOT / "params.yaml", *ROOT.glob("recipes/*/params.yaml")])
MAY_BE_EMPTY = {"data.exclude", "synthetic.twin_subjects"}
MAY_BE_NULL = {
    "data.labels",
    "data.predictor",
    "data.test_pairs",
    "evaluate.dists",
    "evaluate.inception",
    "evaluate.lpips",
    "evaluate.pose_net",
    "model.perceptual_weights",
    "parallel.scheduler",
    *BY_SIZE,
}


def leaves(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Full name -> value of every parameter."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return found


def as_words(value: Any) -> str:
    """A value in Hydra's words."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {as_words(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(as_words(inner) for inner in value) + "]"
    if isinstance(value, str):
        return f"'{value}'"
    return "null" if value is None else str(value).lower()


def overridden(copied: Path, original: Path, changes: dict[str, Any]) -> dict[str, Any]:
    """The values of a copy of `original` after DVC has changed them."""
    shutil.copy(original, copied)
    apply_overrides(copied, [f"{key}={as_words(value)}" for key, value in changes.items()])
    return read_params(copied)


def with_changes(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    values = copy.deepcopy(values)
    for key, value in changes.items():
        *sections, name = key.split(".")
        inner = values
        for section in sections:
            inner = inner[section]
        inner[name] = value
    return values


def another(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, list):
        return value[::-1]
    if isinstance(value, int | float):
        return 2 * value + 1
    return f"{value}-2"


@pytest.mark.parametrize("original", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_dvc_can_write_every_parameter_and_the_same_value_is_valid_again(tmp_path: Path, original: Path) -> None:
    values, copied = read_params(original), tmp_path / "params.yaml"
    assert overridden(copied, original, leaves(values)) == values
    check_params(copied)
    changes = {key: another(value) for key, value in leaves(values).items()}
    assert overridden(copied, original, changes) == with_changes(values, changes)


@pytest.mark.parametrize("original", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_list_can_be_emptied_and_every_value_made_null(tmp_path: Path, original: Path) -> None:
    values, copied = read_params(original), tmp_path / "params.yaml"
    changes = [{key: []} for key, value in leaves(values).items() if isinstance(value, list)]
    changes += [{key: None} for key, value in leaves(values).items() if value is None or isinstance(value, list) or key in MAY_BE_NULL]
    changes += [{key: "x"} for key, value in leaves(values).items() if value is None]
    for change in changes:
        ((key, value),) = change.items()
        assert overridden(copied, original, change) == with_changes(values, change), key
        allowed = (value == [] and key in MAY_BE_EMPTY) or (value is None and key in MAY_BE_NULL and key != "data.labels")
        if allowed:
            check_params(copied)
        elif value != "x":
            with pytest.raises(UserError, match=key.replace(".", r"\.")):
                check_params(copied)


def test_every_parameter_can_be_overridden_alone(tmp_path: Path) -> None:
    original, copied = ROOT / "params.yaml", tmp_path / "params.yaml"
    values = read_params(original)
    for key, value in leaves(values).items():
        change = {key: another(value)}
        assert overridden(copied, original, change) == with_changes(values, change), key


def test_sections_within_sections_can_be_overridden_whole(tmp_path: Path) -> None:
    original, copied = ROOT / "params.yaml", tmp_path / "params.yaml"
    values = read_params(original)
    for section, name in (("pose", "limb_radius"), ("model", "vunet")):
        change = {f"{section}.{name}": values[section][name]}
        assert overridden(copied, original, change) == values
        check_params(copied)
    excluded = {"data.exclude": [{"sequence": "S1/Eating", "reason": "blurred"}]}
    assert overridden(copied, original, excluded)["data"]["exclude"] == excluded["data.exclude"]
    check_params(copied)


def test_numbers_as_dvc_writes_them_are_read(tmp_path: Path) -> None:
    original, copied = ROOT / "params.yaml", tmp_path / "params.yaml"
    shutil.copy(original, copied)
    apply_overrides(copied, ["train_g1.steps=1e3", "train_g1.seed=2.0", "data.fps=5", "train_g1.lr=1e-3", "synthetic.video_size=128.0"])
    found = check_params(copied)
    assert (found.train_g1.steps, found.train_g1.seed, found.data.fps, found.train_g1.lr) == (1000, 2, 5.0, 0.001)  # type: ignore[union-attr]
    assert isinstance(found.train_g1.steps, int)  # type: ignore[union-attr]


@pytest.mark.parametrize(("runs", "recipe"), [("ablation", "."), ("comparison", "."), ("faces", "recipes/faces")])
def test_every_listed_run_is_valid(tmp_path: Path, runs: str, recipe: str) -> None:
    original = ROOT / recipe / "params.yaml"
    for run in read_list(ROOT / "experiments" / f"{runs}.yaml").runs:
        overridden(tmp_path / "params.yaml", original, run.overrides)
        check_params(tmp_path / "params.yaml")
