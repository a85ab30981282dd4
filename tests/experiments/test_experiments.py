"""The whole command, in a clone where the tiny recipe has run."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import pytest
from clone import TINY, Clone

from experiments.pictures import TITLE

LIST = """
against: as-it-is
seeds: [[as-it-is, weight]]
shared: {weight: &weight {model.lambda: 20}}
runs:
- {name: as-it-is, about: no override, set: {}}
- {name: weight, about: another weight, set: *weight}
- {name: mistyped, about: a value that is no number, set: {train_g2.steps: many}}
- {name: unknown, about: a parameter that is not there, set: {model.nosuch: 1}}
- {name: later, about: not asked for, set: {model.lambda: 30}}
"""


@dataclass
class Ablation:
    """The command in a clone, its list of runs and its results."""

    clone: Clone
    folder: Path

    def __call__(self, command: str, names: str) -> subprocess.CompletedProcess[str]:
        module = [sys.executable, "-m", "experiments", command, "--recipe", "tiny", "--runs", names]
        paths = ["--list", str(self.folder / "runs.yaml"), "--out", str(self.folder / "out")]
        return subprocess.run([*module, *paths], cwd=self.clone.path, env=self.clone.env, capture_output=True, text=True, check=False)

    def results(self) -> dict[str, dict[str, Any]]:
        return {run["name"]: run for run in self.written()["runs"]}

    def written(self) -> dict[str, Any]:
        """All that is kept of the runs."""
        return json.loads((self.folder / "out" / "results.json").read_text(encoding="utf-8"))

    def shown_by_dvc(self) -> dict[str, dict[str, Any]]:
        """The scores of every successful experiment, as DVC shows them."""
        _, base = json.loads(self.clone.dvc("exp", "show", "--json", "--rev", "HEAD"))
        found = {one["name"]: one["revs"][0] for one in base["experiments"] if (one["executor"] or {}).get("state", "success") == "success"}
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
    (apart,) = ablation.written()["compared"]  # from the file of cases of either
    assert (apart["first"], apart["second"]) == ("as-it-is", "weight")
    difference, low, high = apart["scores"]["refined"]["ssim"]
    assert difference == pytest.approx(results["weight"]["metrics"]["refined"]["ssim"] - results["as-it-is"]["metrics"]["refined"]["ssim"], abs=1e-5)
    assert low <= difference <= high
    assert "Compared with `as-it-is` pair by pair" in (ablation.folder / "out" / "table.md").read_text(encoding="utf-8")
    assert (ablation.folder / "out" / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert ablation.clone.run("git", "status", "--porcelain") == ""

    second = ablation("run", "as-it-is weight")
    assert second.returncode == 0, second.stdout + second.stderr
    assert second.stdout.count("not queued again") == 2
    assert "Running stage" not in second.stdout
    again = ablation.results()
    assert all(again[name] == results[name] for name in ("as-it-is", "weight"))
    assert again["mistyped"]["state"] == "failed"  # the queue still knows of it


def test_a_run_that_a_new_one_is_compared_with_is_made_again_where_its_scores_of_every_pair_are_not_here(ablation: Ablation) -> None:
    """As on another machine, where `results.json` has its figures, and nothing has more."""
    written, path = ablation.written(), ablation.folder / "out" / "results.json"
    kept = [run | {"experiment": "0" * 40, "minutes": {"coarse": 1.5}} for run in written["runs"] if run["name"] == "as-it-is"]
    path.write_text(json.dumps({"runs": kept, "compared": []}), encoding="utf-8")
    done = ablation("run", "as-it-is weight")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search("as-it-is: done at commit .*, made again, since its scores of every pair are not here", done.stdout)
    again = ablation.written()
    assert again["compared"] == written["compared"]
    assert ablation.results()["as-it-is"]["experiment"] != kept[0]["experiment"]


def test_runs_of_an_earlier_commit_are_kept_until_their_parameters_change(ablation: Ablation) -> None:
    before, compared = ablation.results(), ablation.written()["compared"]
    ablation.clone.commit("Something that no run depends on")
    kept_ones = ablation("run", "as-it-is weight")
    assert kept_ones.returncode == 0, kept_ones.stdout + kept_ones.stderr
    assert kept_ones.stdout.count("done at commit") == 2
    assert "Running stage" not in kept_ones.stdout
    assert all(ablation.results()[name] == before[name] for name in ("as-it-is", "weight"))
    assert ablation.written()["compared"] == compared

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


def test_results_are_taken_over_to_code_that_computes_the_same(ablation: Ablation) -> None:
    """A result that held at the base holds, and is not made again, while its parameters mean the same; a result of other code stays as it is."""
    clone, module = ablation.clone, ablation.clone.path / "pipeline" / "networks" / "unet.py"
    assert ablation("run", "as-it-is weight").returncode == 0
    kept = clone.path / TINY / "metrics" / "ablation" / "results.json"
    kept.parent.mkdir()
    shutil.copy(ablation.folder / "out" / "results.json", kept)
    clone.commit("Results")
    before, code, params = kept.read_bytes(), module.read_text(encoding="utf-8"), (clone.path / TINY / "params.yaml").read_text(encoding="utf-8")

    def takes_over(base: str) -> str:
        return clone.run(sys.executable, "-m", "experiments", "take-over", base)

    where = f"{TINY}/metrics/ablation/results.json"
    assert f"{where}: 2 runs: 2 agreed already" in takes_over("HEAD~1")
    module.write_text(f"{code}# a comment\n", encoding="utf-8")
    clone.commit("A comment")
    assert f"{where}: 2 runs: 2 taken over" in takes_over("HEAD~1")
    shutil.copy(kept, ablation.folder / "out" / "results.json")
    done = ablation("run", "as-it-is weight")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("done at commit") == 2
    commit = clone.run("git", "rev-parse", "HEAD").strip()
    assert {run["same_as"] for run in ablation.results().values() if run["state"] == "done"} == {commit}
    assert len(ablation.written()["compared"]) == 1

    clone.commit("Results taken over")
    (clone.path / TINY / "params.yaml").write_text(re.sub("(?m)^  lambda: .*$", "  lambda: 7", params), encoding="utf-8")
    module.write_text(f"{code}# another comment\n", encoding="utf-8")
    clone.commit("Another comment, and a weight that one of the two runs sets itself")
    said = takes_over("HEAD~1")
    assert f"{where}: as-it-is: refused: other values than before: model.lambda" in said
    assert f"{where}: 2 runs: 1 refused, 1 taken over" in said

    kept.write_bytes(before)
    module.write_text(f"{code}# a third comment\n", encoding="utf-8")
    clone.commit("The results of the first commit, which the base is not")
    assert f"{where}: 2 runs: 2 out of date at the base already" in takes_over("HEAD~1")
    assert kept.read_bytes() == before
    module.write_text(code, encoding="utf-8")
    (clone.path / TINY / "params.yaml").write_text(params, encoding="utf-8")
    kept.unlink()
    clone.commit("All as it was")


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
    assert "`python -m experiments run` makes them" in done.stderr
