"""The recipe on faces, end to end in a fresh clone with small values: every stage, its scores, its tables and figures."""

import json
import re
from pathlib import Path
from typing import Any

import cv2
import pytest
from clone import ROOT, Clone, clone_of_the_working_tree, stages_run
from ruamel.yaml import YAML

FACES = "recipes/faces"
GRAPH = f"{FACES}/dvc.yaml"
SMALL: dict[str, dict[str, Any]] = YAML(typ="safe").load(ROOT / "recipes" / "tiny" / "faces.yaml")


def write_small(clone: Clone, **more: dict[str, Any]) -> None:
    yaml, path = YAML(), clone.path / FACES / "params.yaml"
    values = yaml.load(path)
    for section, changes in [*SMALL.items(), *more.items()]:
        values[section].update(changes)
    yaml.dump(values, path)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clone, str]:
    """A clone in which the recipe has run with small values, and what `dvc repro` said."""
    clone = clone_of_the_working_tree(tmp_path_factory.mktemp("faces") / "pose25d", tmp_path_factory.mktemp("site"))
    write_small(clone)
    log = clone.dvc("repro", GRAPH)
    clone.commit("Small faces")
    return clone, log


def test_one_command_runs_every_stage_and_nothing_runs_twice(faces: tuple[Clone, str]) -> None:
    clone, log = faces
    assert stages_run(log) == {
        "validate",
        "synthesize_faces",
        "pack_faces",
        "pair",
        "train_g1",
        "train_g2",
        "evaluate",
        "report",
        "face_tables",
    }
    assert stages_run(clone.dvc("repro", GRAPH)) == set()
    assert clone.run("git", "status", "--porcelain") == ""


def test_a_running_stage_loads_nothing_that_its_graph_does_not_name(faces: tuple[Clone, str]) -> None:
    assert faces[0].loaded_unnamed(GRAPH, f"{FACES}/data/dvc.yaml") == []


def test_the_scores_are_those_of_faces(faces: tuple[Clone, str]) -> None:
    scores = json.loads((faces[0].path / FACES / "metrics" / "test.json").read_text(encoding="utf-8"))
    assert scores["pairs"] == 4 * 3  # one person's ordered pairs of four views
    assert "depth" not in scores
    assert "by_part" not in scores
    assert scores["precision"] == {"g1": "32-true", "g2": "32-true"}
    for image in ("source", "coarse", "refined"):
        assert 0 < scores[image]["ssim"] <= 1
        assert scores[image]["overlap_l1"] is None
        assert scores[image]["mask_l1"] > 0


def test_tables_and_figures_of_the_face_report_are_there_and_agree_with_the_scores(faces: tuple[Clone, str]) -> None:
    metrics = faces[0].path / FACES / "metrics"
    scores = json.loads((metrics / "test.json").read_text(encoding="utf-8"))
    text = (metrics / "tables" / "tables.md").read_text(encoding="utf-8")
    first, second = (re.findall(r"^\| (?:\d+ \| )?(0\.\d.*) \|$", part, re.MULTILINE) for part in text.split("Table 2"))
    assert len(first) == SMALL["evaluate"]["samples"]
    expected = [scores[image][kind] for kind in ("ssim_gray", "ssim_pg2", "ssim") for image in ("source", "coarse", "refined")] + [
        scores["refined"]["l1"]
    ]
    assert [float(cell) for cell in second[0].split(" | ")] == pytest.approx(expected, abs=1e-4)
    for name in ("figure_12.jpg", "figure_13.png"):
        picture = cv2.imread(str(metrics / "tables" / name))
        assert picture is not None
        assert picture.std() > 5


def test_the_report_has_what_faces_have_and_nothing_of_limbs(faces: tuple[Clone, str]) -> None:
    page = (faces[0].path / FACES / "metrics" / "report.html").read_text(encoding="utf-8")
    assert "<h1>Faces repainted in new poses</h1>" in page
    sections = re.findall(r'<section id="([^"]+)"', page)
    assert sections == ["scores", "samples", "best", "worst", "breakdown", "curves", "left-out"]
    assert set(re.findall(r'href="#([^"]+)"', page)) == set(sections)
    assert "by part" not in page.lower()
    assert "limb" not in page


def test_no_person_is_trained_on_and_scored(faces: tuple[Clone, str]) -> None:
    folder = faces[0].path / FACES / "data" / "pairs"
    people = {
        split: {line.split(",")[1] for line in (folder / f"{split}.csv").read_text(encoding="utf-8").splitlines()[1:]} for split in ("train", "test")
    }
    assert len(people["train"]) == 3
    assert len(people["test"]) == 1
    assert not people["train"] & people["test"]


@pytest.mark.parametrize(
    "changes",
    [
        {"pose.maps": ["edges"], "pose.mask": "polygon", "pose.source": False, "model.border": 0, "train_g2.pretrain_d": 0},
        {"model.generator": "vunet"},
    ],
    ids=["report", "thesis"],
)
def test_what_the_sources_name_is_a_parameter(faces: tuple[Clone, str], changes: dict[str, Any]) -> None:
    clone, _ = faces
    settings = [part for name, value in changes.items() for part in ("--set-param", f"{FACES}/params.yaml:{name}={json.dumps(value)}")]
    log = clone.dvc("exp", "run", *settings, GRAPH)
    scores = json.loads((clone.path / FACES / "metrics" / "test.json").read_text(encoding="utf-8"))
    clone.run("git", "checkout", "--quiet", "--force", "main")
    clone.run("git", "clean", "--quiet", "--force", FACES)
    assert stages_run(log) == {"validate", "train_g1", "train_g2", "evaluate", "report", "face_tables"}
    assert 0 < scores["refined"]["ssim"] <= 1
    assert scores["generator"] == changes.get("model.generator", "pg2")


def test_limbs_are_not_asked_of_faces(faces: tuple[Clone, str], tmp_path: Path) -> None:
    clone, _ = faces
    params = clone.path / FACES / "params.yaml"
    for key, value, fault in (
        ("train_g1.twins", True, "a face has no limbs"),
        ("model.vunet.appearance_input", "warped", "expected image"),
        ("pose.mask", "box", "mask = 'box'"),
    ):
        yaml = YAML()
        values = yaml.load(params)
        *sections, name = key.split(".")
        place = values
        for section in sections:
            place = place[section]
        place[name] = value
        if name == "appearance_input":
            values["model"]["generator"] = "vunet"
        yaml.dump(values, tmp_path / "params.yaml")
        done = clone.failing("python", "-m", "stages.validate", str(tmp_path / "checked"), "--params", str(tmp_path / "params.yaml"))
        assert fault in done
