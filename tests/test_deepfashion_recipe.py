"""The recipe on photographs, end to end in a fresh clone with small values: every stage, its scores, and its report."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from clone import ROOT, Clone, clone_of_the_working_tree, stages_run
from ruamel.yaml import YAML

from pipeline.pose.skeleton import LIMB_NAMES

PHOTOS = "recipes/deepfashion"
GRAPH = f"{PHOTOS}/dvc.yaml"
SMALL: dict[str, dict[str, Any]] = YAML(typ="safe").load(ROOT / "recipes" / "tiny" / "deepfashion.yaml")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clone, str]:
    """A clone in which the recipe has run with small values, and what `dvc repro` said."""
    clone = clone_of_the_working_tree(tmp_path_factory.mktemp("photos") / "pose25d", tmp_path_factory.mktemp("site"))
    yaml, path = YAML(), clone.path / PHOTOS / "params.yaml"
    values = yaml.load(path)
    for section, changes in SMALL.items():
        values[section].update(changes)
    yaml.dump(values, path)
    log = clone.dvc("repro", GRAPH)
    clone.commit("Small photos")
    return clone, log


def test_one_command_runs_every_stage_and_nothing_runs_twice(photos: tuple[Clone, str]) -> None:
    clone, log = photos
    assert stages_run(log) == {"validate", "synthesize_photos", "pack_photos", "pair", "train_g1", "train_g2", "evaluate", "report"}
    assert stages_run(clone.dvc("repro", GRAPH)) == set()
    assert clone.run("git", "status", "--porcelain") == ""
    assert re.search(rf"pack_photos: 12 to train on, 3 to test on; \d+ of {15 * len(LIMB_NAMES)} limbs without a label", log)


def test_a_running_stage_loads_nothing_that_its_graph_does_not_name(photos: tuple[Clone, str]) -> None:
    assert photos[0].loaded_unnamed(GRAPH, f"{PHOTOS}/data/dvc.yaml") == []


def test_the_scores_are_those_of_bodies_without_truth_about_labels(photos: tuple[Clone, str]) -> None:
    scores = json.loads((photos[0].path / PHOTOS / "metrics" / "test.json").read_text(encoding="utf-8"))
    assert scores["pairs"] == 3 * 2
    for image in ("source", "by_part", "coarse", "refined"):
        assert 0 < scores[image]["ssim"] <= 1
        assert 0 < scores[image]["ssim_patn"] <= 1
    assert scores["depth"]["order_by_chain"].keys() == {"right_leg", "left_leg", "left_arm", "right_arm"}
    assert scores["depth"]["label_accuracy"] is None
    assert scores["depth"]["response"] > 0


def test_the_report_opens_with_people_and_lists_what_was_left_out(photos: tuple[Clone, str]) -> None:
    page = (photos[0].path / PHOTOS / "metrics" / "report.html").read_text(encoding="utf-8")
    assert "<h1>People repainted in new poses</h1>" in page
    assert "<code>ssim_patn</code>" in page
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(re.findall(r'<section id="([^"]+)"', page))


def test_a_model_of_photos_paints_another_pose_of_the_picture(photos: tuple[Clone, str], tmp_path: Path) -> None:
    clone, _ = photos
    root = clone.path / PHOTOS
    picture = sorted((root / "data" / "photos").glob("*.jpg"))[0]
    script = (
        "import json, sys; from pathlib import Path; import numpy as np; from pipeline.datasets.photos.annotations import read_annotations as read;"
        "from pipeline.datasets.photos.joints import to_h36m_17; from pipeline.pose.skeleton import H36M_17;"
        "found = {k: v for f in Path(sys.argv[1]).glob('*annotation*.csv') for k, v in read(f).points.items()};"
        "pose = to_h36m_17(found[sys.argv[2]]).tolist();"
        "joints = {n: None if p[0] != p[0] else p for n, p in zip(H36M_17.names, pose)};"
        "Path(sys.argv[3]).write_text(json.dumps({'joints': joints, 'labels': {'right_forearm': 1}}))"
    )
    clone.run("python", "-c", script, str(root / "data" / "photos"), picture.name, str(tmp_path / "pose.json"))
    weights = ("--g1", str(root / "models" / "g1.safetensors"), "--g2", str(root / "models" / "g2.safetensors"))
    poses = ("--source-pose", str(tmp_path / "pose.json"), "--pose", str(tmp_path / "pose.json"))
    out = tmp_path / "out.png"
    clone.run(
        *("python", "-m", "pose25d.transfer", "--image", str(picture), *poses, *weights, "--out", str(out), "--params", f"{PHOTOS}/params.yaml")
    )
    assert out.is_file()
