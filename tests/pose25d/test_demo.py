"""`pose25d demo`, and who paints where no weights are given: those that come with the project."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner, Result
from small_weights import write_model

from pipeline.inference.published import publish_weights
from pipeline.page.folder import PhotoFolder
from pipeline.pose.pose_file import read_pose
from pipeline.pose.skeleton import H36M_17
from pose25d import demo, label, transfer
from pose25d import weights as weights_of

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES, PARAMS = ROOT / "examples", ROOT / "params.yaml"


@pytest.fixture
def pretrained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Small weights in the place of those that come with the project, and a working folder without any."""
    folder, elsewhere = tmp_path / "pretrained", tmp_path / "elsewhere"
    elsewhere.mkdir()
    publish_weights(write_model(tmp_path / "models"), folder)
    monkeypatch.setattr(weights_of, "PRETRAINED", folder)
    monkeypatch.chdir(elsewhere)
    return folder


def repaint(out: Path, *more: str) -> Result:
    files = {"image": EXAMPLES / "person.png", "source-pose": EXAMPLES / "person.json", "pose": EXAMPLES / "pose.json", "out": out, "params": PARAMS}
    return CliRunner().invoke(transfer.main, [*(str(item) for name, path in files.items() for item in (f"--{name}", path)), *more])


def test_without_other_weights_those_of_the_project_paint(pretrained: Path, tmp_path: Path) -> None:
    result = repaint(tmp_path / "new.png")
    assert (result.exit_code, result.output) == (0, "transfer: painted with the weights of models/pretrained, which know invented people alone\n")
    given = [str(item) for name in ("g1", "g2") for item in (f"--{name}", pretrained / f"{name}.safetensors")]
    assert repaint(tmp_path / "given.png", *given).output == ""
    assert (tmp_path / "given.png").read_bytes() == (tmp_path / "new.png").read_bytes()


def test_what_was_trained_here_paints_first_and_two_weights_are_of_one_training(pretrained: Path, tmp_path: Path) -> None:
    models = Path("models")
    models.mkdir()
    shutil.copy(pretrained / "g1.safetensors", models)
    out = tmp_path / "new.png"
    assert "models/g2.safetensors: not found, but models/g1.safetensors is there; train both" in repaint(out).output
    for name in ("g1", "g2"):
        result = repaint(out, f"--{name}", str(pretrained / f"{name}.safetensors"))
        assert (result.exit_code, result.output) == (1, "Error: expected --g1 and --g2 together, found one of them\n")
    shutil.copy(pretrained / "g2.safetensors", models)
    assert repaint(out).output == "transfer: painted with the weights models/g1.safetensors and models/g2.safetensors\n"


def test_weights_that_are_missing_or_damaged_are_one_line(pretrained: Path, tmp_path: Path) -> None:
    photos = shutil.copytree(EXAMPLES / "demo", tmp_path / "photos")
    commands = (
        lambda: repaint(tmp_path / "new.png"),
        lambda: CliRunner().invoke(demo.main, ["--no-browser"]),
        lambda: CliRunner().invoke(label.main, [str(photos), "--pretrained", "--no-browser", "--params", str(PARAMS)]),
    )

    def said() -> list[str]:
        results = [command() for command in commands]
        assert [(result.exit_code, result.output.count("\n")) for result in results] == [(1, 1)] * 3
        return [result.output for result in results]

    g2 = pretrained / "g2.safetensors"
    g2.write_bytes(g2.read_bytes()[:1000])
    assert all("g2.safetensors: expected weights in the safetensors format" in line for line in said())
    g2.unlink()
    assert all("g2.safetensors: not found; expected the weights that come with the project" in line for line in said())
    both = ["--g1", str(pretrained / "g1.safetensors"), "--g2", str(pretrained / "g1.safetensors")]
    result = CliRunner().invoke(label.main, [str(photos), "--pretrained", *both, "--params", str(PARAMS)])
    assert "expected --pretrained or --g1 and --g2, found both" in result.output


def test_a_demo_without_its_photos_or_its_port_is_one_line(pretrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pretrained.is_dir()
    result = CliRunner().invoke(demo.main, ["--no-browser", "--port", "70000"])
    assert result.exit_code == 2
    monkeypatch.setattr(demo, "PHOTOS", tmp_path / "nothing")
    result = CliRunner().invoke(demo.main, ["--no-browser"])
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert "nothing: not found; expected the photos of the demo" in result.output


def test_the_demo_serves_the_studio_from_any_folder_and_leaves_nothing(tmp_path: Path) -> None:
    """In a copy of the project, with small weights in their place."""
    clone, temporary = tmp_path / "clone", tmp_path / "temporary"
    for name in ("pipeline", "pose25d", "stages", "examples"):
        shutil.copytree(ROOT / name, clone / name)
    (clone / "recipes" / "full").mkdir(parents=True)
    shutil.copy(ROOT / "recipes" / "full" / "params.yaml", clone / "recipes" / "full")
    publish_weights(write_model(tmp_path / "models"), clone / "models" / "pretrained")
    temporary.mkdir()
    files = {path: path.read_bytes() for path in (clone / "examples").rglob("*") if path.is_file()}
    env = {**os.environ, "PYTHONPATH": str(clone), "TMPDIR": str(temporary)}
    command = [sys.executable, "-m", "pose25d.demo", "--no-browser"]
    with subprocess.Popen(command, cwd=temporary, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        assert lines[0].startswith("demo: 8 photos of invented people"), lines
        address = lines[1].split()[1]
        with httpx2.Client(follow_redirects=True, timeout=60) as visitor:
            assert visitor.get(address).status_code == 200
            base = address.partition("?")[0]
            known = visitor.get(base + "api/photos").json()
            assert known["studio"]
            assert all(photo["done"] for photo in known["photos"])
            name = known["photos"][0]["name"]
            pose = json.loads((EXAMPLES / "pose.json").read_text(encoding="utf-8"))
            painted = visitor.post(f"{base}api/paint/{name}", json=pose)
            assert (painted.status_code, painted.headers["content-type"]) == (200, "image/png")
            assert visitor.put(f"{base}api/labels/{name}", json={"labels": [0] * 8}).status_code == 200
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 0
    assert list(temporary.iterdir()) == []
    assert {path: path.read_bytes() for path in (clone / "examples").rglob("*") if path.is_file()} == files


def test_the_photos_of_the_demo_are_read_as_poses_that_can_be_dragged() -> None:
    folder = PhotoFolder(EXAMPLES / "demo")
    assert len(read_pose(EXAMPLES / "pose.json").known) == len(H36M_17)
    for photo in folder.photos.values():
        assert all(photo.visible)
