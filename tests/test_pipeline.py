"""The whole pipeline in a fresh clone on the tiny recipe: one chain, run once, serves every test here."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from clone import GRAPH, TINY, Clone, clone_of_the_working_tree, stages_run

from pipeline.inference.batched import BatchedGenerator, Task
from pipeline.inference.generator import load_generator
from pipeline.packs.pack import read_packs
from pipeline.pose.pose_file import read_pose
from pipeline.utils.images import encode
from pipeline.utils.tensors import as_rows

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


def test_any_codes_pictures_are_scored_as_our_own(chain: tuple[Clone, str], tmp_path: Path) -> None:
    """What the chain's weights paint, written as files and scored as files, has the scores of `evaluate` to the last digit."""
    clone, _ = chain
    folder, tiny = clone.path / TINY, ("--packed", f"{TINY}/data/packed", "--pairs", f"{TINY}/data/pairs", "--params", f"{TINY}/params.yaml")
    said = clone.run(sys.executable, "-m", "pose25d.export_benchmark", str(tmp_path / "benchmark"), *tiny)
    lists = {
        name: list(csv.DictReader((tmp_path / "benchmark" / f"{name}.csv").read_text(encoding="utf-8").splitlines())) for name in ("pairs", "twins")
    }
    assert f"{len(lists['pairs'])} pairs and {len(lists['twins'])} twins" in said
    pack = read_packs(folder / "data" / "packed", ["S9"])
    batched = BatchedGenerator(load_generator(*(folder / "models" / f"{name}.safetensors" for name in ("g1", "g2"))), pack, 16, torch.device("cpu"))
    shown = {row["source"] for rows in lists.values() for row in rows} | {row["target"] for rows in lists.values() for row in rows}
    assert {path.stem for path in (tmp_path / "benchmark" / "images").iterdir()} == shown
    for name in ("pairs", "twins"):
        (tmp_path / "painted" / name).mkdir(parents=True)
    poses = [[f"poses/{row['target']}" for row in lists[kind]] for kind in ("pairs", "twins")] + [[f"twins/{row['twin']}" for row in lists["twins"]]]
    for kind, key, end, files in zip(("pairs", "twins", "twins"), ("pair", "twin", "twin"), ("", "_original", "_twin"), poses, strict=True):
        source, target = (np.array([int(row[name]) for row in lists[kind]]) for name in ("source", "target"))
        label = np.array([read_pose(tmp_path / "benchmark" / f"{name}.json").label for name in files], np.int8)
        for rows, batch in batched.batches(Task(source, target, label), kind):
            with torch.inference_mode():
                painted = as_rows(batched.paint(batched.measure(batch))[1])
            for row, image in zip(lists[kind][rows], painted, strict=True):
                (tmp_path / "painted" / kind / f"{row[key]}{end}.png").write_bytes(encode(image, ".png"))
    clone.run(sys.executable, "-m", "pose25d.score", str(tmp_path / "painted"), "--out", str(tmp_path / "scores.json"), *tiny)
    found, expected = (json.loads(path.read_text()) for path in (tmp_path / "scores.json", folder / "metrics" / "test.json"))
    assert found["painted"] == expected["refined"]
    assert found["depth"]["order_accuracy"] == expected["depth"]["order_accuracy"]
    (tmp_path / "painted" / "pairs" / "000000.png").unlink()
    assert "000000.png: not found; expected a picture of every pair" in clone.failing(
        sys.executable, "-m", "pose25d.score", str(tmp_path / "painted"), *tiny
    )


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
    compared = clone.run(sys.executable, "-m", "pose25d.compare", "main", "lambda-50", "--cases", f"{TINY}/data/cases.npz")
    assert "refined image" in compared.splitlines()[0]
    assert {"SSIM", "L1", "order accuracy"} <= {line[:16].strip() for line in compared.splitlines()}
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
