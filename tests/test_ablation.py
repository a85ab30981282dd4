"""The ablation: what its table says, and the whole command in a clone where the tiny recipe has run."""

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import pytest
from clone import TINY, Clone

from pipeline.config.params import Params
from pipeline.config.section import parse, read_params
from pipeline.utils.errors import UserError
from recipes.ablation import TITLE
from recipes.ablation_table import (
    Result,
    Run,
    RunList,
    choose,
    is_made_of,
    kept,
    order_text,
    page,
    plot,
    read_list,
    table,
    to_json,
    with_block,
    with_overrides,
)

ROOT = Path(__file__).resolve().parents[1]
METRICS = {
    "source": {"ssim": 0.4, "ssim_std": 0.1, "mask_ssim": 0.5, "l1": 0.1, "sharpness": 1},
    "coarse": {"ssim": 0.65, "ssim_std": 0.0512, "mask_ssim": 0.79, "l1": 0.051, "sharpness": 0.6},
    "refined": {"ssim": 0.66098, "ssim_std": 0.05, "mask_ssim": 0.8, "l1": 0.05, "sharpness": 0.7},
    "depth": {
        "label_accuracy": 0.97,
        "order_by_image": {
            "coarse": {"order_accuracy": 0.54, "order_low": None, "order_high": None},
            "refined": {"order_accuracy": 0.551, "order_low": 0.53, "order_high": 0.57},
        },
    },
}
LIST = """
shared: {weight: &weight {model.lambda: 20}}
runs:
- {name: as-it-is, about: no override, set: {}}
- {name: weight, about: another weight, set: *weight}
- {name: mistyped, about: a value that is no number, set: {train_g2.steps: many}}
- {name: unknown, about: a parameter that is not there, set: {model.nosuch: 1}}
- {name: later, about: not asked for, set: {model.lambda: 30}}
"""


def a_run(name: str = "a", **overrides: Any) -> Run:
    return Run(name=name, about=f"what {name} is", overrides=overrides)


def test_the_table_has_a_row_per_result_and_names_what_failed() -> None:
    results = [
        Result(a_run("good"), "done", experiment="0123456789", metrics=METRICS, commit="abcdef0123"),
        Result(a_run("bad"), "failed", "the disk is full"),
        Result(a_run("late"), "not run"),
        Result(a_run("old"), "done", edited=True, metrics={"refined": {"ssim": None}}, commit="9876543210"),
    ]
    text = table(results)
    assert "| `good` | what good is | 0.6610 | 0.8000 | 0.0500 | 0.7000 | 0.9700 | 0.551 (0.530 to 0.570) |" in text
    assert "| `bad` | what bad is | **failed** |" in text
    assert "| `old` | what old is | – | – | – | – | – | – |" in text
    assert "`bad` failed: the disk is full." in text
    assert "Not run: `late`." in text
    assert "edits that the commit does not have: `old`." in text
    assert "experiments of commits `abcdef0`, `9876543`." in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 3
    assert len({row.count("|") for row in rows}) == 1


def test_an_order_accuracy_without_interval_stands_alone() -> None:
    assert order_text({"depth": {"order_by_image": {"coarse": {"order_accuracy": 0.5506}}}}, "coarse") == "0.551"


def test_a_table_of_images_has_the_truth_the_baselines_and_a_row_per_image() -> None:
    results = [
        Result(a_run("good"), "done", metrics=METRICS, commit="abcdef0123"),
        Result(a_run("bad"), "failed", "the disk is full"),
        Result(a_run("late"), "not run"),
    ]
    rows = [line for line in table(results, ("coarse", "refined")).splitlines() if line.startswith("|")]
    assert rows[2:] == [
        "|  |  | the true images | 1.0000 | 1.0000 | 0.0000 | 1.0000 | 1.000 |",
        "|  |  | the source image itself | 0.4000 ± 0.100 | 0.5000 | 0.1000 | 1.0000 | – |",
        "| `good` | what good is | coarse (G1) | 0.6500 ± 0.051 | 0.7900 | 0.0510 | 0.6000 | 0.540 |",
        "| `good` | what good is | refined (+ G2) | 0.6610 ± 0.050 | 0.8000 | 0.0500 | 0.7000 | 0.551 (0.530 to 0.570) |",
        "| `bad` | what bad is | failed |  |  |  |  |  |",
    ]
    assert len({row.count("|") for row in rows}) == 1


def test_the_page_holds_table_and_pictures_and_needs_nothing_from_outside() -> None:
    results = [Result(a_run("good"), "done", metrics=METRICS, commit="abcdef0123"), Result(a_run("bad"), "failed", "a < b")]
    text = page(RunList(runs=(a_run("good"),), images=("refined",), heading="Two systems"), results, {"good": b"picture"})
    assert text.count("<tr>") == 1 + 2 + 1 + 1
    assert "<td>0.551 (0.530 to 0.570)</td>" in text
    assert "bad failed: a &lt; b." in text
    assert text.count("<img") == 1
    assert f'src="data:image/jpeg;base64,{base64.b64encode(b"picture").decode()}"' in text
    assert not re.search(r"https?:|url\(|<script", text)


def test_a_table_of_images_shows_inception_based_scores_where_there_are_any() -> None:
    metrics = {**METRICS, "refined": {**METRICS["refined"], "inception_score": 3.1, "fid": 20.5}, "inception": {"truth_score": 3.4}}
    rows = table([Result(a_run("good"), "done", metrics=metrics)], ("refined",)).splitlines()
    assert "| Inception score | FID |" in rows[0]
    assert "| 1.0000 | 3.4000 | 0.0000 | 1.000 |" in rows[2]
    assert "| 0.7000 | 3.1000 | 20.5000 | 0.551" in rows[4]


def test_a_list_chooses_its_scores_and_has_no_order_where_nothing_has_limbs(tmp_path: Path) -> None:
    face = {image: {"ssim_pg2": 0.8, "ssim_gray": 0.9, "sharpness": 0.7, "ssim": 0.75} for image in ("source", "coarse", "refined")}
    result = Result(a_run("good"), "done", metrics=face)
    text = table([result], ("refined",), ("SSIM (grey)", "SSIM (7x7 RGB)", "L1"))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert rows[0] == "| run | what it is | image | SSIM (grey) | SSIM (7x7 RGB) |"
    assert rows[-1] == "| `good` | what good is | refined (+ G2) | 0.9000 | 0.8000 |"
    assert "order accuracy" not in text
    figure = plot([result])
    assert "sharpness" in figure.axes[0].get_ylabel()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["good"]
    for faulty, fault in (
        ("scores: [SSIM, beauty]", "beauty: unknown"),
        ("figures: {one: [bad]}", "no run is named bad"),
        ("figures: {one: []}", "found none"),
    ):
        (tmp_path / "list.yaml").write_text(f"{faulty}\nruns: [{{name: good, about: x, set: {{}}}}]\n", encoding="utf-8")
        with pytest.raises(UserError, match=fault):
            read_list(tmp_path / "list.yaml")


def test_the_results_hold_overrides_revision_and_all_metrics() -> None:
    (one,) = to_json([Result(a_run("a", **{"pose.depth": False}), "done", experiment="0123", metrics=METRICS, commit="abc")])["runs"]
    assert (one["set"], one["experiment"], one["metrics"], one["commit"]) == ({"pose.depth": False}, "0123", METRICS, "abc")


def test_a_result_is_kept_while_code_and_parameters_are_the_same() -> None:
    done = Result(a_run("a", **{"pose.depth": False}), "done", experiment="0123", metrics=METRICS, commit="abc", origin="x")
    others = replace(done, run=a_run("b")), replace(done, run=a_run("edited"), edited=True), Result(a_run("c"), "not run", origin="x")
    document = to_json([*others, done])
    assert kept(document, done.run, "x") == done
    assert kept(document, done.run, "y") is None
    for run in (a_run("edited"), a_run("c"), a_run("new")):
        assert kept(document, run, "x") is None
    assert kept({}, done.run, "x") is None


def test_the_plot_names_each_run_that_has_both_scores() -> None:
    without = {"refined": METRICS["refined"]}
    figure = plot([Result(a_run("a"), "done", metrics=METRICS), Result(a_run("b"), "done", metrics=without), Result(a_run("c"), "failed")])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a"]
    assert not plot([Result(a_run("c"), "failed")]).legends


def test_the_plot_tells_apart_as_many_runs_as_the_list_has() -> None:
    figure = plot([Result(run, "done", metrics=METRICS) for run in read_list(ROOT / "recipes" / "ablation.yaml").runs])
    looks = [(line.get_color(), line.get_marker()) for line, *_ in figure.axes[0].containers]
    assert len(set(looks)) == len(looks) > 10


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


def test_the_block_is_replaced_and_a_text_without_one_stays() -> None:
    text = "# A\n<!-- ablation -->\nold\n<!-- /ablation -->\nend\n"
    once = with_block(text, "ablation", "new\n")
    assert once == "# A\n<!-- ablation -->\n\nnew\n\n<!-- /ablation -->\nend\n"
    assert with_block(once, "ablation", "new\n") == once
    assert with_block("# A\n<!-- ablation -->\nold\n", "ablation", "new") == "# A\n<!-- ablation -->\nold\n"


@pytest.mark.parametrize("name", ["ablation", "comparison"])
def test_every_run_of_a_list_sets_parameters_that_exist_and_a_page_has_a_place_for_its_table(name: str) -> None:
    listed, params = read_list(ROOT / "recipes" / f"{name}.yaml"), read_params(ROOT / "params.yaml")
    assert listed.title == name
    for run in listed.runs:
        parse(Params, with_overrides(params, run.overrides), run.name)
    page = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
    assert "NEW" in with_block(page, name, "NEW")


@dataclass
class Ablation:
    """The command in a clone, its list of runs and its results."""

    clone: Clone
    folder: Path

    def __call__(self, command: str, names: str) -> subprocess.CompletedProcess[str]:
        module = [sys.executable, "-m", "recipes.ablation", command, "--recipe", "tiny", "--runs", names]
        paths = ["--list", str(self.folder / "runs.yaml"), "--out", str(self.folder / "out")]
        return subprocess.run([*module, *paths], cwd=self.clone.path, env=self.clone.env, capture_output=True, text=True, check=False)

    def results(self) -> dict[str, dict[str, Any]]:
        return {run["name"]: run for run in json.loads((self.folder / "out" / "results.json").read_text(encoding="utf-8"))["runs"]}

    def shown_by_dvc(self) -> dict[str, dict[str, Any]]:
        """The scores of every successful experiment, as DVC shows them."""
        _, base = json.loads(self.clone.dvc("exp", "show", "--json", "--rev", "HEAD"))
        found = {one["name"]: one["revs"][0] for one in base["experiments"] if one["executor"]["state"] == "success"}
        return {name: revision["data"]["metrics"][f"{TINY}/metrics/test.json"]["data"] for name, revision in found.items()}


@pytest.fixture(scope="module")
def ablation(chain: tuple[Clone, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ablation]:
    clone, _ = chain
    folder = tmp_path_factory.mktemp("ablation")
    (folder / "runs.yaml").write_text(LIST, encoding="utf-8")
    yield Ablation(clone, folder)
    clone.dvc("queue", "stop")


def test_runs_are_trained_once_and_a_failed_one_stops_nothing(ablation: Ablation) -> None:
    first = ablation("run", "mistyped unknown as-it-is weight")
    assert first.returncode == 1, first.stdout + first.stderr
    assert "2 of 4 runs are without a result: mistyped, unknown" in first.stderr
    assert "there is no parameter model.nosuch" in first.stderr

    results = ablation.results()
    states = {name: run["state"] for name, run in results.items()}
    assert states == {"as-it-is": "done", "weight": "done", "mistyped": "failed", "unknown": "failed", "later": "not run"}
    assert "train_g2.steps = 'many'" in results["mistyped"]["reason"]
    assert not any(run["edited"] for run in results.values())
    shown = ablation.shown_by_dvc()
    for name in ("as-it-is", "weight"):
        assert results[name]["metrics"] == shown[f"ablation-tiny-{name}"]
        assert f"{shown[f'ablation-tiny-{name}']['refined']['ssim']:.4f}" in (ablation.folder / "out" / "table.md").read_text(encoding="utf-8")
    assert results["weight"]["metrics"]["refined"] != results["as-it-is"]["metrics"]["refined"]
    assert results["weight"]["metrics"]["coarse"] == results["as-it-is"]["metrics"]["coarse"]
    assert (ablation.folder / "out" / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert ablation.clone.run("git", "status", "--porcelain") == ""

    second = ablation("run", "as-it-is weight")
    assert second.returncode == 0, second.stdout + second.stderr
    assert second.stdout.count("not queued again") == 2
    assert "Running stage" not in second.stdout
    again = ablation.results()
    assert all(again[name] == results[name] for name in ("as-it-is", "weight"))
    assert again["mistyped"]["state"] == "failed"  # the queue still knows of it


def test_runs_of_an_earlier_commit_are_kept_until_their_parameters_change(ablation: Ablation) -> None:
    before = ablation.results()
    ablation.clone.commit("Something that no run depends on")
    kept_ones = ablation("run", "as-it-is weight")
    assert kept_ones.returncode == 0, kept_ones.stdout + kept_ones.stderr
    assert kept_ones.stdout.count("done at commit") == 2
    assert "Running stage" not in kept_ones.stdout
    assert all(ablation.results()[name] == before[name] for name in ("as-it-is", "weight"))

    params = ablation.clone.path / TINY / "params.yaml"
    text = params.read_text(encoding="utf-8")
    params.write_text(re.sub("(?m)^  lambda: .*$", "  lambda: 7", text), encoding="utf-8")
    ablation.clone.commit("Another weight, which one of the two runs sets itself")
    shown = ablation("table", "as-it-is weight")
    params.write_text(text, encoding="utf-8")
    ablation.clone.commit("The weight as it was")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    states = {name: run["state"] for name, run in ablation.results().items()}
    assert states == {"as-it-is": "not run", "weight": "done"}


def test_a_list_of_images_makes_a_page(ablation: Ablation) -> None:
    text = f"title: comparison\nimages: [coarse, refined]\nfigures: {{side_by_side: [as-it-is, weight]}}\n{LIST}"
    (ablation.folder / "runs.yaml").write_text(text, encoding="utf-8")
    done = ablation("run", "as-it-is")
    (ablation.folder / "runs.yaml").write_text(LIST, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "comparison-tiny-as-it-is" in ablation.shown_by_dvc()
    page = (ablation.folder / "out" / "page.html").read_text(encoding="utf-8")
    done_runs = [name for name, run in ablation.results().items() if run["state"] == "done"]
    assert page.count("<h2>") == page.count("<img") == len(done_runs) > 0
    assert "coarse (G1)" in (ablation.folder / "out" / "table.md").read_text(encoding="utf-8")
    figure = cv2.imread(str(ablation.folder / "out" / "side_by_side.jpg"))
    assert figure is not None
    assert figure.shape[0] > TITLE


def test_a_table_of_nothing_is_refused(ablation: Ablation) -> None:
    done = ablation("table", "later")
    assert done.returncode == 1
    assert "`python -m recipes.ablation run` makes them" in done.stderr
