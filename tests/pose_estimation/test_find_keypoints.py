"""Keypoints for a folder of photos: somebody's ONNX model and a network of ours give a file that the reader reads."""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from odd_pictures import png_head, transparent, turned
from onnx_models import write_model
from people import STANDING

from pipeline.datasets.photos.annotations import read_annotations
from pipeline.datasets.photos.hand_labels import write_label_file
from pipeline.networks.checkpoint import save_network
from pipeline.networks.openpose import Guess, PoseNet, bones
from pipeline.pose.skeleton import LIMBS
from pipeline.pose_estimation.estimate import estimate
from pipeline.pose_estimation.photos import load_finder
from pipeline.pose_estimation.targets import draw_targets
from pipeline.utils.errors import printable
from pose25d import find_keypoints

ROOT = Path(__file__).resolve().parents[2]


class Knowing(PoseNet):
    """A network that has learned one thing: where STANDING's joints are in an image of 128 x 64 px, at any size."""

    def forward(self, image: torch.Tensor) -> list[Guess]:
        height, width = image.shape[2:]
        pose = torch.tensor((STANDING + 0.5) * height / 128 - 0.5, dtype=torch.float32)[None, None]
        targets = draw_targets(pose, bones(17), (height, width), 4, 4 * height / 128)
        return [Guess(targets.heat, targets.paf)]


def run(folder: Path, model: Path, *options: str, out: Path | None = None) -> Result:
    place = out or folder / "annotation.csv"
    return CliRunner().invoke(find_keypoints.main, [str(folder), str(place), "--model", str(model), "--params", str(ROOT / "params.yaml"), *options])


def spot(x: int, y: int) -> np.ndarray:
    """A picture, 120 x 60 px, whose brightest place is there."""
    image = np.full((120, 60, 3), 90, np.uint8)
    image[y - 2 : y + 3, x - 2 : x + 3] = 255
    return image


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two photos of one spot each."""
    root = tmp_path / "photos"
    root.mkdir()
    cv2.imwrite(str(root / "a_1.png"), spot(30, 50))
    cv2.imwrite(str(root / "b_1.png"), spot(20, 80))
    return root


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model that finds spots."""
    return write_model(tmp_path / "pose.onnx", "heatmaps")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_keypoints_that_were_corrected_by_hand_are_kept(photos: Path, model: Path) -> None:
    path = photos / "annotation.csv"
    assert run(photos, model).exit_code == 0
    corrected = path.read_text(encoding="utf-8").replace("50, ", "51.5, ")
    path.write_text(corrected, encoding="utf-8")
    refused = run(photos, model)
    assert refused.exit_code == 1
    how = "give another name, --add to keep it and add what it lacks, or --force to replace it"
    assert refused.output == f"Error: {path}: is there already, and is not replaced; {how}\n"
    assert path.read_text(encoding="utf-8") == corrected
    cv2.imwrite(str(photos / "0_1.png"), spot(40, 30))
    added = run(photos, model, "--add")
    assert added.exit_code == 0, added.output
    assert f"1 pictures in {path}, 2 kept as they were, 0 left out" in added.output
    assert path.read_text(encoding="utf-8").startswith(corrected)
    assert sorted(read_annotations(path).points) == ["0_1.png", "a_1.png", "b_1.png"]
    again = path.read_bytes()
    assert run(photos, model, "--add").exit_code == 0
    assert path.read_bytes() == again
    assert run(photos, model, "--force").exit_code == 0
    assert "51.5" not in path.read_text(encoding="utf-8")


def test_adding_to_a_file_that_is_not_there_makes_it(photos: Path, model: Path) -> None:
    assert run(photos, model, "--add").exit_code == 0
    assert sorted(read_annotations(photos / "annotation.csv").points) == ["a_1.png", "b_1.png"]


@pytest.mark.parametrize("options", [(), ("--force",), ("--add",)])
def test_nothing_but_keypoints_is_ever_replaced(photos: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    """It is said at once, before the model is read: this one is none."""
    write_label_file(photos / "depth.csv", {"a_1.png": (0,) * len(LIMBS)})
    (tmp_path / "none.onnx").write_text("none", encoding="utf-8")
    before = contents(photos)
    for place in (photos, photos / "a_1.png", photos / "depth.csv", photos / "a_1.png" / "annotation.csv", Path("/dev/null")):
        refused = run(photos, tmp_path / "none.onnx", *options, out=place)
        assert refused.exit_code == 1
        assert refused.output.count("\n") == 1
        assert f"Error: {place}: " in refused.output
    assert contents(photos) == before
    assert not Path("/dev/null").is_file()


def test_pictures_that_cannot_be_used_are_left_out_by_name(photos: Path, model: Path) -> None:
    pixels = np.zeros((49_000, 1), np.uint8)
    bad = {
        "huge_1.png": (png_head(40_000, 30_000), "it cannot be read: more than 50000000 px are too large"),
        "large_1.png": (png_head(20_000, 20_000), "it cannot be read: more than 50000000 px are too large"),
        "thin_1.png": (cv2.imencode(".png", pixels)[1].tobytes(), "it cannot be read: 1 x 49000 px is too large"),
        "empty_1.png": (b"", "it cannot be read: no picture, or a damaged one"),
        "two\nlines_1.png": ((photos / "a_1.png").read_bytes(), "holds a line break"),
        os.fsdecode(b"\xff_1.png"): ((photos / "a_1.png").read_bytes(), "its name is not UTF-8"),
    }
    for name, (content, _) in bad.items():
        (photos / name).write_bytes(content)
    (photos / "gone_1.png").symlink_to(photos / "nowhere")
    for name in ("._a_1.png", ".partial-a_1.png"):
        (photos / name).write_bytes(b"Mac OS X")
    shutil.copy(photos / "a_1.png", photos / "c:d\"e'_1.png")
    result = run(photos, model)
    assert result.exit_code == 0, result.output
    for name, (_, why) in bad.items():
        (line,) = [line for line in result.output.splitlines() if line.startswith(f"find-keypoints: {printable(name)} is left out, ")]
        assert why in line
    assert "find-keypoints: gone_1.png is left out, it is a link that leads nowhere" in result.output
    assert "3 pictures in" in result.output
    assert f"{len(bad) + 1} left out" in result.output
    assert sorted(read_annotations(photos / "annotation.csv").points) == ["a_1.png", "b_1.png", "c:d\"e'_1.png"]


def test_keypoints_are_of_the_picture_as_it_is_shown(photos: Path, model: Path) -> None:
    (photos / "a_1.png").unlink()
    (photos / "b_1.png").unlink()
    (photos / "phone_1.jpg").write_bytes(turned(spot(20, 40)))
    image = spot(20, 90)
    image[:60] = 250  # hidden, and brighter than all else once it is seen
    (photos / "clear_1.png").write_bytes(transparent(image, np.arange(120)[:, None] * np.ones(60) >= 10))
    assert run(photos, model).exit_code == 0
    found = read_annotations(photos / "annotation.csv").points
    assert np.abs(found["phone_1.jpg"] - (20, 40)).max() <= 4
    assert found["clear_1.png"][0, 1] <= 14  # white, where nothing is


def test_very_long_pictures_are_looked_at(photos: Path, model: Path) -> None:
    for name, shape in (("high_1.png", (30_000, 1, 3)), ("wide_1.png", (1, 30_000, 3))):
        cv2.imwrite(str(photos / name), np.zeros(shape, np.uint8))
    save_network(photos.parent / "pose.safetensors", PoseNet(17, "mobilenet", 0.1, 0, 4, [64, 32]))
    load_finder(photos.parent / "pose.safetensors")(np.zeros((1, 30_000, 3), np.uint8))
    assert run(photos, model).exit_code == 0


def test_a_folder_gets_its_file_of_keypoints(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "spot_1.png"), spot(30, 50))
    cv2.imwrite(str(tmp_path / "black_1.png"), np.zeros((50, 50, 3), np.uint8))
    (tmp_path / "text_1.png").write_text("no picture", encoding="utf-8")
    result = run(tmp_path, write_model(tmp_path / "pose.onnx", "heatmaps"))
    assert result.exit_code == 0, result.output
    assert "text_1.png is left out, it cannot be read" in result.output
    assert "black_1.png is left out, nobody was found" in result.output
    found = read_annotations(tmp_path / "annotation.csv")
    assert list(found.points) == ["spot_1.png"]
    assert np.abs(found.points["spot_1.png"] - (30, 50)).max() <= 4


def test_a_folder_in_which_nobody_is_found_is_one_line(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "black_1.png"), np.zeros((60, 40, 3), np.uint8))
    save_network(tmp_path / "pose.safetensors", PoseNet(17, "mobilenet", 0.1, 0, 4, [64, 32]))
    result = run(tmp_path, tmp_path / "pose.safetensors")
    assert result.exit_code == 1
    assert "nobody was found in any picture; give a pose model that was trained on photos" in result.output
    assert not (tmp_path / "annotation.csv").exists()


def test_a_network_of_17_joints_gives_18_keypoints(tmp_path: Path) -> None:
    save_network(tmp_path / "pose.safetensors", PoseNet(17, "mobilenet", 0.1, 0, 4, [64, 32]))
    points = load_finder(tmp_path / "pose.safetensors")(np.zeros((60, 40, 3), np.uint8))
    assert points.shape == (18, 2)


def test_people_come_back_in_px_of_the_picture() -> None:
    network = Knowing(17, "mobilenet", 0.1, 0, 4, [128, 64]).eval()
    for factor in (1, 2, 3):
        people = estimate(network, np.zeros((128 * factor, 64 * factor, 3), np.uint8))
        assert len(people) == 1
        assert np.abs(people[0].pose_2d - ((STANDING + 0.5) * factor - 0.5)).max() <= 2 * factor
