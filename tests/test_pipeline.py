"""The whole pipeline in a fresh clone on the tiny recipe: one chain, run once, serves every test here."""

import json
import re
import subprocess
import sys
from pathlib import Path

from clone import GRAPH, TINY, Clone, clone_of_the_working_tree, stages_run

GRAPHS = (GRAPH, f"{TINY}/data/dvc.yaml")
EVERY_STAGE = {"validate", "synthesize", "index", "extract", "project", "pack", "pair", "train_lifter", "train_g1", "train_g2", "evaluate", "report"}


def test_one_command_runs_every_stage(chain: tuple[Clone, str]) -> None:
    clone, log = chain
    assert stages_run(log) == EVERY_STAGE
    scores = json.loads((clone.path / TINY / "metrics" / "test.json").read_text(encoding="utf-8"))
    assert scores["pairs"] > 0
    assert 0 < scores["refined"]["ssim"] <= 1
    assert scores["depth"]["label_accuracy"] > 0.5
    report = (clone.path / TINY / "metrics" / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"""(?:src|href)=["']?http""", report)


def test_a_running_stage_loads_nothing_that_its_graph_does_not_name(chain: tuple[Clone, str]) -> None:
    assert chain[0].loaded_unnamed(GRAPH, f"{TINY}/data/dvc.yaml") == []


def test_nothing_runs_twice(chain: tuple[Clone, str]) -> None:
    clone, _ = chain
    assert stages_run(clone.dvc("repro", GRAPH)) == set()
    assert clone.run("git", "status", "--porcelain") == ""


def test_a_thicker_torso_projects_again_and_decodes_nothing(chain: tuple[Clone, str]) -> None:
    clone, _ = chain
    params = clone.path / TINY / "params.yaml"
    before = params.read_text(encoding="utf-8")
    params.write_text(re.sub(r"(torso_thickness:) \d+", r"\1 200", before), encoding="utf-8")
    try:
        would_run = set(re.findall(r"^(?:[^':\s]*:)?(\w+)(?:@\S+)?:$", clone.dvc("status", GRAPH), re.MULTILINE))
    finally:
        params.write_text(before, encoding="utf-8")
    assert {"validate", "project"} <= would_run
    assert not would_run & {"synthesize", "extract", "train_g1", "pair"}


def test_an_experiment_runs_what_its_parameter_touches_and_metrics_diff_compares_branches(chain: tuple[Clone, str]) -> None:
    clone, _ = chain
    log = clone.dvc("exp", "run", "--name", "lambda-50", "--set-param", f"{TINY}/params.yaml:model.lambda=50", GRAPH)
    assert stages_run(log) == {"validate", "train_g2", "evaluate", "report"}
    clone.run("git", "checkout", "--quiet", "-b", "lambda-50")
    clone.commit("An experiment")
    clone.run("git", "checkout", "--quiet", "main")
    plain = Clone(clone.path.parent / "plain", clone.env, clone.private)
    clone.run("git", "clone", "--quiet", str(clone.path), str(plain.path))
    scores = f"{TINY}/metrics/test.json"
    changes = json.loads(plain.dvc("metrics", "diff", "--json", "main", "origin/lambda-50", "--targets", scores))[scores]
    assert {"refined.ssim", "refined.mask_l1"} <= set(changes)
    assert "coarse.ssim" not in changes
    clone.dvc("checkout", "--quiet", *GRAPHS)


def test_the_other_generator_is_one_parameter_away(chain: tuple[Clone, str]) -> None:
    clone, _ = chain
    log = clone.dvc("exp", "run", "--name", "thesis", "--set-param", f"{TINY}/params.yaml:model.generator=vunet", GRAPH)
    assert stages_run(log) == {"validate", "train_g1", "train_g2", "evaluate", "report"}
    assert "perceptual loss (image pyramid)" in log
    metrics = clone.path / TINY / "metrics"
    scores = json.loads((metrics / "test.json").read_text(encoding="utf-8"))
    assert scores["generator"] == "vunet"
    assert scores["latent"]["kl"] > 0
    assert (metrics / "samples" / "appearances.png").is_file()
    assert 'id="appearances"' in (metrics / "report.html").read_text(encoding="utf-8")
    clone.run("git", "checkout", "--quiet", "--force", "main")
    clone.run("git", "clean", "--quiet", "--force", TINY)
    clone.dvc("checkout", "--force", "--quiet", *GRAPHS)


def test_two_clean_runs_give_the_same_bytes(chain: tuple[Clone, str], tmp_path: Path) -> None:
    clone, _ = chain
    other = clone_of_the_working_tree(tmp_path / "other", tmp_path / "site")
    log = other.dvc("repro", GRAPH)
    assert stages_run(log) == EVERY_STAGE
    clone.run("git", "checkout", "--quiet", "--force", "main")
    clone.dvc("checkout", "--force", "--quiet", *GRAPHS)
    first, second = clone.outputs(), other.outputs()
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name] and not name.endswith("dvc.lock")] == []


def test_a_mistyped_value_stops_before_any_work(chain: tuple[Clone, str]) -> None:
    clone, _ = chain
    command = [sys.executable, "-m", "dvc", "exp", "run", "--set-param", f"{TINY}/params.yaml:train_g1.steps=many", GRAPH]
    done = subprocess.run(command, cwd=clone.path, env=clone.env, capture_output=True, text=True, check=False)
    clone.run("git", "checkout", "--quiet", "--force", "main")
    assert done.returncode != 0
    assert stages_run(done.stdout + done.stderr) == {"validate"}
    assert "train_g1.steps = 'many'" in done.stdout + done.stderr
