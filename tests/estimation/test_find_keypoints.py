"""Keypoints for a folder of photos: somebody's ONNX model and a network of ours give a file that the reader reads."""

from pathlib import Path

import cv2
import numpy as np
import torch
from click.testing import CliRunner, Result
from people import STANDING
from test_onnx_pose import write_model

from pipeline.estimation.estimate import estimate
from pipeline.estimation.photos import load_finder
from pipeline.estimation.targets import draw_targets
from pipeline.networks.checkpoint import save_network
from pipeline.networks.openpose import Guess, PoseNet, bones
from pipeline.photos.annotations import read_annotations
from stages import find_keypoints

ROOT = Path(__file__).resolve().parents[2]


class Knowing(PoseNet):
    """A network that has learned one thing: where STANDING's joints are in an image of 128 x 64 px, at any size."""

    def forward(self, image: torch.Tensor) -> list[Guess]:
        height, width = image.shape[2:]
        pose = torch.tensor((STANDING + 0.5) * height / 128 - 0.5, dtype=torch.float32)[None, None]
        targets = draw_targets(pose, bones(17), (height, width), 4, 4 * height / 128)
        return [Guess(targets.heat, targets.paf)]


def run(folder: Path, model: Path) -> Result:
    out = folder / "annotation.csv"
    return CliRunner().invoke(find_keypoints.main, [str(folder), str(out), "--model", str(model), "--params", str(ROOT / "params.yaml")])


def test_a_folder_gets_its_file_of_keypoints(tmp_path: Path) -> None:
    image = np.full((120, 60, 3), 90, np.uint8)
    image[48:53, 28:33] = 255
    cv2.imwrite(str(tmp_path / "spot_1.png"), image)
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
