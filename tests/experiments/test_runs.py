"""Lists of runs, and the parameters that a run has."""

from pathlib import Path

import pytest
from some_runs import a_run

from experiments.runs import choose, is_made_of, read_list, with_overrides
from pipeline.config.params import Params
from pipeline.config.section import parse, with_sizes
from pipeline.utils.errors import UserError
from pipeline.utils.params_file import read_params

ROOT = Path(__file__).resolve().parents[2]


def test_overrides_change_what_they_name_and_nothing_else() -> None:
    params = {"pose": {"depth": True, "maps": ["limbs"]}, "model": {"lambda": 5}}
    changed = with_overrides(params, {"pose.depth": False, "pose.maps": ["rgb"]})
    assert changed == {"pose": {"depth": False, "maps": ["rgb"]}, "model": {"lambda": 5}}
    assert params["pose"]["depth"] is True
    assert is_made_of(changed, params, {"pose.depth": False, "pose.maps": ["rgb"]})
    assert not is_made_of(changed, params, {"pose.depth": False})


@pytest.mark.parametrize("name", ["pose.nosuch", "nosuch.depth", "pose.depth.deeper", "nosuch"])
def test_an_override_of_nothing_is_named(name: str) -> None:
    with pytest.raises(UserError, match=f"no parameter {name}"):
        with_overrides({"pose": {"depth": True}}, {name: 1})


def test_runs_are_chosen_by_name_in_the_order_of_the_list() -> None:
    runs = [a_run("a"), a_run("b"), a_run("c")]
    assert [run.name for run in choose(runs, "c, a")] == ["a", "c"]
    assert choose(runs, "") == runs
    with pytest.raises(UserError, match="no run is named d; there are: a, b, c"):
        choose(runs, "a d")


def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "runs.yaml"
    path.write_text("runs: [{name: a, about: x, set: {}}, {name: a, about: y, set: {}}]", encoding="utf-8")
    with pytest.raises(UserError, match="several runs named a"):
        read_list(path)


@pytest.mark.parametrize("name", ["ablation", "comparison", "choices"])
def test_every_run_of_a_list_sets_parameters_that_exist(name: str) -> None:
    listed, params = read_list(ROOT / "experiments" / f"{name}.yaml"), read_params(ROOT / "params.yaml")
    assert listed.title == name
    for run in listed.runs:
        parse(Params, with_sizes(with_overrides(params, run.overrides)), run.name)


def test_nobody_whose_scores_are_reported_takes_part_in_choosing() -> None:
    params = read_params(ROOT / "params.yaml")
    reported = set(params["data"]["test_subjects"])
    for run in read_list(ROOT / "experiments" / "choices.yaml").runs:
        data = with_overrides(params, run.overrides)["data"]
        assert not reported & {*data["subjects"], *data["test_subjects"]}
        assert set(data["subjects"]) - set(data["test_subjects"])
